"""Renewals: the next period begins, and is billed. Order first, payment second: the period goes on either way.

Any number of workers may renew: each claims customers with SKIP LOCKED, and the database refuses a second order for a
period. A batch is one transaction of a dozen statements, whatever its size.
"""

from datetime import datetime
from functools import partial

from contracts.billing import OrderCreatedV1, SubscriptionActiveV1, SubscriptionCycledV1, SubscriptionUpdatedV1
from servicekit import clock, outbox, timers
from servicekit.database import Sessions
from servicekit.outside import asking_by_one
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.customers.models import Customer
from billing.orders.create import tell
from billing.orders.models import Order
from billing.payments import collect, requests
from billing.subscriptions import events, pending_updates
from billing.subscriptions.models import BILLABLE, Subscription
from billing.subscriptions.orders import Surroundings, bill_period, surroundings

BATCH = 50


async def renew_due(sessions: Sessions) -> int:
    """A timer's work: renews up to a batch of subscriptions whose period is over. Returns how many it looked at.

    Where a tax has to be asked for outside, they are renewed one by one, each asked for between two transactions.
    """
    return await asking_by_one(partial(_renew, sessions), BATCH)


async def _renew(sessions: Sessions, limit: int) -> int:
    async with sessions() as session:
        claimed = await _claim(session, limit)
        if not claimed:
            return 0
        now = clock.now()
        around = await surroundings(session, claimed)
        renewed = []
        for subscription, customer in claimed:
            order = await renew(session, subscription, customer, around, now)
            renewed.append((subscription, customer, order))
        await session.flush()
        free = [collect.Settled(order, customer, one) for one, customer, order in renewed if order.payable_amount == 0]
        await collect.paid(session, free, now)
    return len(claimed)


def _is_due() -> timers.Conditions:
    return (
        timers.due(Subscription.current_period_end, Subscription.organization_id),
        Subscription.status.in_(BILLABLE),
        Subscription.cancel_at_period_end.is_(False),
        Subscription.pause_at_period_end.is_(False),
        Subscription.open_change_id.is_(None),
    )


is_any_to_renew = timers.waiting(Subscription.current_period_end, _is_due)


async def _claim(session: AsyncSession, limit: int) -> list[tuple[Subscription, Customer]]:
    """Locks customers first, as everybody does, and passes those by whom another has locked."""
    is_due = _is_due()
    found = (
        select(Subscription.id, Customer)
        .join(Customer, Customer.id == Subscription.customer_id)
        .where(*is_due)
        .order_by(Subscription.current_period_end)
        .limit(limit)
        .with_for_update(of=Customer, skip_locked=True)
    )
    rows = (await session.execute(found)).all()
    if not rows:
        return []
    customers = {row.Customer.id: row.Customer for row in rows}
    wanted = select(Subscription).where(Subscription.id.in_([row.id for row in rows]), *is_due)
    locked = wanted.order_by(Subscription.id).with_for_update(skip_locked=True)
    subscriptions = (await session.execute(locked)).scalars().all()
    # Organizations may number invoices for all of their customers: counters are taken in one order everywhere.
    ordered = sorted(subscriptions, key=lambda one: (one.organization_id, one.customer_id))
    return [(subscription, customers[subscription.customer_id]) for subscription in ordered]


async def renew(
    session: AsyncSession, subscription: Subscription, customer: Customer, around: Surroundings, now: datetime
) -> Order:
    """`begin_period`, after the change that waited for it."""
    if subscription.pending_update is not None:
        await pending_updates.apply_due(session, subscription, now)
    return await begin_period(session, subscription, customer, around, now)


async def begin_period(
    session: AsyncSession,
    subscription: Subscription,
    customer: Customer,
    around: Surroundings,
    now: datetime,
) -> Order:
    """Advances the subscription by a period, writes its order and the request of its payment, and says so.

    The caller has locked customer and subscription, and settles the order when nothing is due.
    """
    was_trial = subscription.status == "trialing"
    subscription.renew()
    subscription.modified_at = now
    order = await bill_period(session, subscription, customer, around, now)
    data = events.shape(subscription, customer)
    told = [SubscriptionCycledV1, SubscriptionUpdatedV1, *([SubscriptionActiveV1] if was_trial else [])]
    outbox.record(session, *(events.told(contract, subscription, data, now) for contract in told))
    tell(session, order, customer, subscription, OrderCreatedV1, at=now)
    if order.payable_amount > 0:
        requests.write_request(session, order, around.method_of(subscription), "subscription_cycle", 1, at=now)
    return order
