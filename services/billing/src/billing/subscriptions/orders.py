"""The orders of a subscription after its first: one place writes all of them.

An order is written when a period begins (a renewal, a resume), when a change is billed at once (`invoice`, `reset`,
another interval, the end of a trial), and when the last paid period is over (the end of the subscription, the beginning
of a pause). Each takes every entry that waits (Polar's rule, `create_subscription_order`).
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from contracts.billing import OrderCreatedV1
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.customers import balances
from billing.customers.models import Customer, CustomerBalance
from billing.invoices.numbers import next_number
from billing.orders.corrections import recount
from billing.orders.create import Line, Terms, tell, write_order
from billing.orders.models import BillingEntry, Order
from billing.orders.tax import tax_of
from billing.organizations.operations import shape_of, shapes_of
from billing.payment_methods.models import PaymentMethod
from billing.payments import collect, requests
from billing.subscriptions import credits, discounts, entries
from billing.subscriptions.models import Subscription
from billing.subscriptions.plans import FullPeriod, Plan
from billing.subscriptions.proration import ProratedLine


@dataclass(frozen=True)
class Buyer:
    """Whom the order of a checkout was made out to. `tax_id` is the number with its format, once it was checked."""

    name: str | None
    address: dict[str, Any] | None
    tax_id: list[str] | None


@dataclass
class Surroundings:
    """What an order needs besides the subscription and the customer, read at once for many."""

    balances: dict[tuple[UUID, str], CustomerBalance] = field(default_factory=dict)
    entries: dict[UUID, list[BillingEntry]] = field(default_factory=lambda: defaultdict(list))
    methods: dict[UUID, PaymentMethod] = field(default_factory=dict)
    buyers: dict[UUID, Buyer] = field(default_factory=dict)
    """What was said at the subscriptions' checkouts, where a customer's own details are missing."""
    rests: dict[UUID, ProratedLine] = field(default_factory=dict)
    """The credit for time that was paid before a trial, where the trial ends by itself before that time is over."""

    def method_of(self, subscription: Subscription) -> PaymentMethod | None:
        """The card of the subscription; see `payments.requests.method_for`."""
        method_id = subscription.payment_method_id
        return self.methods.get(method_id) if method_id is not None else None


async def surroundings(session: AsyncSession, claimed: Sequence[tuple[Subscription, Customer]]) -> Surroundings:
    """Balances, entries that wait, and cards of subscriptions that the caller has locked, their customers first."""
    around = Surroundings(balances=await balances.balances_of(session, list({one.id for _, one in claimed})))
    for entry in await entries.waiting(session, [one.id for one, _ in claimed]):
        around.entries[entry.subscription_id].append(entry)
    named = {one.payment_method_id for one, _ in claimed}
    cards = select(PaymentMethod).where(PaymentMethod.id.in_(named - {None}), PaymentMethod.deleted_at.is_(None))
    around.methods = {card.id: card for card in (await session.execute(cards)).scalars()}
    around.buyers = await _buyers_of(session, claimed)
    around.rests = await credits.rests_of(session, [one for one, _ in claimed if one.status == "trialing"])
    await shapes_of(session, {one.organization_id for one, _ in claimed})
    return around


async def _buyers_of(session: AsyncSession, claimed: Sequence[tuple[Subscription, Customer]]) -> dict[UUID, Buyer]:
    """Name, address and tax number on the orders of the subscriptions' checkouts, by the subscription's id."""
    checkouts = {
        one.checkout_id: one.id
        for one, customer in claimed
        if one.checkout_id is not None and None in (customer.billing_address, customer.tax_id)
    }
    if not checkouts:
        return {}
    bought = select(Order.checkout_id, Order.billing_name, Order.billing_address, Order.tax_id).where(
        Order.checkout_id.in_(checkouts)
    )
    rows = (await session.execute(bought)).all()
    return {checkouts[row.checkout_id]: Buyer(row.billing_name, row.billing_address, row.tax_id) for row in rows}


async def total_of(
    session: AsyncSession,
    subscription: Subscription,
    customer: Customer,
    amount: int,
    now: datetime,
    product: dict[str, Any] | None = None,
) -> int:
    """What an order of `amount` would come to with today's tax, both in minor units; nothing is written.

    `amount` has its discount taken off. `product` is the one that is sold then; the present one where it is None.
    Raises `AskOutside` where a provider of the outside has to be asked first.
    """
    buyer = (await _buyers_of(session, [(subscription, customer)])).get(subscription.id)
    tax = tax_of(
        reference=f"estimate:{subscription.id}",
        amounts=[amount],
        currency=subscription.currency,
        address=customer.billing_address or (buyer.address if buyer else None),
        tax_id=customer.tax_id or (buyer.tax_id if buyer else None),
        behavior=subscription.tax_behavior,
        product=product or subscription.product_data,
        seller=await shape_of(session, customer.organization_id),
        at=now,
    )
    return amount if tax.behavior == "inclusive" else amount + tax.amount


async def bill_period(
    session: AsyncSession, subscription: Subscription, customer: Customer, around: Surroundings, now: datetime
) -> Order:
    """The order of the period that has just begun: its price, less a discount that still lasts, and what waited.

    The first period after a trial credits time that was paid before it and is not over. The order is unique by the
    period's start: the database refuses a second one. The caller has applied what was pending, and publishes and
    collects the order.
    """
    discount = discounts.begin_period(subscription)
    terms = _terms(
        subscription,
        billing_reason="subscription_cycle",
        discount=discount,
        period_start=subscription.current_period_start,
    )
    rest = around.rests.pop(subscription.id, None)
    after = [_prorated_line(rest)] if rest is not None else []
    order = await _write(
        session, subscription, customer, around, terms, now, before=[price_line(subscription)], after=after
    )
    await recount(session, [line.corrects for line in after])
    return order


async def bill_change(
    session: AsyncSession,
    subscription: Subscription,
    customer: Customer,
    around: Surroundings,
    plan: Plan,
    now: datetime,
) -> Order:
    """The order of a change that is billed at once, with what waited: a full period first, prorated lines last.

    It has no period start: two of them may be written at one instant. A subscription with an open change is not
    renewed, and has one open change at most, so that none is billed twice.
    """
    full, new = plan.full, plan.terms
    terms = _terms(
        subscription,
        billing_reason=plan.billing_reason,
        discount=full.discount if full is not None else None,
        product=new.product,
        seats=new.seats,
        units=new.units,
    )
    before = [_full_line(full, subscription, plan)] if full is not None else []
    after = [_prorated_line(line) for line in plan.lines]
    order = await _write(session, subscription, customer, around, terms, now, before=before, after=after)
    await recount(session, [line.corrects for line in plan.lines])
    return order


async def bill_rest(
    session: AsyncSession, subscription: Subscription, customer: Customer, around: Surroundings, now: datetime
) -> Order | None:
    """The order of what waits when the last paid period is over, published and collected; None when nothing waits.

    Time that was paid before a trial, and is not over, is credited. What is due is requested from the card, and retried
    in dunning; a credit goes to the customer's balance. (Stripe, "cancel subscriptions": pending prorations are "left
    in place and collected at the end of the period".) Its billing reason is the one that Polar shows for it; Polar's
    own word, `subscription_cancel`, is not in the contract.
    """
    rest = around.rests.pop(subscription.id, None)
    after = [_prorated_line(rest)] if rest is not None else []
    if not after and not around.entries.get(subscription.id):
        return None
    terms = _terms(subscription, billing_reason="subscription_cycle")
    order = await _write(session, subscription, customer, around, terms, now, after=after)
    await recount(session, [line.corrects for line in after])
    await publish_and_collect(session, order, subscription, customer, around, now)
    return order


async def publish_and_collect(
    session: AsyncSession,
    order: Order,
    subscription: Subscription,
    customer: Customer,
    around: Surroundings,
    now: datetime,
) -> None:
    """Publishes a new order. It is settled when nothing is due; else its payment is requested, due now."""
    tell(session, order, customer, subscription, OrderCreatedV1, at=now)
    if order.payable_amount == 0:
        await collect.settle_free(session, order, customer, subscription, now)
    else:
        method = around.method_of(subscription)
        requests.write_request(session, order, method, "subscription_cycle", 1, at=now)


async def _write(
    session: AsyncSession,
    subscription: Subscription,
    customer: Customer,
    around: Surroundings,
    terms: Terms,
    now: datetime,
    *,
    before: Sequence[Line] = (),
    after: Sequence[Line] = (),
) -> Order:
    """Writes an order of the lines before, the entries that wait, and the lines after, and takes these entries.

    It is made out to the customer. What the customer has not said is as at the subscription's checkout, where it
    decided over the tax, and belongs to this subscription alone.
    """
    buyer = around.buyers.get(subscription.id)
    if buyer is not None:
        terms = replace(
            terms,
            billing_name=customer.billing_name or customer.name or buyer.name,
            billing_address=customer.billing_address or buyer.address,
            tax_id=customer.tax_id or buyer.tax_id,
        )
    taken = around.entries.pop(subscription.id, [])
    seller = await shape_of(session, customer.organization_id)
    balance = around.balances.get((customer.id, subscription.currency))
    order = write_order(
        session,
        customer=customer,
        lines=[*before, *(_entry_line(entry) for entry in taken), *after],
        terms=terms,
        seller=seller,
        number=await next_number(session, customer, seller),
        balance=balance,
        subscription=subscription,
        at=now,
    )
    if balance is None and order.applied_balance_amount:
        # Another subscription of the customer may be billed in the same batch: it finds the balance that began here.
        await session.flush()
        key = (customer.id, subscription.currency)
        around.balances[key] = await session.get_one(CustomerBalance, key)
    for entry in taken:
        entry.order_id, entry.modified_at = order.id, now
    return order


def _terms(
    subscription: Subscription,
    *,
    billing_reason: str,
    discount: dict[str, Any] | None = None,
    period_start: datetime | None = None,
    product: dict[str, Any] | None = None,
    seats: int | None = None,
    units: int | None = None,
) -> Terms:
    """What an order of a subscription says besides its lines. What is None is the subscription's."""
    sold = product or subscription.product_data
    return Terms(
        billing_reason=billing_reason,
        currency=subscription.currency,
        description=str(sold["name"]),
        product=sold,
        discount=discount,
        period_start=period_start,
        seats=seats or subscription.seats,
        units=units or subscription.units,
        metadata=subscription.user_metadata,
        custom_field_data=subscription.custom_field_data,
    )


