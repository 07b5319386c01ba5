"""Orders that nobody will pay any more: what the customer's balance paid of them goes back."""

from datetime import datetime

from contracts.billing import OrderUpdatedV1
from sqlalchemy.ext.asyncio import AsyncSession

from billing.customers import balances
from billing.customers.models import Customer
from billing.orders.corrections import recount
from billing.orders.create import tell
from billing.orders.models import Order
from billing.subscriptions.models import Subscription


async def void_order(
    session: AsyncSession, order: Order, customer: Customer, subscription: Subscription | None, at: datetime
) -> None:
    """Voids a draft or pending order, gives the balance back what it took, and says so. The caller has locked both.

    Raises `OrderNotPayable` once it was paid.
    """
    order.void(at)
    balance = await balances.balance_of(session, customer.id, order.currency)
    taken, order.applied_balance_amount = order.applied_balance_amount, 0
    balances.move(session, customer, balance, -taken, order.currency, reason="order", order_id=order.id, at=at)
    await recount(session, [item.corrects for item in order.items])
    await session.flush()
    tell(session, order, customer, subscription, OrderUpdatedV1, at=at)
