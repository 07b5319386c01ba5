"""Exact fractions of amounts in integer minor units, rounded once, and parts that add up to their whole."""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction


def rounded(exact: Fraction | Decimal) -> int:
    """The nearest whole minor unit; halves go away from zero."""
    value = Fraction(exact)
    magnitude = (2 * abs(value.numerator) + value.denominator) // (2 * value.denominator)
    return magnitude if value >= 0 else -magnitude


def apportioned(total: int, parts: Sequence[Fraction]) -> tuple[int, ...]:
    """Whole minor units for exact `parts`, which add up to `total`, the rounded sum of them: largest remainder.

    Each is at most one away from its exact part; among equal remainders the earlier part comes first. Raises
    `ValueError` when `total` is not a rounding of the sum.
    """
    floors = [part.numerator // part.denominator for part in parts]
    missing = total - sum(floors)
    if not 0 <= missing <= len(parts):
        raise ValueError(f"{total} is no rounding of {sum(parts, Fraction(0))}")
    order = sorted(range(len(parts)), key=lambda index: (floors[index] - parts[index], index))
    raised = set(order[:missing])
    return tuple(floor + (index in raised) for index, floor in enumerate(floors))


def percent(rate: Decimal) -> str:
    """A rate in percent as it is shown and stored: without needless zeros, `9.975`."""
    return f"{rate.normalize():f}"
