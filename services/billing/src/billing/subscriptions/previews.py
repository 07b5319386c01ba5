"""What a change of a subscription would cost, now and next: the change is made, renewed, and undone.

The code that bills computes it, in a transaction that is rolled back: nothing is charged, published or kept, and no
number of an invoice is taken. What is shown are the orders that would have been published.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime
from uuid import UUID

from contracts import billing as contracts
from contracts.billing import OrderCreatedV1
from servicekit import clock, outbox
from servicekit.auth import Principal
from servicekit.clock import Standing
from servicekit.database import Sessions
from servicekit.outside import asking
from sqlalchemy.ext.asyncio import AsyncSession

from billing.customers.models import Customer
from billing.orders.models import Order
from billing.subscriptions import changes, operations, pauses, queries, renewals, updates
from billing.subscriptions.change import SubscriptionChange
from billing.subscriptions.models import BILLABLE, Subscription
from billing.subscriptions.orders import surroundings
from billing.subscriptions.schemas import (
    ChargePreview,
    SubscriptionPreview,
    SubscriptionUpdate,
)


class _Undone(Exception):
    """Ends the transaction of a preview."""


async def of_change(
    sessions: Sessions, principal: Principal, id: UUID, wish: SubscriptionUpdate, *, by_customer: bool = False
) -> SubscriptionPreview:
    """What a change would charge at once and at the end of the period, and the subscription after it.

    Raises what the change itself raises, but for the charge.
    """
    verb, now = updates.verb_of(wish, by_customer=by_customer), clock.now()

    async def make(session: AsyncSession) -> None:
        charging = await updates.change_inside(session, principal, id, wish, verb, by_customer, now)
        if charging is not None:
            await _pay(session, charging.change_id, now)

    return await _undone(sessions, principal, id, make)


async def of_cancel(sessions: Sessions, principal: Principal, id: UUID) -> SubscriptionPreview:
    """What canceling at the end of the period would come to; of one that is canceled already, what it comes to.

    Raises `ResourceNotFound`, or what canceling raises.
    """

    async def make(session: AsyncSession) -> None:
        subscription, _ = await operations.locked(session, principal, id)
        if not subscription.cancel_at_period_end or subscription.ended_at is not None:
            await operations.change(session, subscription, SubscriptionUpdate(cancel_at_period_end=True))

    return await _undone(sessions, principal, id, make)


async def _undone(
    sessions: Sessions, principal: Principal, id: UUID, make: Callable[[AsyncSession], Awaitable[None]]
) -> SubscriptionPreview:
    async def look() -> SubscriptionPreview:
        seen: list[SubscriptionPreview] = []
        with suppress(_Undone):
            async with sessions() as session:
                await make(session)
                seen.append(await _seen(session, principal, id))
                raise _Undone
        return seen[0]

    return await asking(look)


async def _pay(session: AsyncSession, change_id: UUID, now: datetime) -> None:
    """The change is applied as it is when its charge succeeds."""
    change = await session.get_one(SubscriptionChange, change_id)
    subscription = await session.get_one(Subscription, change.subscription_id)
    order = await session.get_one(Order, change.order_id)
    customer = await session.get_one(Customer, subscription.customer_id)
    order.pay(now)
    await changes.apply_what_was_paid(session, order, customer, subscription, now)


async def _seen(session: AsyncSession, principal: Principal, id: UUID) -> SubscriptionPreview:
    subscription, customer = await operations.locked(session, principal, id)
    (after,) = await queries.shapes(session, [subscription])
    now = await _charged(session, subscription)
    at = await _go_on(session, subscription, customer)
    then = await _charged(session, subscription)
    return SubscriptionPreview.of(after, now, then, at)


async def _go_on(session: AsyncSession, subscription: Subscription, customer: Customer) -> datetime | None:
    """Does what is done when the present period is over. Returns the instant; None where nothing is any more."""
    at = subscription.current_period_end
    if subscription.ended_at is not None:
        return None
    with clock.standing_at(Standing(subscription.organization_id, at)):
        around = await surroundings(session, [(subscription, customer)])
        if subscription.cancel_at_period_end:
            await operations.end_with_period(session, subscription, customer, around)
        elif subscription.status not in BILLABLE:
            return None
        elif subscription.pause_at_period_end:
            await pauses.begin(session, subscription, customer, around, at)
        else:
            await renewals.renew(session, subscription, customer, around, at)
    return at


async def _charged(session: AsyncSession, subscription: Subscription) -> ChargePreview | None:
    """The order of the subscription that was made since the last look, as it would have been published."""
    await session.flush()
    orders: list[contracts.Order] = [
        event.data
        for event in outbox.taken_back(session)
        if isinstance(event, OrderCreatedV1) and event.data.subscription_id == subscription.id
    ]
    return ChargePreview.of(orders[-1]) if orders else None
