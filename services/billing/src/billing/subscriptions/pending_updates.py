"""Changes that wait for the next period: one of a subscription, superseded by the next, and applied as it renews."""

from datetime import datetime

from servicekit import clock, ids
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from billing.subscriptions.change import SubscriptionChange
from billing.subscriptions.models import Subscription
from billing.subscriptions.plans import Plan


async def schedule(session: AsyncSession, subscription: Subscription, plan: Plan) -> None:
    """Puts a change off until the present period is over, in the place of one that waited before."""
    await supersede(session, subscription)
    change = SubscriptionChange(
        id=ids.uuid7(),
        organization_id=subscription.organization_id,
        created_at=clock.now(),
        subscription_id=subscription.id,
        kind=plan.kind,
        behavior="next_period",
        status="scheduled",
        applies_at=subscription.current_period_end,
        terms=plan.terms.to_json(),
    )
    session.add(change)
    await session.flush()
    subscription.pending_update = change.shape()


async def supersede(session: AsyncSession, subscription: Subscription) -> None:
    """Drops the change that waits, if there is one."""
    if subscription.pending_update is None:
        return
    statement = update(SubscriptionChange).where(
        SubscriptionChange.subscription_id == subscription.id, SubscriptionChange.status == "scheduled"
    )
    await session.execute(statement.values(status="superseded", modified_at=clock.now()))
    subscription.pending_update = None


async def move(session: AsyncSession, subscription: Subscription) -> None:
    """The period ends at another time now: so does what waits for its end."""
    change = await _waiting(session, subscription)
    if change is not None:
        change.applies_at, change.modified_at = subscription.current_period_end, clock.now()
        subscription.pending_update = change.shape()


async def apply_due(session: AsyncSession, subscription: Subscription, at: datetime) -> None:
    """Applies the change that waited for the end of the present period; the renewal calls it before the new one begins.

    The caller has locked the subscription, and says so. The terms are those of the moment at which it was wished.
    """
    change = await _waiting(session, subscription)
    subscription.pending_update = None
    if change is None:
        return
    before = (subscription.recurring_interval, subscription.recurring_interval_count)
    change.new_terms.set_on(subscription)
    if before != (subscription.recurring_interval, subscription.recurring_interval_count):
        subscription.anchor_day = subscription.current_period_end.day
    change.status, change.modified_at = "applied", at


async def _waiting(session: AsyncSession, subscription: Subscription) -> SubscriptionChange | None:
    if subscription.pending_update is None:
        return None
    statement = select(SubscriptionChange).where(
        SubscriptionChange.subscription_id == subscription.id, SubscriptionChange.status == "scheduled"
    )
    return (await session.execute(statement)).scalar_one_or_none()
