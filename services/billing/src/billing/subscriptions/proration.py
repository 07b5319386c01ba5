"""What a change in the middle of a period costs: pure, exact, and explained line by line.

The share of a period that is left is counted in seconds and kept as a fraction; each line is rounded once, half away
from zero (Polar's rules: credit for what is left of the old terms, debit for as much of the new). Discounts are taken
off inside the lines, so that an order's own discount must not be taken off them again.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any
from uuid import UUID

from pricing.amounts import rounded, written
from pricing.discounts import Terms, amount_off

_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class Period:
    """From `start` until just before `end`."""

    start: datetime
    end: datetime

    def share_left(self, at: datetime) -> Fraction:
        """Which share of it is left at an instant: 1 before its start, 0 from its end on. To the microsecond."""
        whole, left = (self.end - self.start) // _MICROSECOND, (self.end - at) // _MICROSECOND
        return Fraction(min(max(left, 0), whole), whole) if whole > 0 else Fraction(0)


@dataclass(frozen=True)
class PeriodTerms:
    """What a whole period costs: `amount` minor units of `currency`, before `discount` (None where none applies)."""

    label: str
    price_id: UUID
    amount: int
    currency: str
    discount: Terms | None = None

    @property
    def discount_amount(self) -> int:
        """What the discount takes off a whole period."""
        return amount_off(self.discount, self.amount, self.currency)

    @property
    def net_amount(self) -> int:
        """What a whole period costs, less the discount."""
        return self.amount - self.discount_amount

    def inputs(self) -> dict[str, Any]:
        """As computations keep them."""
        return {"amount": self.amount, "discount_amount": self.discount_amount, "currency": self.currency}


@dataclass(frozen=True)
class ProratedLine:
    """A line of an order for part of a period. `amount` is in minor units, discount taken off; negative is a credit.

    `computation` is how it came about: `rule`, `inputs`, and the exact `fraction` as text.
    """

    label: str
    amount: int
    price_id: UUID
    start: datetime
    end: datetime
    computation: dict[str, Any] = field(hash=False)
    corrects: list[Any] | None = field(default=None, hash=False)
    """As of `OrderItem.corrects`."""

    def as_entry(self) -> "ProratedLine":
        """The line where it waits as an entry first: its parts say so, since an entry and its line are one credit."""
        parts = [{**part, "is_entry": True} for part in self.corrects or ()]
        return replace(self, corrects=parts or None)


def credit(old: PeriodTerms, period: Period, at: datetime) -> ProratedLine | None:
    """What is given back for the time of a period that is left: never more than the period cost. None for nothing."""
    return _line("credit_for_time_left", -old.net_amount, [old], period, at, f"Unused time on {old.label}", old)


def debit(new: PeriodTerms, period: Period, at: datetime) -> ProratedLine | None:
    """What the new terms cost for the time of a period that is left. None for nothing."""
    return _line("debit_for_time_left", new.net_amount, [new], period, at, f"Remaining time on {new.label}", new)


def of_product_change(
    old: PeriodTerms, old_period: Period, new: PeriodTerms, new_period: Period, at: datetime
) -> list[ProratedLine]:
    """The credit for the old product and the debit for the new one.

    `new_period` is the old one while the interval stays, and begins `at` when it changes: then all of it is left.
    """
    lines = (credit(old, old_period, at), debit(new, new_period, at))
    return [line for line in lines if line is not None]


def of_quantity_change(old: PeriodTerms, new: PeriodTerms, period: Period, at: datetime) -> list[ProratedLine]:
    """One line for more or fewer seats or units: the difference of what both cost with the discount taken off.

    A discount on the difference would count a fixed amount once more with every change (Polar's rule).
    """
    difference = new.net_amount - old.net_amount
    line = _line("difference_for_time_left", difference, [old, new], period, at, f"Remaining time on {new.label}", new)
    return [line] if line is not None else []


def _line(
    rule: str, whole: int, terms: list[PeriodTerms], period: Period, at: datetime, label: str, named: PeriodTerms
) -> ProratedLine | None:
    share = period.share_left(at)
    amount = rounded(whole * share)
    if amount == 0:
        return None
    names = {"credit_for_time_left": ["old"], "debit_for_time_left": ["new"]}.get(rule, ["old", "new"])
    inputs: dict[str, Any] = {name: one.inputs() for name, one in zip(names, terms, strict=True)}
    inputs |= {
        "at": at.isoformat(),
        "period_start": period.start.isoformat(),
        "period_end": period.end.isoformat(),
        "seconds_left": written(Fraction((period.end - at) // _MICROSECOND, 1_000_000)),
        "seconds_total": written(Fraction((period.end - period.start) // _MICROSECOND, 1_000_000)),
    }
    computation = {"rule": rule, "inputs": inputs, "fraction": written(share), "exact": written(whole * share)}
    return ProratedLine(label, amount, named.price_id, max(at, period.start), period.end, computation)
