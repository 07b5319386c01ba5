"""What a change of product, seats or units comes to: pure, from the subscription as it is and what it shall get."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from contracts.catalog import Price, Product
from pricing.currencies import MAXIMUM_AMOUNT, written
from pricing.discounts import Snapshot
from pricing.prices import static_amount
from servicekit.errors import InvalidInput

from billing.subscriptions import discounts, rises
from billing.subscriptions.change import NewTerms
from billing.subscriptions.errors import SubscriptionLocked
from billing.subscriptions.merging import QUANTITIES, asked_of, ensure_remaining, price_from, price_of, quantity
from billing.subscriptions.models import Subscription, next_period_end
from billing.subscriptions.paid import Paid
from billing.subscriptions.proration import (
    Period,
    PeriodTerms,
    ProratedLine,
    of_product_change,
    of_quantity_change,
)

JUST_BEGUN = timedelta(minutes=1)
"""A reset to the terms of a period that is younger is a repetition: a second click, or a request sent again."""
STATIC = ("fixed", "custom", "seat_based", "unit_based")


@dataclass(frozen=True)
class GivenDiscount:
    """The discount that comes with a change; `data` is None where it is taken away."""

    data: dict[str, Any] | None


@dataclass(frozen=True)
class Wish:
    """What a subscription shall get, and how the difference is settled.

    `behavior` is invoice, prorate, next_period or reset. What is None stays as it is. `before` is what periods cost
    without it, where the subscription has its new discount already.
    """

    kind: str
    behavior: str
    product: Product | None = None
    seats: int | None = None
    units: int | None = None
    discount: GivenDiscount | None = None
    before: rises.Course | None = None


@dataclass(frozen=True)
class FullPeriod:
    """A period that begins with a change and is billed in full, as a renewal bills one.

    `discount` (its public shape, None for none) is the order's own: it is taken off the whole price.
    """

    terms: PeriodTerms
    period: Period
    discount: dict[str, Any] | None


@dataclass(frozen=True)
class Plan:
    """A change that was computed. `lines` are what it costs now, empty for nothing; `behavior` as it was promoted.

    `full` is the period that begins with it where all of that is billed. `next_amount` is what the next period will
    cost, discount taken off. `dearer_amount` is the most that a later period costs, of those that cost more than
    without the change, also when a discount for a limited time is over; else 0.
    """

    kind: str
    behavior: str
    terms: NewTerms
    lines: list[ProratedLine]
    billing_reason: str = "subscription_update"
    full: FullPeriod | None = None
    dearer_amount: int = 0
    next_amount: int = 0

    @property
    def is_billed_at_once(self) -> bool:
        """Whether it has an order of its own, which is paid before it is applied."""
        return self.full is not None or (bool(self.lines) and self.behavior != "prorate")

    @property
    def amount_now(self) -> int:
        """What it costs now, before tax; negative is a credit."""
        begun = self.full.terms.net_amount if self.full is not None else 0
        return begun + sum(line.amount for line in self.lines)

    @property
    def field(self) -> tuple[str, str]:
        """The field of the request that it comes from."""
        return "body", "product_id" if self.kind == "product" else self.kind

    def billed_now(self) -> "Plan":
        """The plan with an order of its own for the lines that would have waited."""
        return replace(self, behavior="invoice")

    def with_metadata(self, metadata: dict[str, Any] | None) -> "Plan":
        """The plan that also sets the subscription's metadata: with the change, or not at all."""
        return replace(self, terms=replace(self.terms, metadata=metadata))


def target_price(subscription: Subscription, product: Product) -> Price:
    """The price of another product that a subscription would get. Raises `InvalidInput` naming what is in the way."""
    field = ("body", "product_id")
    if product.is_archived or product.is_deleted:
        raise InvalidInput(field, "This product is archived")
    if product.visibility == "draft":
        raise InvalidInput(field, "This product is a draft")
    if not product.is_recurring:
        raise InvalidInput(field, "This product is not a subscription")
    found = [
        price
        for price in product.prices
        if price.price_currency == subscription.currency and price.amount_type in STATIC and not price.is_archived
    ]
    if not found:
        raise InvalidInput(field, f"This product has no price in {subscription.currency}")
    if any(price.amount_type == "custom" for price in found):
        raise InvalidInput(field, "Buyers choose what this product costs: a subscription cannot be changed to it")
    old = price_of(subscription)
    for name, kind in QUANTITIES.items():
        if (old.amount_type == kind) != (found[0].amount_type == kind):
            raise InvalidInput(field, f"A subscription cannot be changed between a price by {name} and another")
    return found[0]