def price_line(subscription: Subscription) -> Line:
    """What the present period costs, before the discount."""
    quantity = subscription.seats if subscription.seats is not None else subscription.units
    return Line(
        label=subscription.product_data["name"],
        amount=subscription.amount,
        product_price_id=subscription.price_id,
        start=subscription.current_period_start,
        end=subscription.current_period_end,
        computation=_computation(subscription.amount, subscription.currency, quantity),
    )


def _full_line(full: FullPeriod, subscription: Subscription, plan: Plan) -> Line:
    """The same for a period that begins with a change."""
    given = (plan.terms.seats, plan.terms.units, subscription.seats, subscription.units)
    quantity = next((number for number in given if number is not None), None)
    return Line(
        label=full.terms.label,
        amount=full.terms.amount,
        product_price_id=UUID(str(full.terms.price_id)),
        start=full.period.start,
        end=full.period.end,
        computation=_computation(full.terms.amount, full.terms.currency, quantity),
    )


def _computation(amount: int, currency: str, quantity: int | None) -> dict[str, Any]:
    inputs = {"amount": amount, "currency": currency, "quantity": quantity}
    return {"rule": "renewal", "inputs": inputs, "fraction": "1/1"}


def _entry_line(entry: BillingEntry) -> Line:
    return Line(
        label=entry.label,
        amount=entry.amount,
        proration=entry.proration,
        product_price_id=entry.product_price_id,
        start=entry.start_timestamp,
        end=entry.end_timestamp,
        computation=entry.computation,
        corrects=entry.corrects,
    )


def _prorated_line(line: ProratedLine) -> Line:
    """A prorated line as orders take it: its discount is inside."""
    return Line(
        label=line.label,
        amount=line.amount,
        proration=True,
        product_price_id=UUID(str(line.price_id)),
        start=line.start,
        end=line.end,
        computation=line.computation,
        corrects=line.corrects,
    )
