"""Changing a subscription between renewals. What costs something now is paid for before it is applied.

The change and its order are written in one transaction, charged outside of any, and applied in the transaction that
hears of the money, whoever brings the news: the answer, a call-back, or the timer after a crash. A declined charge
voids the order and leaves the subscription as it was.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from contracts import billing as contracts
from contracts.billing import OrderCreatedV1, SubscriptionActiveV1, SubscriptionCycledV1, SubscriptionUpdatedV1
from contracts.event import Event
from pricing.currencies import MAXIMUM_AMOUNT, written
from processor import StripeProcessor
from servicekit import clock, ids, outbox
from servicekit.auth import Principal, owned_by
from servicekit.database import Sessions
from servicekit.errors import InvalidInput, ResourceNotFound
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.customers import balances
from billing.customers.models import Customer
from billing.mails import operations as mails
from billing.orders.create import tell
from billing.orders.models import Order
from billing.orders.voids import void_order
from billing.organizations.models import Organization
from billing.payment_methods.agreements import AgreedBy, actor
from billing.payments import collect, requests
from billing.payments.models import Payment
from billing.subscriptions import discounts, entries, events, pending_updates, plans, queries, rises
from billing.subscriptions.change import NewTerms, SubscriptionChange
from billing.subscriptions.errors import (
    InactiveSubscription,
    PaymentActionRequired,
    PaymentFailed,
    PaymentMethodRequired,
    PaymentNotReady,
    PaymentUnavailable,
    SubscriptionLocked,
)
from billing.subscriptions.models import ACTIVE, AlreadyCanceledSubscription, Subscription
from billing.subscriptions.orders import bill_change, surroundings, total_of
from billing.subscriptions.plans import GivenDiscount, Plan

NO_METHOD = "There is no saved payment method to charge"
Told = Sequence[type[Event[contracts.Subscription]]]


@dataclass(frozen=True)
class Locked:
    """A subscription and its customer, locked in this order, and their organization as it is known."""

    customer: Customer
    subscription: Subscription
    organization: Organization | None
    by: AgreedBy
    """Whose act the change is: the customer's in the portal, or the seller's."""

    @property
    def default_behavior(self) -> str:
        """How the organization settles changes that do not say it."""
        data = self.organization.data if self.organization is not None else {}
        return str(data.get("proration_behavior") or "prorate")


@dataclass(frozen=True)
class Charging:
    """A change whose order is to be paid now."""

    change_id: UUID
    payment: Payment


async def locked(session: AsyncSession, principal: Principal, id: UUID) -> Locked:
    """The caller's subscription. Raises `ResourceNotFound`, or `SubscriptionLocked` while a change is being paid."""
    statement = select(Subscription.customer_id).where(owned_by(principal, Subscription), Subscription.id == id)
    customer_id = (await session.execute(statement)).scalar_one_or_none()
    if customer_id is None:
        raise ResourceNotFound()
    chosen = select(Customer).where(Customer.id == customer_id).with_for_update()
    customer = (await session.execute(chosen)).scalar_one()
    subscription = await queries.find(session, principal, id, lock=True)
    assert subscription is not None
    if subscription.open_change_id is not None:
        raise SubscriptionLocked("A change of this subscription is being paid; try again in a moment")
    organization = await session.get(Organization, subscription.organization_id)
    return Locked(customer, subscription, organization, actor(principal))


def ensure_changeable(subscription: Subscription) -> None:
    """Raises `AlreadyCanceledSubscription`, or `InactiveSubscription` unless it is active or trialing."""
    if subscription.ended_at is not None or subscription.cancel_at_period_end:
        raise AlreadyCanceledSubscription("This subscription is already canceled, or it ends at the period's end")
    if subscription.status not in ACTIVE:
        raise InactiveSubscription(f"This subscription is {subscription.status}")


async def ensure_chargeable(
    session: AsyncSession, held: Locked, amount: int, product: dict[str, Any] | None = None
) -> None:
    """Raises `PaymentMethodRequired` where neither a card nor the customer's credit could pay `amount`.

    That is in minor units before tax. Credit has to pay its tax too, and what waits for an order of any of the
    customer's subscriptions. `product` is the one that is charged for, where it is not the present one. A subscription
    without a card gets the customer's default: they, or the seller, ask for what it pays.
    """
    subscription, customer = held.subscription, held.customer
    if amount <= 0 or await requests.choose_method(session, customer, subscription, held.by) is not None:
        return
    due = amount + await entries.waiting_of_customer(session, subscription)
    balance = await balances.balance_of(session, customer.id, subscription.currency)
    credit = balance.amount if balance is not None else 0
    if due <= 0:
        return
    if due > credit or await total_of(session, subscription, customer, due, clock.now(), product) > credit:
        raise PaymentMethodRequired(NO_METHOD)