def plan(
    subscription: Subscription, wish: Wish, now: datetime, paid: Paid, scheduled: NewTerms | None = None
) -> Plan | None:
    """What a wish comes to at `now`; None where nothing would change. Raises `InvalidInput` naming the field, or
    `SubscriptionLocked` for a reset that repeats the one before it.

    `paid` bounds its credits. `scheduled` are the terms that wait for the next period: a change for the next period is
    merged with them, one that applies now must leave them possible.
    """
    product, waits = wish.product, scheduled if wish.behavior == "next_period" else None
    product_data: dict[str, Any] | None = None
    if product is not None:
        price, product_data = target_price(subscription, product), product.model_dump(mode="json")
    elif waits is not None and waits.product is not None and waits.price is not None:
        price, product_data = price_from(waits.price), waits.product
    else:
        price = price_of(subscription)
    is_same_product = product_data is None or (
        str(product_data["id"]) == str(subscription.product_id) and str(price.id) == str(subscription.price_id)
    )
    if is_same_product and wish.behavior == "next_period":
        product_data = None
    given = {"seats": wish.seats, "units": wish.units}
    if waits is not None:
        kept = {name: getattr(waits, name) if name in asked_of(waits) else None for name in given}
        given = {name: number if number is not None else kept[name] for name, number in given.items()}
    counted: dict[str, int | None] = {
        name: quantity(price, name, given[name] if given[name] is not None else getattr(subscription, name))
        if given[name] is not None or price.amount_type == QUANTITIES[name]
        else None
        for name in given
    }
    amount = static_amount(price, **counted)
    if amount > MAXIMUM_AMOUNT:
        field = next((name for name, number in given.items() if number is not None), "product_id")
        most = written(MAXIMUM_AMOUNT, subscription.currency)
        raise InvalidInput(("body", field), f"More than {most} cannot be charged at once")
    if product_data is None and price.amount_type not in QUANTITIES.values():
        amount = subscription.amount
    is_same = is_same_product and counted == {"seats": subscription.seats, "units": subscription.units}
    in_trial = subscription.status == "trialing"
    begins_anew = wish.behavior == "reset" and not in_trial
    if is_same and not begins_anew and (wish.discount is None or in_trial):
        return None
    if is_same and begins_anew and now - subscription.current_period_start < JUST_BEGUN:
        raise SubscriptionLocked("The present period has just begun: a reset to the same terms would bill it twice")
    asked = [*(["product"] if product_data is not None else []), *(name for name in given if given[name] is not None)]
    terms: dict[str, Any] = {
        "product": product_data,
        "price": price.model_dump(mode="json") if product_data is not None else None,
        "amount": amount,
        **counted,
        "asked": asked,
    }
    if wish.discount is not None:
        terms |= {"discount": wish.discount.data, "sets_discount": True}
    if wish.behavior == "next_period":
        then, dearer = _coming(subscription, terms, wish.discount, subscription.current_period_end, before=wish.before)
        return Plan(wish.kind, "next_period", NewTerms(**terms), [], dearer_amount=dearer, next_amount=then)
    ensure_remaining(scheduled, asked, price, counted)
    if in_trial:
        return _in_trial(subscription, wish, terms, now, paid)
    return _at_once(subscription, wish, terms, now, paid)


def dearest_period(subscription: Subscription, scheduled: NewTerms | None, begins_at: datetime) -> int:
    """The most that a period costs from then on, with what is scheduled for it, in minor units."""
    terms = {"product": scheduled.product, "amount": scheduled.amount} if scheduled is not None else {}
    course = rises.present(subscription, terms)
    return _coming(subscription, terms, None, begins_at, before=replace(course, amount=0))[1]


