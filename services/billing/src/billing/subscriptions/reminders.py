"""Reminders by mail before money is due: of long periods a week ahead, of trials three days (short ones a day)."""

from datetime import datetime, timedelta

from servicekit import clock, timers
from servicekit.database import Sessions
from sqlalchemy import TIMESTAMP, ColumnElement, and_, case, null, or_, select, type_coerce

from billing.customers.models import Customer
from billing.mails.operations import write_of_subscription
from billing.subscriptions.models import Subscription

BATCH = 50
LONG = timedelta(days=180)
AHEAD_OF_RENEWAL = timedelta(days=7)
AHEAD_OF_TRIAL_END = timedelta(days=3)
AHEAD_OF_SHORT_TRIAL_END = timedelta(days=1)


async def remind_due(sessions: Sessions) -> int:
    """Writes up to a batch of reminders, one for the end of each period. Returns how many it looked at."""
    ends = Subscription.current_period_end
    async with sessions() as session:
        statement = (
            select(Subscription)
            .where(
                # What the index finds; the instant itself is counted from a column.
                Subscription.status.in_(("active", "trialing")),
                ends <= clock.now() + AHEAD_OF_RENEWAL,
                timers.due(_remind_at(), Subscription.organization_id),
            )
            .order_by(ends)
            .limit(BATCH)
            .with_for_update(skip_locked=True)
        )
        reminded = (await session.execute(statement)).scalars().all()
        for subscription in reminded:
            subscription.reminded_for = subscription.current_period_end
            if subscription.current_period_end > clock.now() and subscription.net_amount > 0:
                is_trial = subscription.status == "trialing"
                name = "subscription_trial_conversion_reminder" if is_trial else "subscription_renewal_reminder"
                customer = await session.get_one(Customer, subscription.customer_id)
                await write_of_subscription(session, subscription, customer, name, subscription.current_period_end)
    return len(reminded)


def _remind_at() -> ColumnElement[datetime]:
    """When a subscription's customer is reminded of the end of its present period; null for never."""
    ends = Subscription.current_period_end
    lasts = ends - Subscription.current_period_start
    is_over = or_(
        Subscription.cancel_at_period_end,
        Subscription.pause_at_period_end,
        Subscription.reminded_for.is_not_distinct_from(ends),
    )
    is_trial = Subscription.status == "trialing"
    remind_at = case(
        (is_over, null()),
        (and_(Subscription.status == "active", lasts > LONG), ends - AHEAD_OF_RENEWAL),
        (and_(is_trial, lasts >= AHEAD_OF_TRIAL_END), ends - AHEAD_OF_TRIAL_END),
        (is_trial, ends - AHEAD_OF_SHORT_TRIAL_END),
        else_=null(),
    )
    return type_coerce(remind_at, TIMESTAMP(timezone=True))
