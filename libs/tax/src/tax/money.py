"""Exact fractions of amounts in integer minor units, rounded once, and parts that add up to their whole."""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction


def rounded(exact: Fraction | Decimal, step: int = 1) -> int:
    """The nearest multiple of `step` minor units; halves go away from zero."""
    value = Fraction(exact) / step
    magnitude = (2 * abs(value.numerator) + value.denominator) // (2 * value.denominator)
    return step * (magnitude if value >= 0 else -magnitude)


def apportioned(total: int, parts: Sequence[Fraction], step: int = 1) -> tuple[int, ...]:
    """Multiples of `step` minor units for exact `parts`, which add up to `total`, the rounded sum of them.

    By largest remainder: each is at most one step away from its exact part; among equal remainders the earlier part
    comes first. Raises `ValueError` when `total` is not a rounding of the sum.
    """
    if step > 1:
        return tuple(step * part for part in apportioned(total // step, [part / step for part in parts]))
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
