"""Seats and units that a link fixes: every product of it must go by them, and take as many (Polar's rule)."""

from collections.abc import Sequence

from pricing.prices import ends
from servicekit.errors import InvalidInput

from checkout.products.models import Product

KINDS = {"seats": "seat_based", "units": "unit_based"}


def ensure_allowed(products: Sequence[Product], kind: str, number: int | None) -> None:
    """Raises `InvalidInput` naming `seats` or `units` where a product does not take as many."""
    problem = refusal(products, kind, number)
    if problem is not None:
        raise InvalidInput(("body", kind), problem)


def refusal(products: Sequence[Product], kind: str, number: int | None) -> str | None:
    """Why not every price by seats or units of every product takes `number`; None where all do, or there is none."""
    if number is None:
        return None
    for product in products:
        shape = product.shape
        prices = [price for price in shape.prices if price.amount_type == KINDS[kind]]
        if not prices:
            return f"{shape.name} does not go by {kind}"
        for price in prices:
            least, most = ends(price)
            if number < least or (most is not None and number > most):
                bounds = f"at least {least}" if most is None else f"{least} to {most}"
                return f"{shape.name} takes {bounds} {kind}"
    return None
