"""Dunning: what follows a renewal that was not paid, until it is paid, or the subscription ends (Polar's rules).

Retries come 2, 7, 14 and 21 days after the first failure. A decline that makes them hopeless skips to the end; so does
the deadline. What a customer tries, or a new default card, does not count. The benefits
service takes what the subscription gives after the seller's grace period, counted from `past_due_at`.
"""

from datetime import datetime, timedelta
from uuid import UUID

from contracts import billing as contracts
from contracts.billing import (
    OrderUpdatedV1,
    SubscriptionActiveV1,
    SubscriptionCanceledV1,
    SubscriptionPastDueV1,
    SubscriptionRevokedV1,
    SubscriptionUpdatedV1,
)
from contracts.event import Event
from processor import UNRECOVERABLE
from servicekit import clock, outbox, timers
from servicekit.database import Sessions
from sqlalchemy import exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.customers.models import Customer
from billing.mails import operations as mails
from billing.orders import drafts
from billing.orders.create import tell
from billing.orders.models import Order
from billing.orders.voids import void_order
from billing.payment_methods.agreements import AgreedBy, owned, pay_with
from billing.payments import collect, requests
from billing.payments.models import COUNTED, Payment
from billing.subscriptions import entries, events
from billing.subscriptions.models import Subscription

BATCH = 50
RETRIES = (timedelta(days=2), timedelta(days=5), timedelta(days=7), timedelta(days=7))
LASTS = sum(RETRIES, timedelta())


@collect.when_failed
async def plan_retry(
    session: AsyncSession,
    order: Order,
    payment: Payment,
    customer: Customer,
    subscription: Subscription | None,
    now: datetime,
) -> None:
    """Plans the next attempt after a failure, or ends what cannot be paid. Says `order.updated` and what follows."""
    if order.status != "pending" or (subscription is not None and subscription.open_change_id is not None):
        return  # a change that was to be paid first: it fails as a whole, and nothing is owed
    if subscription is None and payment.trigger == "purchase":
        await drafts.leave_as_draft(session, order)
        tell(session, order, customer, subscription, OrderUpdatedV1, at=now)
        return
    order.modified_at = now
    if subscription is None or payment.trigger not in COUNTED:
        tell(session, order, customer, subscription, OrderUpdatedV1, at=now)
        return
    counted = select(func.count()).where(
        Payment.order_id == order.id, Payment.status == "failed", Payment.trigger.in_(COUNTED)
    )
    failures = (await session.execute(counted)).scalar_one()
    order.payment_deadline = order.payment_deadline or now + LASTS
    if failures > len(RETRIES) or now >= order.payment_deadline:
        await give_up(session, order, customer, subscription, now)
        return
    is_hopeless = payment.decline_code in UNRECOVERABLE
    planned = order.payment_deadline if is_hopeless else now + RETRIES[failures - 1]
    order.next_payment_attempt_at = min(planned, order.payment_deadline)
    has_fallen = subscription.fall_past_due(now)
    tell(session, order, customer, subscription, OrderUpdatedV1, at=now)
    if has_fallen:
        await _say(session, subscription, customer, now, SubscriptionUpdatedV1, SubscriptionPastDueV1)
    else:
        await mails.write_payment_failed(session, order, customer, payment.id)


@collect.when_paid
async def recover(
    session: AsyncSession, order: Order, customer: Customer, subscription: Subscription | None, now: datetime
) -> None:
    """What was past due is active again, once no other order of it is in dunning."""
    if subscription is None or subscription.status != "past_due":
        return
    if await is_owing(session, subscription, besides=order.id):
        return
    subscription.recover(now)
    await _say(session, subscription, customer, now, SubscriptionUpdatedV1, SubscriptionActiveV1)


async def give_up(
    session: AsyncSession, order: Order, customer: Customer, subscription: Subscription, now: datetime
) -> None:
    """The end of dunning: the subscription is revoked unless it is over already, and what it owes is void."""
    was_canceled = subscription.cancel_at_period_end
    if subscription.ended_at is None:
        subscription.end(now)
        told: list[type[Event[contracts.Subscription]]] = [SubscriptionUpdatedV1]
        told += [SubscriptionRevokedV1] if was_canceled else [SubscriptionCanceledV1, SubscriptionRevokedV1]
        await _say(session, subscription, customer, now, *told)
    await write_off(session, subscription, customer, now)


async def write_off(session: AsyncSession, subscription: Subscription, customer: Customer, now: datetime) -> None:
    """A subscription that is over settles nothing more: its pending orders are void, what waits is dropped.

    So ends one that is revoked; one that ends with its period is billed first. The caller has locked both.
    """
    await void_pending(session, subscription, customer, now)
    await entries.drop(session, subscription, now)


async def void_pending(session: AsyncSession, subscription: Subscription, customer: Customer, now: datetime) -> None:
    """Voids what an ended subscription still owes, and says so: credit that it took is the customer's again.

    A payment under way is given back when it succeeds.
    """
    await session.flush()
    statement = select(Order).where(Order.subscription_id == subscription.id, Order.status == "pending")
    for order in (await session.execute(statement.order_by(Order.id).with_for_update())).scalars().all():
        await _cancel_open(session, order, now)
        await void_order(session, order, customer, subscription, now)


