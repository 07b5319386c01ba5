"""Subscriptions whose last period is over."""

from servicekit import clock
from servicekit.database import Sessions
from sqlalchemy import select

from billing.subscriptions import operations
from billing.subscriptions.models import Subscription

BATCH = 50


async def end_canceled_subscriptions(sessions: Sessions) -> int:
    """Ends up to a batch of subscriptions that were canceled at their period's end. Returns how many."""
    async with sessions() as session:
        statement = (
            select(Subscription)
            .where(
                Subscription.cancel_at_period_end,
                Subscription.ended_at.is_(None),
                Subscription.current_period_end <= clock.now(),
            )
            .order_by(Subscription.current_period_end)
            .limit(BATCH)
            .with_for_update(skip_locked=True)
        )
        over = (await session.execute(statement)).scalars().all()
        for subscription in over:
            await operations.end_with_period(session, subscription)
    return len(over)