def _coming(
    subscription: Subscription,
    terms: dict[str, Any],
    given: GivenDiscount | None,
    begins_at: datetime,
    *,
    before: rises.Course | None = None,
    begun_at: datetime | None = None,
    is_new_period: bool = False,
) -> tuple[int, int]:
    """`next_amount` and `dearer_amount` of a plan: of the period that begins then, and of those after it.

    `begun_at` is the start of the period that the change itself bills, if it bills one: with it a discount that is
    given begins, and in a new period one whose time has not begun.
    """
    data, first = subscription.discount_data, subscription.discount_applied_at
    if given is not None:
        data, first = given.data, begun_at
    elif is_new_period:
        first = first or begun_at
    interval, count = subscription.recurring_interval, subscription.recurring_interval_count
    if (product := terms.get("product")) is not None:
        interval, count = product["recurring_interval"], product["recurring_interval_count"] or 1
    before = before or rises.present(subscription)
    if not is_new_period:
        before = replace(before, pending_from=begins_at)
    after = rises.course(subscription, terms, data, first, begins_at)
    return after.cost(begins_at), rises.dearest(before, after, begins_at, interval, count)


def dearer_amount(subscription: Subscription, before: rises.Course, terms: dict[str, Any]) -> int:
    """The `dearer_amount` of the discount that the subscription has got for its next period, with these new terms."""
    return _coming(subscription, terms, None, subscription.current_period_end, before=before)[1]


def end_of_trial(
    subscription: Subscription,
    now: datetime,
    paid: Paid,
    scheduled: NewTerms | None = None,
    discount: GivenDiscount | None = None,
) -> Plan:
    """The trial ends at once: the first period begins, with what was scheduled for it, and is billed.

    `discount` is one that comes with it.
    """
    terms: dict[str, Any] = {"asked": ["product", *QUANTITIES]}
    if scheduled is not None:
        terms |= {name: getattr(scheduled, name) for name in ("product", "price", "amount", "seats", "units")}
    if discount is not None:
        terms |= {"discount": discount.data, "sets_discount": True}
    return _first_period(subscription, "trial_end", terms, discount, now, paid)


def _in_trial(subscription: Subscription, wish: Wish, terms: dict[str, Any], now: datetime, paid: Paid) -> Plan:
    """Nothing is billed during a trial; it ends with the new product's trial, which may be over (Polar's rule)."""
    product = wish.product
    if product is None:
        then, dearer = _coming(subscription, terms, wish.discount, subscription.current_period_end)
        return Plan(wish.kind, wish.behavior, NewTerms(**terms), [], dearer_amount=dearer, next_amount=then)
    began = subscription.trial_start or subscription.current_period_start
    if product.trial_interval is not None:
        trial_end = next_period_end(began, product.trial_interval, product.trial_interval_count or 1, began.day)
        if trial_end > now:
            moved: dict[str, Any] = {"trial_end": trial_end, "period_end": trial_end}
            then, dearer = _coming(subscription, terms, wish.discount, trial_end)
            new = NewTerms(**terms, **moved)
            return Plan(wish.kind, wish.behavior, new, [], dearer_amount=dearer, next_amount=then)
    return _first_period(subscription, wish.kind, terms, wish.discount, now, paid)


def _first_period(
    subscription: Subscription,
    kind: str,
    terms: dict[str, Any],
    given: GivenDiscount | None,
    now: datetime,
    paid: Paid,
) -> Plan:
    """The order is the one that is written when a trial ends by itself: a whole period, less the order's discount.

    Time that was paid before the trial and is not over is credited.
    """
    full = _full_period(subscription, terms, given, now)
    begun = NewTerms(**terms, status="active", trial_end=now, period_start=now, period_end=full.period.end)
    rest = paid.rest(subscription.price_id, now)
    lines = [rest] if rest is not None else []
    dearer = _dearer_after(subscription, terms, given, full.period)
    next_amount = full.terms.net_amount
    return Plan(kind, "invoice", begun, lines, "subscription_cycle", full, dearer, next_amount)


