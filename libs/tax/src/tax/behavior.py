"""Whether a price contains its tax, or the tax is added to it."""

from typing import Literal

Behavior = Literal["inclusive", "exclusive"]
Option = Literal["location", "inclusive", "exclusive"]

ADDED = frozenset({"US", "CA", "IN"})
"""Where prices are quoted without tax (Polar's rule)."""


def behavior_of(price: str | None, organization: str | None, country: str | None) -> Behavior:
    """What a price's option, or else its seller's, means for a buyer in `country` (ISO 3166-1 alpha-2, or unknown).

    `location` is `exclusive` in US, CA and IN and `inclusive` elsewhere; it is also what stands where nobody chose.
    """
    chosen = price or organization or "location"
    if chosen == "inclusive":
        return "inclusive"
    if chosen == "exclusive" or country in ADDED:
        return "exclusive"
    return "inclusive"
