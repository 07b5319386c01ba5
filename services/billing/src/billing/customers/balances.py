"""Customers' balances: credit and debt by currency, moved by orders and refunds. The caller has locked the customer."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from servicekit import clock, ids
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.customers.models import Customer, CustomerBalance, CustomerBalanceEntry
from billing.orders.models import Order


async def balances_of(session: AsyncSession, customer_ids: Sequence[UUID]) -> dict[tuple[UUID, str], CustomerBalance]:
    """The balances of customers, locked, by customer and currency."""
    statement = (
        select(CustomerBalance)
        .where(CustomerBalance.customer_id.in_(customer_ids))
        .order_by(CustomerBalance.customer_id, CustomerBalance.currency)
        .with_for_update()
    )
    rows = (await session.execute(statement)).scalars()
    return {(row.customer_id, row.currency): row for row in rows}


async def balance_of(session: AsyncSession, customer_id: UUID, currency: str) -> CustomerBalance | None:
    """A customer's balance in a currency, locked; None where nothing ever moved it."""
    return (await balances_of(session, [customer_id])).get((customer_id, currency))


async def give_back(session: AsyncSession, customer: Customer, order: Order, at: datetime) -> None:
    """What a void order took of the customer's balance, or left in it, is undone. The caller has locked both."""
    used, order.applied_balance_amount = order.applied_balance_amount, 0
    if used:
        balance = await balance_of(session, customer.id, order.currency)
        move(session, customer, balance, -used, order.currency, reason="order", order_id=order.id, at=at)


def move(
    session: AsyncSession,
    customer: Customer,
    balance: CustomerBalance | None,
    amount: int,
    currency: str,
    *,
    reason: str,
    order_id: UUID | None = None,
    at: datetime | None = None,
) -> CustomerBalance | None:
    """Gives (or takes, when negative) credit of `amount` minor units. Returns the balance after it."""
    if amount == 0:
        return balance
    now = at or clock.now()
    if balance is None:
        balance = CustomerBalance(
            customer_id=customer.id,
            currency=currency,
            organization_id=customer.organization_id,
            amount=0,
            modified_at=now,
        )
        session.add(balance)
    balance.amount += amount
    balance.modified_at = now
    session.add(
        CustomerBalanceEntry(
            id=ids.uuid7(),
            organization_id=customer.organization_id,
            customer_id=customer.id,
            currency=currency,
            amount=amount,
            reason=reason,
            order_id=order_id,
            created_at=now,
        )
    )
    return balance
