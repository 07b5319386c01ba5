"""The tax of an order: one question, one answer, whoever computes it.

Nothing is collected yet: every order is exempt until rates are computed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Tax:
    """A tax, in minor units. `lines` are its parts, one for each line of the order, and add up to `amount`.

    `behavior` is `exclusive`, `inclusive`, or None where no tax was computed. `tax_id` is the buyer's number (value and
    format) that it was computed with.
    """

    amount: int = 0
    behavior: str | None = None
    breakdown: list[dict[str, Any]] | None = None
    lines: Sequence[int] = field(default_factory=tuple)
    tax_id: list[str] | None = None
    computation: dict[str, Any] | None = None
    calculation_id: str | None = None
    """The provider's name of it, where it keeps one."""

    def of_line(self, position: int) -> int:
        """The part of one line."""
        return self.lines[position] if position < len(self.lines) else 0


NONE = Tax()


def tax_of(
    *,
    amounts: Sequence[int],
    currency: str,
    address: dict[str, Any] | None,
    tax_id: list[str] | None,
    behavior: str | None,
    product: dict[str, Any] | None,
) -> Tax:
    """The tax of lines at `amounts` (minor units, discounts taken off; credits negative) for a buyer at `address`.

    `behavior` is what was frozen on the subscription, if anything. It asks nobody over the network.
    """
    return Tax(behavior=behavior, lines=[0] * len(amounts))