def _dearer_after(subscription: Subscription, terms: dict[str, Any], given: GivenDiscount | None, begun: Period) -> int:
    """`dearer_amount` of a plan with which a period begins."""
    return _coming(subscription, terms, given, begun.end, begun_at=begun.start, is_new_period=True)[1]


def _full_period(
    subscription: Subscription, terms: dict[str, Any], given: GivenDiscount | None, now: datetime
) -> FullPeriod:
    period = _period_from(subscription, terms.get("product"), now)
    new = _new_terms(subscription, terms, given, period.start)
    return FullPeriod(new, period, _new_discount(subscription, terms, given, period.start))


def _at_once(subscription: Subscription, wish: Wish, terms: dict[str, Any], now: datetime, paid: Paid) -> Plan:
    product = terms["product"]
    period = Period(subscription.current_period_start, subscription.current_period_end)
    has_other_interval = product is not None and (
        product["recurring_interval"] != subscription.recurring_interval
        or (product["recurring_interval_count"] or 1) != subscription.recurring_interval_count
    )
    if wish.behavior == "reset":
        full = _full_period(subscription, terms, wish.discount, now)
        begun = NewTerms(**terms, period_start=now, period_end=full.period.end)
        dearer, next_amount = _dearer_after(subscription, terms, wish.discount, full.period), full.terms.net_amount
        return Plan(wish.kind, "reset", begun, [], full=full, dearer_amount=dearer, next_amount=next_amount)
    behavior = "invoice" if wish.behavior == "prorate" and has_other_interval else wish.behavior
    new_period = _period_from(subscription, product, now) if has_other_interval else period
    new = _new_terms(subscription, terms, wish.discount, new_period.start if has_other_interval else None)
    old = PeriodTerms(
        subscription.product_data["name"],
        subscription.price_id,
        subscription.amount,
        subscription.currency,
        Snapshot.of(subscription.period_discount_data),
    )
    if product is None:
        lines = of_quantity_change(old, new, period, now)
    else:
        lines = of_product_change(old, period, new, new_period, now)
    lines = [line for one in lines if (line := paid.bounded(one, period, now)) is not None]
    begins: dict[str, Any] = {"period_start": now, "period_end": new_period.end} if has_other_interval else {}
    then, dearer = _coming(
        subscription, terms, wish.discount, new_period.end, begun_at=new_period.start, is_new_period=has_other_interval
    )
    return Plan(wish.kind, behavior, NewTerms(**terms, **begins), lines, dearer_amount=dearer, next_amount=then)


def _period_from(subscription: Subscription, product: dict[str, Any] | None, now: datetime) -> Period:
    """The period that begins now, and whose day is the anchor from now on."""
    interval, count = subscription.recurring_interval, subscription.recurring_interval_count
    if product is not None:
        interval, count = product["recurring_interval"], product["recurring_interval_count"] or 1
    return Period(now, next_period_end(now, interval, count, now.day))


def _new_terms(
    subscription: Subscription, terms: dict[str, Any], given: GivenDiscount | None, begins_at: datetime | None
) -> PeriodTerms:
    """What a period costs with the new terms.

    The discount is the one that comes with the change; else, inside the present period, the one it was billed with; in
    a period that begins, the one that then applies. It counts where it covers the new product.
    """
    product = terms.get("product") or subscription.product_data
    price = terms.get("price") or subscription.price_data
    discount = _new_discount(subscription, terms, given, begins_at)
    amount = terms["amount"] if terms.get("amount") is not None else subscription.amount
    return PeriodTerms(product["name"], price["id"], amount, subscription.currency, Snapshot.of(discount))


def _new_discount(
    subscription: Subscription, terms: dict[str, Any], given: GivenDiscount | None, begins_at: datetime | None
) -> dict[str, Any] | None:
    product = terms.get("product") or subscription.product_data
    if given is not None:
        discount = given.data
    elif begins_at is None:
        discount = discounts.of_period(subscription, str(product["id"]))
    else:
        is_on = discounts.applies(subscription.discount_data, subscription.discount_applied_at, begins_at)
        discount = subscription.discount_data if is_on else None
    return discount if discounts.covers(discount, str(product["id"]), subscription.currency) else None
