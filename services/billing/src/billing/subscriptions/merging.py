"""How a change meets one that is scheduled: pure. Changes of one kind replace each other, those of others merge.

A change of seats or units keeps a scheduled change of product, at the scheduled price and the new number, and a change
of product keeps a scheduled number (Polar's tests, subscription/test_service.py, #11129).
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from contracts.catalog import Price
from pricing.prices import ends, static_amount
from servicekit.errors import InvalidInput

from billing.subscriptions.change import NewTerms
from billing.subscriptions.models import Subscription

QUANTITIES = {"seats": "seat_based", "units": "unit_based"}
_TOLERANT: Any = {"extra": "ignore", "context": {"tolerant": True}}


def price_of(subscription: Subscription) -> Price:
    """The price that the subscription keeps."""
    return price_from(subscription.price_data)


def price_from(data: Mapping[str, Any]) -> Price:
    """A price as rows keep it."""
    return Price.model_validate(data, **_TOLERANT)


def quantity(price: Price, name: str, number: int | None) -> int | None:
    """`number` of seats or units, where the price goes by them. Raises `InvalidInput` outside of its ends."""
    if price.amount_type != QUANTITIES[name]:
        if number is not None:
            raise InvalidInput(("body", name), f"The price of this subscription does not go by {name}")
        return None
    least, most = ends(price)
    if number is None or number < least or (most is not None and number > most):
        bounds = f"at least {least}" if most is None else f"{least} to {most}"
        raise InvalidInput(("body", name), f"This price takes {bounds} {name}")
    return number


def asked_of(terms: NewTerms) -> set[str]:
    """What a change set by itself: `product`, `seats`, `units`. Earlier releases scheduled one of them at a time."""
    if terms.asked is not None:
        return set(terms.asked)
    return {"product"} if terms.product is not None else {name for name in QUANTITIES if getattr(terms, name)}


def remaining(
    scheduled: NewTerms, asked: Collection[str], price: Price, counted: Mapping[str, int | None]
) -> NewTerms | None:
    """What is left of a scheduled change when a change that sets what was `asked` is applied now; None for nothing.

    `price` and `counted` (seats and units) are the subscription's after it. The amount is that of the number that
    then applies. Raises `InvalidInput` for a number that the price which then applies does not take.
    """
    kept = asked_of(scheduled) - set(asked)
    if not kept:
        return None
    if "product" in kept and scheduled.price is not None:
        then, product, price_data = price_from(scheduled.price), scheduled.product, scheduled.price
    else:
        then, product, price_data = price, None, None
    numbers = {
        name: quantity(then, name, getattr(scheduled, name) if name in kept else counted[name])
        for name, kind in QUANTITIES.items()
        if then.amount_type == kind
    }
    terms: dict[str, Any] = {"seats": None, "units": None, **numbers}
    return replace(
        scheduled, product=product, price=price_data, amount=static_amount(then, **numbers), asked=sorted(kept), **terms
    )


def ensure_remaining(
    scheduled: NewTerms | None, asked: Collection[str], price: Price, counted: Mapping[str, int | None]
) -> None:
    """Raises `InvalidInput`, naming the field that was sent, where a scheduled change could not stay beside it."""
    if scheduled is None:
        return
    try:
        remaining(scheduled, asked, price, counted)
    except InvalidInput as refusal:
        if "product" not in asked:
            raise
        message = f"The number that is scheduled for the next period is not one of this product's: {refusal}"
        raise InvalidInput(("body", "product_id"), message) from None
