"""How long a discount lasts on a subscription: for the first period that is billed, some months, or forever."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from billing.subscriptions.models import next_period_end


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
    before there was one. One for `once` reduces that period only.
    """
    if terms is None:
        return False
    if first_applied_at is None or terms["duration"] == "forever":
        return True
    end = ends_at(terms, first_applied_at)
    return period_start < end if end is not None else period_start <= first_applied_at


def covers(terms: Mapping[str, Any] | None, product_id: str, currency: str) -> bool:
    """Whether a discount can reduce a product's price in a currency: it may be limited to some products."""
    if terms is None:
        return False
    limited_to = {str(product["id"]) for product in terms.get("products") or ()}
    if limited_to and product_id not in limited_to:
        return False
    return terms["type"] == "percentage" or currency in (terms.get("amounts") or {})
