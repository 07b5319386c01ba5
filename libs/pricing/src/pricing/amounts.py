"""Exact fractions of amounts in integer minor units: rounded once, and shared so that the parts add up."""

from collections.abc import Sequence
from fractions import Fraction

from tax.money import apportioned, rounded

__all__ = ["rounded", "shared", "written"]


def shared(total: int, weights: Sequence[int] | Sequence[Fraction]) -> list[int]:
    """`total` in parts as large as their `weights` say, which add up to it: largest remainder, the first of equals.

    No part differs from its exact share by one or more. Raises `ValueError` when weights are negative, or when there
    is something to share and none has a weight.
    """
    whole = sum(weights)
    if any(weight < 0 for weight in weights) or (total and not whole):
        raise ValueError("there is nothing to share by")
    if not whole:
        return [0] * len(weights)
    return list(apportioned(total, [Fraction(total * weight) / whole for weight in weights]))


def written(exact: Fraction) -> str:
    """A fraction as computations keep it: `29/30`."""
    return f"{exact.numerator}/{exact.denominator}"
