"""Reminders by mail before money is due: of long periods a week ahead, of trials three days (short ones a day)."""

from datetime import timedelta

from servicekit import clock, mail, timers
from servicekit.database import Sessions
from sqlalchemy import TIMESTAMP, ColumnElement, and_, or_, select, type_coerce
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
    lasts = Subscription.current_period_end - Subscription.current_period_start
    owner = Subscription.organization_id

    def ahead(by: timedelta) -> ColumnElement[bool]:
        return timers.due(type_coerce(Subscription.current_period_end - by, TIMESTAMP(timezone=True)), owner)

    is_trial = Subscription.status == "trialing"
    wanted = or_(
        and_(Subscription.status == "active", lasts > LONG, ahead(AHEAD_OF_RENEWAL)),
        and_(is_trial, lasts >= AHEAD_OF_TRIAL_END, ahead(AHEAD_OF_TRIAL_END)),
        and_(is_trial, lasts < AHEAD_OF_TRIAL_END, ahead(AHEAD_OF_SHORT_TRIAL_END)),
    )
    async with sessions() as session:
        statement = (
            select(Subscription)
            .where(
                wanted,
                Subscription.status.in_(("active", "trialing")),
                Subscription.cancel_at_period_end.is_(False),
                Subscription.pause_at_period_end.is_(False),
                Subscription.reminded_for.is_distinct_from(Subscription.current_period_end),
            )
            .order_by(Subscription.current_period_end)
            .limit(BATCH)
            .with_for_update(skip_locked=True)
        )
        reminded = (await session.execute(statement)).scalars().all()
        for subscription in reminded:
            subscription.reminded_for = subscription.current_period_end
            if subscription.current_period_end > clock.now() and subscription.net_amount > 0:
                await _write(session, subscription)
    return len(reminded)


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
