"""How long a discount lasts on a subscription: for the first period that is billed, some months, or forever."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from billing.subscriptions.models import Subscription, next_period_end


def ends_at(terms: Mapping[str, Any], first_applied_at: datetime) -> datetime | None:
    """From when on a repeating discount applies no more; None for those without such an instant.

    Its months are calendar months, counted from the start of the first period that it reduced, not periods: three
    months on a weekly subscription are up to fourteen weeks, on a yearly one the first year.
    """
    if terms["duration"] != "repeating":
        return None
    months = terms.get("duration_in_months") or 1
    return next_period_end(first_applied_at, "month", months, first_applied_at.day)


def applies(terms: Mapping[str, Any] | None, first_applied_at: datetime | None, period_start: datetime) -> bool:
    """Whether a discount reduces the period that begins at `period_start`.

    `terms` is the discount's public shape; `first_applied_at` the start of the first period that it reduced, None
    before there was one. One for `once` reduces that period only, also when another begins at the same instant.
    """
    if terms is None:
        return False
    if first_applied_at is None or terms["duration"] == "forever":
        return True
    end = ends_at(terms, first_applied_at)
    return end is not None and period_start < end


def covers(terms: Mapping[str, Any] | None, product_id: str, currency: str) -> bool:
    """Whether a discount can reduce a product's price in a currency: it may be limited to some products."""
    if terms is None:
        return False
    limited_to = {str(product["id"]) for product in terms.get("products") or ()}
    if limited_to and product_id not in limited_to:
        return False
    return terms["type"] == "percentage" or currency in (terms.get("amounts") or {})


def begin_period(subscription: Subscription) -> dict[str, Any] | None:
    """The discount that the period which has just begun is billed with (its public shape), or None.

    Called once for each period, when `current_period_start` is the new one and pending changes are applied. It notes
    the discount on the period, when it first took something off, and takes away one whose time is over.
    """
    start = subscription.current_period_start
    terms = subscription.discount_data
    subscription.period_discount_data = subscription.set_aside_discount_data = None
    if terms is None:
        return None
    if not applies(terms, subscription.discount_applied_at, start):
        subscription.discount_id = subscription.discount_data = subscription.discount_applied_at = None
        return None
    return bill_with(subscription, terms)


def give(subscription: Subscription, terms: dict[str, Any] | None) -> None:
    """Gives the subscription a discount (its public shape), or none: from the next period on. Its time begins anew."""
    if terms is not None and subscription.discount_id == UUID(str(terms["id"])):
        return
    subscription.discount_id = UUID(str(terms["id"])) if terms is not None else None
    subscription.discount_data = terms
    subscription.discount_applied_at = None


def bill_with(subscription: Subscription, terms: dict[str, Any] | None) -> dict[str, Any] | None:
    """Notes what the present period is billed with, if it covers the product. Returns that."""
    subscription.set_aside_discount_data = None
    if not covers(terms, str(subscription.product_id), subscription.currency):
        subscription.period_discount_data = None
        return None
    if subscription.discount_applied_at is None and subscription.amount:
        subscription.discount_applied_at = subscription.current_period_start
    subscription.period_discount_data = terms
    return terms


def of_period(subscription: Subscription, product_id: str) -> dict[str, Any] | None:
    """What the present period is billed with for a product: also a discount that an earlier product of it had."""
    present, aside = subscription.period_discount_data, _set_aside(subscription)
    candidates = (terms for terms in (present, aside) if covers(terms, product_id, subscription.currency))
    return next(candidates, None)


def has_reduced(subscription: Subscription) -> bool:
    """Whether the present period was billed with a discount, for its product or for an earlier one."""
    return subscription.period_discount_data is not None or _set_aside(subscription) is not None


def follow_product(subscription: Subscription) -> None:
    """The product has changed inside the period: a discount that does not cover it is set aside until the way back."""
    found = of_period(subscription, str(subscription.product_id))
    aside = subscription.period_discount_data or _set_aside(subscription)
    subscription.period_discount_data = found
    subscription.set_aside_discount_data = (
        {"period_start": subscription.current_period_start.isoformat(), "discount": aside}
        if aside is not None and aside != found
        else None
    )


def _set_aside(subscription: Subscription) -> dict[str, Any] | None:
    """Of the present period: an earlier release begins a period without taking it away."""
    kept = subscription.set_aside_discount_data
    if kept is None or kept["period_start"] != subscription.current_period_start.isoformat():
        return None
    return dict(kept["discount"])
