"""Subscriptions whose last period is over, those that pause, and those whose pause is over."""

from datetime import datetime
from functools import partial

from servicekit import clock, timers
from servicekit.database import Sessions
from servicekit.outside import asking, asking_by_one
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.customers.models import Customer
from billing.subscriptions import operations, pauses
from billing.subscriptions.models import BILLABLE, Subscription
from billing.subscriptions.orders import surroundings

BATCH = 50


def _is_over() -> timers.Conditions:
    return (
        Subscription.cancel_at_period_end,
        Subscription.ended_at.is_(None),
        timers.due(Subscription.current_period_end, Subscription.organization_id),
    )


def _pauses() -> timers.Conditions:
    return (
        Subscription.pause_at_period_end,
        Subscription.status.in_(BILLABLE),
        Subscription.open_change_id.is_(None),
        timers.due(Subscription.current_period_end, Subscription.organization_id),
    )


def _resumes() -> timers.Conditions:
    return (
        Subscription.status == "paused",
        Subscription.resumes_at.is_not(None),
        timers.due(Subscription.resumes_at, Subscription.organization_id),
    )


is_any_over = timers.waiting(Subscription.current_period_end, _is_over)
is_any_to_pause = timers.waiting(Subscription.current_period_end, _pauses)
is_any_to_resume = timers.waiting(Subscription.resumes_at, _resumes)


async def end_canceled_subscriptions(sessions: Sessions) -> int:
    """Ends up to a batch of subscriptions that were canceled at their period's end. Returns how many it looked at."""
    return await asking_by_one(partial(_end, sessions), BATCH)


async def _end(sessions: Sessions, limit: int) -> int:
    async with sessions() as session:
        looked_at, over = await _claim(session, _is_over(), limit)
        around = await surroundings(session, over)
        for subscription, customer in over:
            await operations.end_with_period(session, subscription, customer, around)
    return looked_at


async def pause_subscriptions(sessions: Sessions) -> int:
    """Pauses up to a batch of subscriptions whose last paid period is over. Returns how many it looked at."""
    return await asking_by_one(partial(_pause, sessions), BATCH)


async def _pause(sessions: Sessions, limit: int) -> int:
    async with sessions() as session:
        looked_at, over = await _claim(session, _pauses(), limit)
        around = await surroundings(session, over)
        for subscription, customer in over:
            await pauses.begin(session, subscription, customer, around, clock.now())
    return looked_at


async def _claim(
    session: AsyncSession, is_due: timers.Conditions, limit: int
) -> tuple[int, list[tuple[Subscription, Customer]]]:
    """Locks customers first, as everybody does, then their subscriptions that are due. Returns how many it looked at.

    Passed by are customers whom another has locked.
    """
    statement = (
        select(Subscription.id, Customer)
        .join(Customer, Customer.id == Subscription.customer_id)
        .where(*is_due)
        .order_by(Subscription.current_period_end)
        .limit(limit)
        .with_for_update(of=Customer, skip_locked=True)
    )
    rows = (await session.execute(statement)).all()
    customers = {row.Customer.id: row.Customer for row in rows}
    # Organizations may number invoices for all of their customers: counters are taken in one order everywhere.
    wanted = (
        select(Subscription)
        .where(Subscription.id.in_([row.id for row in rows]), *is_due)
        .order_by(Subscription.organization_id, Subscription.customer_id, Subscription.id)
        .with_for_update()
    )
    due = (await session.execute(wanted)).scalars().all() if rows else []
    return len(rows), [(subscription, customers[subscription.customer_id]) for subscription in due]


async def resume_subscriptions(sessions: Sessions) -> int:
    """Resumes what one customer has paused until now, and bills the new periods. Returns 1, or 0 when none is due."""
    return await asking(partial(_resume_one, sessions, clock.now()))


async def _resume_one(sessions: Sessions, now: datetime) -> int:
    is_due = _resumes()
    next_one = (
        select(Customer)
        .join(Subscription, Subscription.customer_id == Customer.id)
        .where(*is_due)
        .order_by(Subscription.resumes_at)
        .limit(1)
        .with_for_update(skip_locked=True, of=Customer)
    )
    async with sessions() as session:
        customer = (await session.execute(next_one)).scalar_one_or_none()
        if customer is None:
            return 0
        own = select(Subscription).where(Subscription.customer_id == customer.id, *is_due).with_for_update()
        for subscription in (await session.execute(own)).scalars().all():
            await pauses.resume(session, customer, subscription, now)
    return 1
