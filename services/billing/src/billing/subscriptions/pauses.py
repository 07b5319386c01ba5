"""Pausing at a period's end, and going on: by hand, or when the time that was given has come."""

from datetime import datetime

from contracts.billing import (
    SubscriptionPastDueV1,
    SubscriptionPausedV1,
    SubscriptionResumedV1,
    SubscriptionUpdatedV1,
)
from servicekit.errors import InvalidInput
from sqlalchemy.ext.asyncio import AsyncSession

from billing.customers.models import Customer
from billing.orders import dunning
from billing.subscriptions import changes, pending_updates
from billing.subscriptions.errors import InactiveSubscription
from billing.subscriptions.models import AlreadyCanceledSubscription, Subscription, next_period_end
from billing.subscriptions.orders import Surroundings, bill_period, bill_rest, publish_and_collect, surroundings


async def schedule(
    session: AsyncSession, subscription: Subscription, resumes_at: datetime | None, now: datetime
) -> None:
    """The subscription pauses when its present period is over, until `resumes_at` or until it is resumed.

    Raises `AlreadyCanceledSubscription`, `InactiveSubscription` unless it is active, and `InvalidInput` naming
    `resumes_at` where it is past, or not after the period's end.
    """
    if subscription.ended_at is not None or subscription.cancel_at_period_end:
        raise AlreadyCanceledSubscription("This subscription is already canceled, or it ends at the period's end")
    if subscription.status != "active":
        raise InactiveSubscription(f"This subscription is {subscription.status}: only an active one can pause")
    if resumes_at is not None and resumes_at <= max(now, subscription.current_period_end):
        raise InvalidInput(("body", "resumes_at"), "must be after the end of the current period, and after now")
    subscription.pause_at_period_end, subscription.resumes_at = True, resumes_at
    subscription.modified_at = now
    await changes.say(session, subscription, [SubscriptionUpdatedV1], now)


async def unschedule(session: AsyncSession, subscription: Subscription, now: datetime) -> None:
    """Takes a pause back that has not begun. Raises `InactiveSubscription` once it has."""
    if subscription.ended_at is not None:
        raise AlreadyCanceledSubscription("This subscription has ended")
    if subscription.status == "paused":
        raise InactiveSubscription("This subscription is paused: resume it")
    subscription.pause_at_period_end, subscription.resumes_at = False, None
    subscription.modified_at = now
    await changes.say(session, subscription, [SubscriptionUpdatedV1], now)


async def begin(
    session: AsyncSession, subscription: Subscription, customer: Customer, around: Surroundings, now: datetime
) -> None:
    """The last period is over: what waits for an order is billed; what is still owed is collected as before.

    The caller has locked customer and subscription.
    """
    subscription.status = "paused"
    subscription.past_due_at = None
    subscription.paused_at = subscription.modified_at = now
    subscription.pause_at_period_end = False
    await changes.say(session, subscription, [SubscriptionUpdatedV1, SubscriptionPausedV1], now)
    await bill_rest(session, subscription, customer, around, now)


async def resume(session: AsyncSession, customer: Customer, subscription: Subscription, now: datetime) -> None:
    """A new period begins, and is billed at once: order first, payment second, as at a renewal.

    It is past due from the start while an order from before the pause is in dunning. The caller has locked customer and
    subscription. Raises `InactiveSubscription` unless it is paused.
    """
    if subscription.ended_at is not None:
        raise AlreadyCanceledSubscription("This subscription has ended")
    if subscription.status != "paused":
        raise InactiveSubscription("This subscription is not paused")
    await pending_updates.apply_due(session, subscription, now)
    subscription.status = "active"
    subscription.paused_at = subscription.resumes_at = None
    subscription.current_period_start, subscription.anchor_day = now, now.day
    subscription.current_period_end = next_period_end(
        now, subscription.recurring_interval, subscription.recurring_interval_count, now.day
    )
    subscription.modified_at = now
    around = await surroundings(session, [(subscription, customer)])
    order = await bill_period(session, subscription, customer, around, now)
    is_owing = await dunning.is_owing(session, subscription) and subscription.fall_past_due(now)
    told = [SubscriptionUpdatedV1, SubscriptionResumedV1, *([SubscriptionPastDueV1] if is_owing else [])]
    await changes.say(session, subscription, told, now)
    await publish_and_collect(session, order, subscription, customer, around, now)