async def ensure_continuable(session: AsyncSession, held: Locked, begins_at: datetime) -> None:
    """Raises `PaymentMethodRequired` where nobody could pay the periods of the subscription that begin then.

    What is scheduled for them counts, and what they cost when a discount for a limited time is over.
    """
    scheduled = await pending_updates.scheduled(session, held.subscription)
    product = scheduled.product if scheduled is not None else None
    await ensure_chargeable(session, held, plans.dearest_period(held.subscription, scheduled, begins_at), product)


async def give_discount(
    session: AsyncSession, held: Locked, discount: GivenDiscount | None, before: rises.Course | None = None
) -> None:
    """Gives the subscription a discount, or takes it away, from the next period on; None leaves it as it is.

    `before` is what periods cost before that, where the subscription does not say it any more. What is scheduled counts
    too. Raises `PaymentMethodRequired` where a later period gets dearer, and nobody could pay it.
    """
    subscription = held.subscription
    scheduled = await pending_updates.scheduled(session, subscription)
    product = scheduled.product if scheduled is not None else None
    terms: dict[str, Any] = {"product": product, "amount": scheduled.amount} if scheduled is not None else {}
    before = before or rises.present(subscription, terms)
    if discount is not None:
        discounts.give(subscription, discount.data)
    await ensure_chargeable(session, held, plans.dearer_amount(subscription, before, terms), product)


async def carry_out(session: AsyncSession, held: Locked, plan: Plan, now: datetime) -> Charging | None:
    """Does what was planned, or writes down what has to be paid first. Inside the caller's transaction.

    Raises `SubscriptionLocked` while the last bill is unpaid, `PaymentNotReady`, `PaymentMethodRequired` for a rise in
    price that nobody could pay, or `InvalidInput` for more than can be charged at once.
    """
    subscription = held.subscription
    plan = await _within_one_charge(session, held, plan, now)
    if plan.behavior == "next_period":
        await ensure_chargeable(session, held, plan.dearer_amount, plan.terms.product)
        await pending_updates.schedule(session, subscription, plan)
        await say(session, subscription, [SubscriptionUpdatedV1], now)
        return None
    if plan.lines or plan.is_billed_at_once:
        await _ensure_settled(session, subscription)
    if plan.terms.period_end is not None:
        subscription.ensure_paused_before(plan.terms.period_end, plan.field[1])
    if plan.is_billed_at_once:
        return await _bill_first(session, held, plan, now)
    await ensure_chargeable(session, held, max(plan.amount_now, plan.dearer_amount), plan.terms.product)
    await entries.write(session, subscription, plan.lines, now)
    await _apply(session, subscription, plan.terms, now)
    await mails.write_of_subscription(session, subscription, held.customer, "subscription_updated", now)
    return None


async def finish(
    sessions: Sessions, processor: StripeProcessor, principal: Principal, id: UUID, charging: Charging
) -> contracts.Subscription:
    """Charges what a change costs and tells how it went. Raises `PaymentFailed` or `PaymentUnavailable`."""
    await collect.collect(sessions, processor, charging.payment)
    async with sessions() as session:
        change = await session.get(SubscriptionChange, charging.change_id)
        payment = await session.get(Payment, charging.payment.id)
        assert change is not None
        assert payment is not None
        if change.status == "failed":
            raise declined(payment)
        if change.status != "applied":
            raise PaymentUnavailable(
                "the payment processor could not be asked; the change goes on by itself", headers={"Retry-After": "5"}
            )
        subscription = await queries.find(session, principal, id)
        assert subscription is not None
        return (await queries.shapes(session, [subscription]))[0]


def declined(payment: Payment) -> PaymentFailed:
    """The error that a declined change is answered with."""
    message = payment.decline_message or "The payment was declined."
    kind = PaymentActionRequired if payment.decline_code == "authentication_required" else PaymentFailed
    return kind(message, decline_code=payment.decline_code)


async def say(session: AsyncSession, subscription: Subscription, told: Told, at: datetime) -> contracts.Subscription:
    """Says what happened to a subscription, in the order given, with its shape after it."""
    data = (await queries.shapes(session, [subscription]))[0]
    outbox.record(session, *(events.told(contract, subscription, data, at) for contract in told))
    customer = await session.get_one(Customer, subscription.customer_id)
    await mails.write_of_events(session, subscription, customer, told, at)
    return data


async def _within_one_charge(session: AsyncSession, held: Locked, plan: Plan, now: datetime) -> Plan:
    """The plan; lines that would wait are billed now where the next order, with them, is more than a card can pay.

    Raises `InvalidInput` naming the field where a period alone is, with its tax.
    """
    subscription, customer = held.subscription, held.customer

    async def is_too_much(amount: int) -> bool:
        if 2 * amount <= MAXIMUM_AMOUNT:  # no tax doubles a price
            return False
        return await total_of(session, subscription, customer, amount, now, plan.terms.product) > MAXIMUM_AMOUNT

    if await is_too_much(plan.next_amount):
        most = written(MAXIMUM_AMOUNT, subscription.currency)
        raise InvalidInput(plan.field, f"More than {most} with tax cannot be charged at once")
    if plan.behavior == "prorate" and plan.lines:
        added = sum(line.amount for line in plan.lines) + await entries.waiting_amount(session, subscription)
        if await is_too_much(plan.next_amount + added):
            return plan.billed_now()
    return plan


