"""Reminders by mail before money is due: of long periods a week ahead, of trials three days (short ones a day)."""

from datetime import datetime, timedelta

from servicekit import clock, mail, timers
from servicekit.database import Sessions
from sqlalchemy import TIMESTAMP, ColumnElement, and_, case, null, or_, select, type_coerce
from sqlalchemy.ext.asyncio import AsyncSession

from billing.customers.models import Customer
from billing.documents.content import money
from billing.organizations.operations import shape_of
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
                await _write(session, subscription)
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


async def _write(session: AsyncSession, subscription: Subscription) -> None:
    seller = await shape_of(session, subscription.organization_id)
    is_trial = subscription.status == "trialing"
    switch = "subscription_trial_conversion_reminder" if is_trial else "subscription_renewal_reminder"
    if not (seller.get("customer_email_settings") or {}).get(switch, True):
        return
    customer = await session.get_one(Customer, subscription.customer_id)
    product = " ".join(str(subscription.product_data["name"]).split())
    shop = " ".join(str(seller.get("name") or "the shop").split())
    day = subscription.current_period_end.strftime("%d %B %Y")
    amount = money(subscription.net_amount, subscription.currency)
    what = f"Your trial of {product} ends" if is_trial else f"Your subscription to {product} renews"
    body = (
        f"{what} on {day} (UTC).\n\nFrom then on {amount} is due for each period, plus tax where there is any.\n"
        f"To change or cancel it before, use the customer portal of {shop}.\n"
    )
    await mail.write(session, customer.email, f"{what} on {day}", body)
