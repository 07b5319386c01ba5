"""Subscriptions that a card has to pay something for yet."""

from uuid import UUID

from sqlalchemy import BigInteger, cast, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.orders.models import BillingEntry
from billing.subscriptions.change import SubscriptionChange
from billing.subscriptions.models import BILLABLE, Subscription


async def of_customer(session: AsyncSession, customer_id: UUID) -> set[UUID]:
    """Those of a customer that renew or resume by themselves at a price, and those whose waiting lines cost something.

    The price may be one that is scheduled. What waits is billed at the end of the subscription, too. The caller has
    locked the customer.
    """
    scheduled = exists().where(
        SubscriptionChange.subscription_id == Subscription.id,
        SubscriptionChange.status == "scheduled",
        cast(SubscriptionChange.terms["amount"].astext, BigInteger) > 0,
    )
    resumes = (Subscription.status == "paused") & Subscription.resumes_at.is_not(None)
    goes_on = or_(Subscription.status.in_(BILLABLE), resumes) & Subscription.cancel_at_period_end.is_(False)
    waiting = (
        select(func.coalesce(func.sum(BillingEntry.amount), 0))
        .where(BillingEntry.subscription_id == Subscription.id)
        .where(BillingEntry.order_id.is_(None), BillingEntry.dropped_at.is_(None))
        .scalar_subquery()
    )
    statement = select(Subscription.id).where(
        Subscription.customer_id == customer_id,
        Subscription.ended_at.is_(None),
        or_(goes_on & or_(Subscription.amount > 0, scheduled), waiting > 0),
    )
    return set((await session.execute(statement)).scalars())