async def _ensure_settled(session: AsyncSession, subscription: Subscription) -> None:
    """Nothing is credited for a period that nobody has paid yet."""
    unpaid = select(Order.id).where(Order.subscription_id == subscription.id, Order.status == "pending").limit(1)
    if (await session.execute(unpaid)).first() is not None:
        raise SubscriptionLocked("The last order of this subscription is not paid yet; try again in a moment")


async def _bill_first(session: AsyncSession, held: Locked, plan: Plan, now: datetime) -> Charging | None:
    subscription, customer = held.subscription, held.customer
    if held.organization is not None and not held.organization.data["capabilities"]["subscription_renewals"]:
        raise PaymentNotReady("This organization may not bill subscriptions at present")
    await ensure_chargeable(session, held, plan.dearer_amount, plan.terms.product)
    around = await surroundings(session, [(subscription, customer)])
    order = await bill_change(session, subscription, customer, around, plan, now)
    if order.payable_amount > MAXIMUM_AMOUNT:
        raise InvalidInput(plan.field, "This costs more than can be charged at once")
    change = SubscriptionChange(
        id=ids.uuid7(),
        organization_id=subscription.organization_id,
        created_at=now,
        subscription_id=subscription.id,
        kind=plan.kind,
        behavior=plan.behavior,
        status="open",
        applies_at=now,
        order_id=order.id,
        terms=plan.terms.to_json(),
    )
    session.add(change)
    await session.flush()
    subscription.open_change_id = change.id
    tell(session, order, customer, subscription, OrderCreatedV1, at=now)
    if order.payable_amount == 0:
        await _ensure_not_owed(session, held, order)
        await collect.settle_free(session, order, customer, subscription, now)
        return None
    method = await requests.choose_method(session, customer, subscription, held.by)
    if method is None:
        raise PaymentMethodRequired(NO_METHOD)
    return Charging(change.id, requests.write_request(session, order, method, "purchase", 1, in_hand=True, at=now))


async def _ensure_not_owed(session: AsyncSession, held: Locked, order: Order) -> None:
    """What is too little to charge is a debt, and needs a card that collects it: else `PaymentMethodRequired`."""
    if order.total_amount <= 0:
        return
    balance = await balances.balance_of(session, held.customer.id, order.currency)
    if balance is None or balance.amount >= 0:
        return
    if await requests.choose_method(session, held.customer, held.subscription, held.by) is None:
        raise PaymentMethodRequired(NO_METHOD)


async def _apply(session: AsyncSession, subscription: Subscription, terms: NewTerms, now: datetime) -> None:
    """The subscription gets the terms. What a trial's end says is what a renewal that ends one says."""
    was_trial = subscription.status == "trialing"
    terms.set_on(subscription)
    await pending_updates.follow(session, subscription, terms.asked)
    subscription.modified_at = now
    ends_trial = was_trial and subscription.status == "active"
    told: Told = (
        [SubscriptionCycledV1, SubscriptionUpdatedV1, SubscriptionActiveV1] if ends_trial else [SubscriptionUpdatedV1]
    )
    await say(session, subscription, told, now)


async def _open_change(
    session: AsyncSession, order: Order, subscription: Subscription | None
) -> SubscriptionChange | None:
    if subscription is None or subscription.open_change_id is None:
        return None
    change = await session.get(SubscriptionChange, subscription.open_change_id)
    return change if change is not None and change.order_id == order.id else None


@collect.when_paid
async def apply_what_was_paid(
    session: AsyncSession, order: Order, customer: Customer, subscription: Subscription | None, at: datetime
) -> None:
    """The order of a change is paid: now it is applied."""
    change = await _open_change(session, order, subscription)
    if change is None or subscription is None:
        return
    subscription.open_change_id = None
    change.status, change.modified_at = "applied", at
    await _apply(session, subscription, change.new_terms, at)
    if order.total_amount == 0:
        # Otherwise the receipt of the change says it.
        await mails.write_of_subscription(session, subscription, customer, "subscription_updated", at)


@collect.when_failed
async def drop_what_was_declined(
    session: AsyncSession,
    order: Order,
    payment: Payment,
    customer: Customer,
    subscription: Subscription | None,
    at: datetime,
) -> None:
    """The charge of a change was declined: its order is void, the balance as before, and nothing was applied."""
    change = await _open_change(session, order, subscription)
    if change is None or subscription is None:
        return
    subscription.open_change_id = None
    change.status, change.modified_at = "failed", at
    await void_order(session, order, customer, subscription, at)
