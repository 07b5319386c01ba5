"""Which prices can be on sale together (Polar's rule)."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """What one of several prices is, as far as the others are concerned."""

    amount_type: str
    currency: str
    meter_id: str | None = None
    """Set on metered prices."""


def conflict(prices: Sequence[Kind], *, is_recurring: bool) -> tuple[int, str] | None:
    """The position of the first price that cannot be on sale with the others, and why; None where all can.

    For each currency one price at most that does not depend on a meter, and one for each meter; only what recurs has
    metered prices; and all currencies have the same kinds. Source: Polar, server/polar/product/service.py.
    """
    kinds: dict[str, set[tuple[str, str]]] = {}
    for index, price in enumerate(prices):
        if price.meter_id is not None and not is_recurring:
            return index, "Only a recurring product can have a metered price"
        kind = ("static", price.amount_type) if price.meter_id is None else ("metered", price.meter_id)
        seen = kinds.setdefault(price.currency, set())
        if kind in seen:
            each = "currency" if price.meter_id is None else "meter and currency"
            return index, f"There can be one price for each {each}"
        if price.meter_id is None and any(other[0] == "static" for other in seen):
            return index, "There can be one price for each currency besides metered ones"
        seen.add(kind)
    first = next(iter(kinds.values()), set())
    for index, price in enumerate(prices):
        if kinds[price.currency] != first:
            return index, "All currencies need prices of the same kinds"
    return None