async def _cancel_open(session: AsyncSession, order: Order, now: datetime) -> None:
    """A payment that nobody has begun to charge is not charged any more.

    Whoever takes one in hand puts off when it is due. What was taken once may have been charged without an answer, also
    when it is due again: without its card Stripe is only asked what became of it, and what it took is given back.
    """
    unknown = select(Payment).where(
        Payment.order_id == order.id, Payment.status == "open", Payment.processor_id.is_(None)
    )
    for payment in (await session.execute(unknown.with_for_update(skip_locked=True))).scalars():
        if payment.due_at == payment.created_at:
            payment.status, payment.due_at, payment.decline_code = "failed", None, "order_void"
        else:
            payment.processor_payment_method_id = None
        payment.modified_at = now


def _is_due() -> timers.Conditions:
    return timers.due(Order.next_payment_attempt_at, Order.organization_id), Order.status == "pending"


is_any_to_retry = timers.waiting(Order.next_payment_attempt_at, _is_due)


async def retry_due(sessions: Sessions) -> int:
    """A timer's work: asks again for what is due, up to a batch of orders. Returns how many it looked at."""
    async with sessions() as session:
        now = clock.now()
        is_due = _is_due()
        found = (
            select(Order.id, Customer)
            .join(Customer, Customer.id == Order.customer_id)
            .where(*is_due)
            .order_by(Order.next_payment_attempt_at)
            .limit(BATCH)
            .with_for_update(of=Customer, skip_locked=True)
        )
        rows = (await session.execute(found)).all()
        for row in rows:
            locked = select(Order).where(Order.id == row.id, *is_due).with_for_update()
            order = (await session.execute(locked)).scalar_one_or_none()
            if order is not None:
                await _retry(session, order, row.Customer, now)
    return len(rows)


async def _retry(session: AsyncSession, order: Order, customer: Customer, now: datetime) -> None:
    """The next attempt; a card that was declined for good is not asked again, and at the deadline that is the end."""
    order.next_payment_attempt_at = None
    subscription = await session.get(Subscription, order.subscription_id, with_for_update=True)
    if await is_open(session, order):
        order.next_payment_attempt_at = now + requests.IN_HAND
        return
    method = await requests.method_for(session, customer, subscription)
    last = (
        select(Payment)
        .where(Payment.order_id == order.id, Payment.status == "failed")
        .order_by(Payment.attempt.desc())
        .limit(1)
    )
    failed = (await session.execute(last)).scalar_one_or_none()
    is_same = failed is not None and method is not None and failed.processor_payment_method_id == method.processor_id
    if subscription is not None and failed is not None and is_same and failed.decline_code in UNRECOVERABLE:
        if order.payment_deadline is not None and now < order.payment_deadline:
            # A new card that was declined for good: until the end the customer may bring another one.
            order.next_payment_attempt_at, order.modified_at = order.payment_deadline, now
            tell(session, order, customer, subscription, OrderUpdatedV1, at=now)
            return
        await give_up(session, order, customer, subscription, now)
        return
    await requests.request(session, order, method, "retry_dunning", at=now)


async def is_owing(session: AsyncSession, subscription: Subscription, *, besides: UUID | None = None) -> bool:
    """Whether an order of the subscription is in dunning, besides one of them."""
    owed = select(Order.id).where(
        Order.subscription_id == subscription.id, Order.status == "pending", Order.payment_deadline.is_not(None)
    )
    if besides is not None:
        owed = owed.where(Order.id != besides)
    return (await session.execute(owed.limit(1))).first() is not None


async def is_open(session: AsyncSession, order: Order) -> bool:
    """Whether a payment of the order is under way."""
    open_one = select(Payment.id).where(Payment.order_id == order.id, Payment.status == "open")
    return (await session.execute(open_one)).first() is not None


async def retry_with_new_card(session: AsyncSession, customer: Customer, by: AgreedBy, now: datetime) -> None:
    """A new default card is asked at once for what is in dunning, and pays for these subscriptions from then on.

    For a card that the customer added in the portal, never for one of a checkout; and for subscriptions that are known
    to be theirs: others wait until they choose a card for them. The caller has locked the customer, whose act it is
    (`by`).
    """
    in_dunning = exists().where(
        Order.subscription_id == Subscription.id, Order.status == "pending", Order.payment_deadline.is_not(None)
    )
    found = select(Subscription).where(Subscription.customer_id == customer.id, in_dunning)
    locked = (await session.execute(found.order_by(Subscription.id).with_for_update())).scalars().all()
    for subscription in await owned(session, locked):
        if subscription.payment_method_id != customer.default_payment_method_id:
            pay_with(session, subscription, customer.default_payment_method_id, by)
        await retry_now(session, customer, subscription, now)


async def retry_now(session: AsyncSession, customer: Customer, subscription: Subscription, now: datetime) -> None:
    """Asks the card of a subscription at once for what is in dunning; it does not count. The caller has locked both."""
    owed = select(Order).where(
        Order.subscription_id == subscription.id, Order.status == "pending", Order.payment_deadline.is_not(None)
    )
    for order in (await session.execute(owed.order_by(Order.id).with_for_update())).scalars().all():
        if not await is_open(session, order):
            method = await requests.method_for(session, customer, subscription)
            await requests.request(session, order, method, "retry_payment_method_update", at=now)


async def _say(
    session: AsyncSession,
    subscription: Subscription,
    customer: Customer,
    at: datetime,
    *told: type[Event[contracts.Subscription]],
) -> None:
    data = events.shape(subscription, customer)
    outbox.record(session, *(events.told(contract, subscription, data, at) for contract in told))
    await mails.write_of_events(session, subscription, customer, told, at)
