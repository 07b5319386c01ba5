"""Orders that nobody will pay any more: what the customer's balance paid of them goes back, and the entries wait."""

from datetime import datetime

from contracts.billing import OrderUpdatedV1
from sqlalchemy.ext.asyncio import AsyncSession

from billing.customers import balances
from billing.customers.models import Customer
from billing.orders.corrections import recount
from billing.orders.create import tell
from billing.orders.models import Order
from billing.subscriptions import entries
from billing.subscriptions.models import Subscription


async def void_order(
    session: AsyncSession, order: Order, customer: Customer, subscription: Subscription | None, at: datetime
) -> None:
    """Voids a draft or pending order, gives back what it took of balance and entries, and publishes it.

    A subscription that is over keeps no entries: the caller drops them. The caller has locked customer and order.
    Raises `OrderNotPayable` once it was paid.
    """
    order.void(at)
    if order.subscription_id is not None:
        await entries.give_back(session, order, at)
    balance = await balances.balance_of(session, customer.id, order.currency)
    taken, order.applied_balance_amount = order.applied_balance_amount, 0
    balances.move(session, customer, balance, -taken, order.currency, reason="order", order_id=order.id, at=at)
    await recount(session, [item.corrects for item in order.items])
    await session.flush()
    tell(session, order, customer, subscription, OrderUpdatedV1, at=at)
