"""What a discount takes off: of one amount, or of the lines that it is shared among. Never more than is there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Protocol

from pricing.amounts import rounded, shared
from pricing.currencies import step


class Terms(Protocol):
    """What a discount says: `basis_points` of the amount (2000 = 20 %), or `amounts` in minor units per currency."""

    @property
    def type(self) -> str:
        """`percentage` or `fixed`."""

    @property
    def basis_points(self) -> int | None:
        """Of a percentage: 10,000 is all."""

    @property
    def amounts(self) -> Mapping[str, Any] | None:
        """Of a fixed discount: minor units by lower-case currency."""


@dataclass(frozen=True)
class Snapshot:
    """The terms of a discount as a purchase or a subscription keeps them: its public shape as JSON."""

    type: str
    basis_points: int | None
    amounts: Mapping[str, Any] | None

    @classmethod
    def of(cls, data: Mapping[str, Any] | None) -> "Snapshot | None":
        """The terms in `data`; None where there is no discount."""
        return cls(data["type"], data.get("basis_points"), data.get("amounts")) if data else None


def amount_off(terms: Terms | None, amount: int, currency: str) -> int:
    """What a discount takes off `amount` minor units: at most all of it.

    Shares are rounded half away from zero, to the currency's step: what is left of a whole amount can be charged.
    """
    if terms is None or amount <= 0:
        return 0
    if terms.type == "percentage":
        return min(rounded(Fraction(amount * (terms.basis_points or 0), 10_000), step(currency)), amount)
    return min(int((terms.amounts or {}).get(currency, 0)), amount)


def amounts_off(terms: Terms | None, amounts: Sequence[int], currency: str) -> list[int]:
    """What a discount takes off each of several amounts, none negative: as much as off their sum, shared by size."""
    return shared(amount_off(terms, sum(amounts), currency), amounts)
