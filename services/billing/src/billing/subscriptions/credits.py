"""Reading what was paid for the present period of a subscription: what bounds every credit for the rest of it."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import exists, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.disputes.models import BLOCKING, Dispute
from billing.orders.models import SETTLED, BillingEntry, Order, OrderItem
from billing.subscriptions.models import Subscription
from billing.subscriptions.paid import Paid, paid_of
from billing.subscriptions.proration import ProratedLine


async def read(session: AsyncSession, subscription: Subscription) -> Paid:
    """The money of the present period, its orders locked: a refund waits until the credit stands on them.

    What a bank has, or took, is gone; an early warning has taken nothing, and may come to nothing. The caller has
    locked customer and subscription.
    """
    await session.flush()
    begun = or_(OrderItem.start_timestamp >= subscription.current_period_start, OrderItem.start_timestamp.is_(None))
    statement = (
        select(Order)
        .where(Order.subscription_id == subscription.id, Order.status.not_in(("draft", "void")))
        .where(exists().where(OrderItem.order_id == Order.id, begun))
        .order_by(Order.created_at, Order.id)
        .with_for_update(of=Order)
    )
    orders = sorted((await session.execute(statement)).scalars().all(), key=_written_at)
    waiting = (
        select(BillingEntry)
        .where(BillingEntry.subscription_id == subscription.id)
        .where(BillingEntry.order_id.is_(None), BillingEntry.dropped_at.is_(None))
        .order_by(BillingEntry.created_at, BillingEntry.id)
    )
    entries = (await session.execute(waiting)).scalars().all()
    lost: dict[UUID, tuple[int, int]] = {}
    held = select(Dispute).where(Dispute.order_id.in_([order.id for order in orders]), Dispute.status.in_(BLOCKING))
    for dispute in (await session.execute(held)).scalars():
        amount, tax = lost.get(dispute.order_id, (0, 0))
        lost[dispute.order_id] = (amount + dispute.amount, tax + dispute.tax_amount)
    return paid_of(subscription.current_period_start, orders, entries, lost)


async def rests_of(session: AsyncSession, trialing: Sequence[Subscription]) -> dict[UUID, ProratedLine]:
    """By subscription in its trial, the credit for time that was paid before the trial and goes on after its end.

    None is given while an order of the subscription is not paid. The caller has locked customers and subscriptions.
    """
    if not trialing:
        return {}
    theirs = Order.subscription_id == Subscription.id
    later = exists().where(
        theirs, Order.status.in_(SETTLED), OrderItem.order_id == Order.id,
        OrderItem.end_timestamp > Subscription.current_period_end,
    )  # fmt: skip
    owed = exists().where(theirs, Order.status == "pending")
    known = select(Subscription.id).where(Subscription.id.in_([one.id for one in trialing]), later, ~owed)
    found = set((await session.execute(known)).scalars())
    rests = {}
    for subscription in (one for one in trialing if one.id in found):
        end = subscription.current_period_end
        if (line := (await read(session, subscription)).rest(subscription.price_id, end)) is not None:
            rests[subscription.id] = line
    return rests


def _written_at(order: Order) -> tuple[datetime, int]:
    """Orders of one instant, which a test clock makes ordinary, go by their numbers."""
    return order.created_at, int((order.invoice_number or "").rpartition("-")[2] or 0)
