"""What a price costs: fixed, or by the seats or units that are ordered. Amounts are integer minor units."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

from contracts.catalog import Price

from pricing.amounts import rounded


def static_amount(price: Price, *, seats: int | None = None, units: int | None = None) -> int:
    """What a purchase at a price costs before discounts; a price by a meter costs nothing until it was used.

    `seats` and `units` are how many are ordered, for prices that go by them. Raises `ValueError` outside of the tiers.
    """
    match price.amount_type:
        case "fixed":
            return price.price_amount or 0
        case "seat_based":
            return seats_amount(price.seat_tiers or {}, seats or 0)
        case "unit_based":
            return units_amount(price.tiers or {}, units or 0)
        case _:
            return 0


def ends(price: Price) -> tuple[int, int | None]:
    """The least and the most seats or units that can be ordered at a price; (0, None) where it goes by neither."""
    if price.amount_type == "seat_based":
        tiers = (price.seat_tiers or {})["tiers"]
        return tiers[0]["min_seats"], tiers[-1]["max_seats"]
    if price.amount_type == "unit_based":
        return price.minimum_units or 1, (price.tiers or {})["tiers"][-1]["bound"]
    return 0, None


def seats_amount(terms: dict[str, Any], seats: int) -> int:
    """What seats cost by the terms of their tiers, in minor units. Raises `ValueError` outside of the tiers.

    `volume`: every seat costs what the tier of their number says; `graduated`: each what its own tier says.
    """
    tiers = terms["tiers"]
    for tier in tiers:
        if tier["min_seats"] <= seats and (tier["max_seats"] is None or seats <= tier["max_seats"]):
            if terms["seat_tier_type"] == "volume":
                return int(seats * tier["price_per_seat"])
            return sum(
                (min(seats, one["max_seats"] or seats) - (one["min_seats"] - 1 if index else 0)) * one["price_per_seat"]
                for index, one in enumerate(tiers)
                if seats >= one["min_seats"]
            )
    raise ValueError(f"{seats} seats are in no tier")


def units_amount(terms: dict[str, Any], units: int) -> int:
    """What units cost by the terms of their tiers, in minor units: rounded once, half away from zero.

    Raises `ValueError` outside of the tiers.
    """
    exact, before = Fraction(0), 0
    for tier in terms["tiers"]:
        bound = tier["bound"]
        unit_amount = Fraction(Decimal(tier["unit_amount"]))
        if terms["type"] == "volume":
            if bound is None or units <= bound:
                return rounded(units * unit_amount)
            continue
        exact += (min(units, bound or units) - before) * unit_amount
        if bound is None or units <= bound:
            return rounded(exact)
        before = bound
    raise ValueError(f"{units} units are in no tier")
