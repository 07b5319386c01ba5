"""Billing entries of a subscription: lines that wait for its next order.

An entry waits while no order has taken it and it was not dropped. A void order gives its entries back; a subscription
that is over keeps none.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from servicekit import ids
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.orders.corrections import recount
from billing.orders.models import BillingEntry, Order
from billing.subscriptions.models import Subscription
from billing.subscriptions.proration import ProratedLine


def _waits() -> tuple[ColumnElement[bool], ...]:
    return BillingEntry.order_id.is_(None), BillingEntry.dropped_at.is_(None)


async def waiting(session: AsyncSession, subscription_ids: Sequence[UUID]) -> Sequence[BillingEntry]:
    """The entries of subscriptions that wait, locked, in the order in which they were made."""
    statement = (
        select(BillingEntry)
        .where(BillingEntry.subscription_id.in_(subscription_ids), *_waits())
        .order_by(BillingEntry.created_at, BillingEntry.id)
        .with_for_update()
    )
    return (await session.execute(statement)).scalars().all()


async def waiting_amount(session: AsyncSession, subscription: Subscription) -> int:
    """The sum of the entries of a subscription that wait, in minor units before tax; negative is a credit."""
    total = select(func.coalesce(func.sum(BillingEntry.amount), 0))
    statement = total.where(BillingEntry.subscription_id == subscription.id, *_waits())
    return int((await session.execute(statement)).scalar_one())


async def waiting_of_customer(session: AsyncSession, subscription: Subscription) -> int:
    """The same with what waits for other subscriptions of the customer in the currency: credit has to pay it first.

    What another one gives back does not count: its order may come after this one's, or never.
    """
    theirs = select(Subscription.id).where(Subscription.customer_id == subscription.customer_id)
    statement = (
        select(BillingEntry.subscription_id, func.sum(BillingEntry.amount))
        .where(BillingEntry.subscription_id.in_(theirs), BillingEntry.currency == subscription.currency, *_waits())
        .group_by(BillingEntry.subscription_id)
    )
    sums = {id: int(amount) for id, amount in (await session.execute(statement)).all()}
    return sum(amount if id == subscription.id else max(0, amount) for id, amount in sums.items())


async def write(
    session: AsyncSession, subscription: Subscription, lines: Sequence[ProratedLine], now: datetime
) -> None:
    """Writes prorated lines as entries, a microsecond apart: the order that takes them keeps their order.

    The caller has locked the subscription's customer.
    """
    for position, line in enumerate(lines):
        session.add(_entry(subscription, line.as_entry(), now + timedelta(microseconds=position)))
    await recount(session, [line.corrects for line in lines])


async def give_back(session: AsyncSession, order: Order, now: datetime) -> None:
    """The entries that a void order had taken wait again. The caller has locked the customer, and recounts credits."""
    taken = select(BillingEntry).where(BillingEntry.order_id == order.id).with_for_update()
    for entry in (await session.execute(taken)).scalars():
        entry.order_id, entry.modified_at = None, now


async def drop(session: AsyncSession, subscription: Subscription, now: datetime) -> None:
    """Drops what waits of a subscription that is over: nobody bills it any more (Polar's rule of a revoke).

    The caller has locked the subscription's customer.
    """
    await session.flush()
    dropped = await waiting(session, [subscription.id])
    for entry in dropped:
        entry.dropped_at = entry.modified_at = now
    await recount(session, [entry.corrects for entry in dropped])


def _entry(subscription: Subscription, line: ProratedLine, now: datetime) -> BillingEntry:
    return BillingEntry(
        id=ids.uuid7(),
        organization_id=subscription.organization_id,
        created_at=now,
        kind="proration",
        customer_id=subscription.customer_id,
        subscription_id=subscription.id,
        currency=subscription.currency,
        label=line.label,
        amount=line.amount,
        proration=True,
        product_price_id=UUID(str(line.price_id)),
        start_timestamp=line.start,
        end_timestamp=line.end,
        computation=line.computation,
        corrects=line.corrects,
    )
