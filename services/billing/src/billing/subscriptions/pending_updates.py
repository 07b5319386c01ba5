"""Changes that wait for the next period: one of a subscription, merged with what comes, and applied as it renews."""

from collections.abc import Collection
from contextlib import suppress
from datetime import datetime

from servicekit import clock, ids
from servicekit.errors import InvalidInput
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from billing.subscriptions.change import NewTerms, SubscriptionChange
from billing.subscriptions.merging import QUANTITIES, price_of, remaining
from billing.subscriptions.models import Subscription
from billing.subscriptions.plans import Plan


async def schedule(session: AsyncSession, subscription: Subscription, plan: Plan) -> None:
    """Puts a change off until the present period is over, in the place of one that is scheduled: the plan has both."""
    await supersede(session, subscription)
    change = SubscriptionChange(
        id=ids.uuid7(),
        organization_id=subscription.organization_id,
        created_at=clock.now(),
        subscription_id=subscription.id,
        kind="product" if plan.terms.product is not None else plan.kind,
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


async def scheduled(session: AsyncSession, subscription: Subscription) -> NewTerms | None:
    """The terms that wait for the end of the present period, if there are some."""
    change = await _waiting(session, subscription)
    return change.new_terms if change is not None else None


async def follow(session: AsyncSession, subscription: Subscription, asked: Collection[str] | None) -> None:
    """A change that set what was `asked` (None: all) is applied: what it did not set of a scheduled one still waits.

    The subscription has its new terms already, and perhaps a new period.
    """
    change = await _waiting(session, subscription)
    terms = None
    if change is not None and asked is not None:
        terms = remaining(change.new_terms, asked, price_of(subscription), _counted(subscription))
    if change is None or terms is None:
        await supersede(session, subscription)
        return
    change.terms = terms.to_json()
    change.kind = "product" if terms.product is not None else next(name for name in QUANTITIES if getattr(terms, name))
    await move(session, subscription)


async def move(session: AsyncSession, subscription: Subscription) -> None:
    """The period ends at another time now: so does what waits for its end."""
    change = await _waiting(session, subscription)
    if change is not None:
        change.applies_at, change.modified_at = subscription.current_period_end, clock.now()
        subscription.pending_update = change.shape()


async def apply_due(session: AsyncSession, subscription: Subscription, at: datetime) -> None:
    """Applies the change that waited for the end of the present period; the renewal calls it before the new one begins.

    The caller has locked the subscription, and says so. The prices are those of the moment at which it was wished; the
    amount is that of the seats or units which the subscription has by now, unless the change sets them.
    """
    change = await _waiting(session, subscription)
    subscription.pending_update = None
    if change is None:
        return
    before = (subscription.recurring_interval, subscription.recurring_interval_count)
    terms = change.new_terms
    with suppress(InvalidInput):
        terms = remaining(terms, (), price_of(subscription), _counted(subscription)) or terms
    terms.set_on(subscription)
    if before != (subscription.recurring_interval, subscription.recurring_interval_count):
        subscription.anchor_day = subscription.current_period_end.day
    change.status, change.modified_at = "applied", at


def _counted(subscription: Subscription) -> dict[str, int | None]:
    return {name: getattr(subscription, name) for name in QUANTITIES}


async def _waiting(session: AsyncSession, subscription: Subscription) -> SubscriptionChange | None:
    if subscription.pending_update is None:
        return None
    statement = select(SubscriptionChange).where(
        SubscriptionChange.subscription_id == subscription.id, SubscriptionChange.status == "scheduled"
    )
    return (await session.execute(statement)).scalar_one_or_none()
