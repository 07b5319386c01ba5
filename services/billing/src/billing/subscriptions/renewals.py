"""Renewals: the next period begins, and is billed. Order first, payment second: the period goes on either way.

Any number of workers may renew: each claims customers with SKIP LOCKED, and the database refuses a second order for a
period. A batch is one transaction of a dozen statements, whatever its size.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from uuid import UUID

from contracts.billing import OrderCreatedV1, SubscriptionActiveV1, SubscriptionCycledV1, SubscriptionUpdatedV1
from servicekit import clock, outbox, timers
from servicekit.database import Sessions
from servicekit.outside import AskOutside, asking
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.customers import balances
from billing.customers.models import Customer, CustomerBalance
from billing.invoices.numbers import next_number
from billing.orders.create import Terms, tell, write_order
from billing.orders.models import BillingEntry, Order
from billing.organizations.operations import shape_of, shapes_of
from billing.payment_methods.models import PaymentMethod
from billing.payments import collect
from billing.subscriptions import discounts, events, pending_updates
from billing.subscriptions.models import BILLABLE, Subscription
from billing.subscriptions.periods import entry_line, price_line

BATCH = 50


@dataclass
class Surroundings:
    """What renewals need besides subscriptions and customers, read at once for a batch."""

    balances: dict[tuple[UUID, str], CustomerBalance] = field(default_factory=dict)
    entries: dict[UUID, list[BillingEntry]] = field(default_factory=lambda: defaultdict(list))
    methods: dict[UUID, PaymentMethod] = field(default_factory=dict)

    def method_of(self, subscription: Subscription, customer: Customer) -> PaymentMethod | None:
        """The card of the subscription, else the customer's default."""
        for method_id in (subscription.payment_method_id, customer.default_payment_method_id):
            if method_id is not None and method_id in self.methods:
                return self.methods[method_id]
        return None


async def renew_due(sessions: Sessions) -> int:
    """A timer's work: renews up to a batch of subscriptions whose period is over. Returns how many it looked at.

    Where a tax has to be asked for outside, they are renewed one by one, each asked for between two transactions.
    """
    try:
        return await _renew(sessions, BATCH)
    except AskOutside as wanted:
        await wanted.ask()
    one = partial(_renew, sessions, 1)
    for done in range(BATCH):
        looked_at: int = await asking(one)
        if not looked_at:
            return done
    return BATCH


async def _renew(sessions: Sessions, limit: int) -> int:
    async with sessions() as session:
        claimed = await _claim(session, limit)
        if not claimed:
            return 0
        now = clock.now()
        around = await surroundings(session, claimed)
        renewed = []
        for subscription, customer in claimed:
            if subscription.pending_update is not None:
                await pending_updates.apply_due(session, subscription, now)
            order = await begin_period(session, subscription, customer, around, now)
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


async def surroundings(session: AsyncSession, claimed: Sequence[tuple[Subscription, Customer]]) -> Surroundings:
    """Balances, lines that wait, and cards of subscriptions whose customers are locked."""
    around = Surroundings(balances=await balances.balances_of(session, list({one.id for _, one in claimed})))
    waiting = (
        select(BillingEntry)
        .where(BillingEntry.subscription_id.in_([one.id for one, _ in claimed]), BillingEntry.order_id.is_(None))
        .order_by(BillingEntry.created_at, BillingEntry.id)
        .with_for_update()
    )
    for entry in (await session.execute(waiting)).scalars():
        around.entries[entry.subscription_id].append(entry)
    named = {one.payment_method_id for one, _ in claimed} | {one.default_payment_method_id for _, one in claimed}
    cards = select(PaymentMethod).where(PaymentMethod.id.in_(named - {None}), PaymentMethod.deleted_at.is_(None))
    around.methods = {card.id: card for card in (await session.execute(cards)).scalars()}
    await shapes_of(session, {one.organization_id for one, _ in claimed})
    return around


async def begin_period(
    session: AsyncSession,
    subscription: Subscription,
    customer: Customer,
    around: Surroundings,
    now: datetime,
    *,
    trigger: str = "subscription_cycle",
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
        collect.write_request(session, order, around.method_of(subscription, customer), trigger, 1, at=now)
    return order


async def bill_period(
    session: AsyncSession,
    subscription: Subscription,
    customer: Customer,
    around: Surroundings,
    now: datetime,
    billing_reason: str = "subscription_cycle",
) -> Order:
    """The order of the subscription's present period: its price, less a discount that still lasts, and what waited."""
    waiting = around.entries.pop(subscription.id, [])
    discount = discounts.begin_period(subscription)
    seller = await shape_of(session, customer.organization_id)
    balance = around.balances.get((customer.id, subscription.currency))
    order = write_order(
        session,
        customer=customer,
        lines=[price_line(subscription), *(entry_line(entry) for entry in waiting)],
        terms=Terms(
            billing_reason=billing_reason,
            currency=subscription.currency,
            description=str(subscription.product_data["name"]),
            product=subscription.product_data,
            discount=discount,
            period_start=subscription.current_period_start,
            seats=subscription.seats,
            units=subscription.units,
            metadata=subscription.user_metadata,
            custom_field_data=subscription.custom_field_data,
        ),
        seller=seller,
        number=await next_number(session, customer, seller),
        balance=balance,
        subscription=subscription,
        at=now,
    )
    if balance is None and order.applied_balance_amount:
        # Another subscription of the customer may be renewed in the same batch: it finds the balance that began here.
        await session.flush()
        key = (customer.id, subscription.currency)
        around.balances[key] = await session.get_one(CustomerBalance, key)
    for entry in waiting:
        entry.order_id, entry.modified_at = order.id, now
    return order
