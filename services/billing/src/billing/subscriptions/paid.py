"""How much of the money that was paid for a period is left for its time left: pure, exact, order by order.

Credit is bounded by it: nobody is credited what was refunded, what a bank has taken back, or what was credited before.
Amounts are in minor units, as the lines of an order have them: discounts taken off, inclusive tax inside.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any
from uuid import UUID

from pricing.amounts import rounded, shared, written

from billing.orders.corrections import Supply
from billing.orders.models import BillingEntry, Order, OrderItem
from billing.subscriptions.proration import Period, ProratedLine

_MICROSECOND = timedelta(microseconds=1)
_BEFORE = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class PaidLine:
    """A positive amount, and the time that it covers. `end` is None where the row does not say it."""

    amount: int
    start: datetime
    end: datetime | None
    is_rounded: bool = False
    """Whether it was prorated: then its exact amount is up to half a minor unit away."""

    def at(self, now: datetime, until: datetime | None) -> tuple[Fraction, Fraction]:
        """The seconds left and the seconds in all, with `until` in the place of its own end."""
        period = Period(self.start, until or self.end or self.start)
        whole = Fraction((period.end - period.start) // _MICROSECOND, 1_000_000)
        return period.share_left(now) * whole, whole


@dataclass
class PaidOrder:
    """What an order, or the entries that wait (`order_id` None), billed of the present period, and what came off it.

    `billed` is the sum of `lines` less `own`, the credits of the same order. `given` are credits of other orders.
    `lost` is the part of refunds and disputes that falls on the period.
    """

    order_id: UUID | None
    supply: Supply | None = None
    lines: list[PaidLine] = field(default_factory=list)
    own: list[PaidLine] = field(default_factory=list)
    given: list[PaidLine] = field(default_factory=list)
    lost: Fraction = Fraction(0)
    source: str = ""
    """What it sold, for the label of a line."""

    @property
    def billed(self) -> int:
        """What the order billed of the period, credits of its own taken off."""
        return sum(line.amount for line in self.lines) - sum(line.amount for line in self.own)

    def inputs(self, at: datetime, until: datetime | None) -> dict[str, Any]:
        """As computations keep them: `seconds` are those left and those in all, exact."""

        def listed(lines: Sequence[PaidLine]) -> list[dict[str, Any]]:
            return [{"amount": one.amount, "seconds": [written(part) for part in one.at(at, until)]} for one in lines]

        return {
            "order_id": str(self.order_id) if self.order_id else None,
            "lines": listed(self.lines),
            "own_credits": listed(self.own),
            "credits": listed(self.given),
            "billed": self.billed,
            "lost": written(self.lost),
        }

    def left(self, at: datetime, until: datetime | None) -> Fraction:
        """What of its money is left for the time after `at`, never below nothing."""

        def part(lines: Sequence[PaidLine]) -> Fraction:
            shares = ((line.amount, *line.at(at, until)) for line in lines)
            return sum((amount * left / whole for amount, left, whole in shares if whole), Fraction(0))

        kept = 1 - self.lost / self.billed if self.billed > 0 else Fraction(1)
        return max(Fraction(0), (part(self.lines) - part(self.own)) * kept - part(self.given))


@dataclass(frozen=True)
class Paid:
    """The money of a subscription's present period, order by order, in the order in which it was billed."""

    orders: Sequence[PaidOrder] = ()

    def bounded(self, line: ProratedLine, period: Period, at: datetime) -> ProratedLine | None:
        """A credit at `at`, no higher than what is left of the money for the rest of `period`. None for nothing.

        It names the orders that it corrects. Where nothing was refunded or disputed, the amount is that of the terms:
        the bound then differs from it by the roundings of earlier lines at most. Other lines stay as they are.
        """
        if line.amount >= 0:
            return line
        nominal = -Fraction(line.computation["exact"])
        weights = [order.left(at, period.end) for order in self.orders]
        bound = sum(weights, Fraction(0))
        if nominal <= bound + self._slack:
            return self._corrected(line, weights)
        amount = rounded(bound)
        if amount == 0:
            return None
        computation = {
            "rule": "credit_within_payments",
            "inputs": {**line.computation["inputs"], "orders": self._inputs(weights, at, period.end)},
            "fraction": line.computation["fraction"],
            "nominal": written(-nominal),
            "exact": written(-bound),
        }
        return self._corrected(replace(line, amount=-amount, computation=computation), weights)

    def rest(self, price_id: UUID, at: datetime) -> ProratedLine | None:
        """The credit for time that was paid and is given up at `at`: each line by its own end. None for nothing."""
        weights = [order.left(at, None) for order in self.orders]
        exact = sum(weights, Fraction(0))
        amount = rounded(exact)
        if amount == 0:
            return None
        left = [order for order, weight in zip(self.orders, weights, strict=True) if weight]
        end = max(line.end or at for order in left for line in order.lines)
        computation = {
            "rule": "credit_for_paid_time",
            "inputs": {"at": at.isoformat(), "orders": self._inputs(weights, at, None)},
            "exact": written(-exact),
        }
        line = ProratedLine(f"Unused time on {left[-1].source}", -amount, price_id, at, end, computation)
        return self._corrected(line, weights)

    @property
    def _slack(self) -> Fraction:
        """By how much the roundings of lines may have moved the bound. None is granted where money was given back."""
        if any(order.lost for order in self.orders):
            return Fraction(0)
        kept = (line for order in self.orders for line in (*order.lines, *order.own, *order.given))
        return Fraction(sum(line.is_rounded for line in kept), 2)

    def _inputs(self, weights: Sequence[Fraction], at: datetime, until: datetime | None) -> list[dict[str, Any]]:
        pairs = zip(self.orders, weights, strict=True)
        return [{**order.inputs(at, until), "left": written(left)} for order, left in pairs]

    def _corrected(self, line: ProratedLine, weights: Sequence[Fraction]) -> ProratedLine:
        """The line with its parts by order, as large as what is left of each, with the tax that each has."""
        amounts = shared(-line.amount, weights) if any(weights) else []
        parts: list[dict[str, Any]] = [
            {
                "order_id": str(order.order_id) if order.order_id else None,
                "amount": -amount,
                **({"tax": order.supply.given_back(amount)} if order.supply else {}),
            }
            for order, amount in zip(self.orders, amounts, strict=False)
            if amount
        ]
        return replace(line, corrects=parts or [{"order_id": None, "amount": line.amount}])


@dataclass(frozen=True)
class _Row:
    """A line of an order or an entry: `owner` is the order, None for an entry that waits."""

    owner: UUID | None
    amount: int
    start: datetime
    end: datetime | None
    period_start: datetime
    is_rounded: bool
    corrects: Sequence[Mapping[str, Any]] | None

    @property
    def line(self) -> PaidLine:
        return PaidLine(abs(self.amount), self.start, self.end, self.is_rounded)


def paid_of(
    period_start: datetime,
    orders: Sequence[Order],
    entries: Sequence[BillingEntry],
    disputed: Mapping[UUID, tuple[int, int]],
) -> Paid:
    """The money of the period that began at `period_start`, from its orders, waiting entries, and disputes.

    `orders` are not void, oldest first; `disputed` has net amount and tax that a bank holds or took, by order.
    A credit that names no order (rows of earlier releases) corrects the latest order before it that billed its time.
    Where a period was ended at the instant at which it began, its orders do not count: a reset forfeits it.
    """
    orders = _since(period_start, orders)
    known: dict[UUID | None, PaidOrder] = {
        order.id: PaidOrder(order.id, Supply.of(order), source=order.description) for order in orders
    }
    known[None] = PaidOrder(None, source=orders[-1].description if orders else "")
    nets: dict[UUID | None, dict[datetime, int]] = defaultdict(lambda: defaultdict(int))
    earlier: list[_Row] = []
    for row in (*(row for order in orders for row in _rows(order)), *(_waiting(entry) for entry in entries)):
        nets[row.owner][row.period_start] += row.amount
        is_present = row.period_start >= period_start
        if row.amount > 0:
            earlier.append(row)
            if is_present:
                known[row.owner].lines.append(row.line)
        elif row.amount < 0 and is_present:
            for owner, amount in _corrected(row, earlier, known):
                credits = known[owner].own if owner == row.owner else known[owner].given
                credits.append(replace(row.line, amount=amount))
    for order in orders:
        net = max(0, sum(amount for start, amount in nets[order.id].items() if start >= period_start))
        gaining = sum(amount for amount in nets[order.id].values() if amount > 0)
        if net:
            tax = order.tax_behavior == "inclusive"
            back, back_tax = disputed.get(order.id, (0, 0))
            lost = order.refunded_amount + back + (order.refunded_tax_amount + back_tax if tax else 0)
            known[order.id].lost = min(Fraction(lost * net, gaining), Fraction(net))
    return Paid([one for one in known.values() if one.lines])


def _since(period_start: datetime, orders: Sequence[Order]) -> Sequence[Order]:
    """The orders from the last one on that billed a period which begins at `period_start` in full."""
    first = max(
        (
            position
            for position, order in enumerate(orders)
            if any(not item.proration and item.start_timestamp == period_start for item in order.items)
        ),
        default=0,
    )
    return orders[first:]


def _rows(order: Order) -> Iterator[_Row]:
    """The lines of an order; a discount that only the order knows (an early release) is taken off what it reduced."""
    begun = order.period_start or order.created_at
    unknown = order.discount_amount - sum(item.discount_amount for item in order.items)
    open_lines = [0 if item.proration else max(0, item.amount - item.discount_amount) for item in order.items]
    offs = shared(unknown, open_lines) if unknown > 0 and any(open_lines) else [0] * len(open_lines)
    for item, off in zip(order.items, offs, strict=True):
        start = item.start_timestamp or begun
        yield _row(order.id, item, item.amount - item.discount_amount - off, start)


def _waiting(entry: BillingEntry) -> _Row:
    return _row(None, entry, entry.amount, entry.start_timestamp or entry.created_at)


def _row(owner: UUID | None, kept: OrderItem | BillingEntry, amount: int, start: datetime) -> _Row:
    inputs = (kept.computation or {}).get("inputs") or {}
    named = inputs.get("period_start")
    began = datetime.fromisoformat(named) if isinstance(named, str) else start
    if (kept.computation or {}).get("rule") == "credit_for_paid_time":
        began = _BEFORE
    return _Row(owner, amount, start, kept.end_timestamp, began, kept.proration, kept.corrects)


def _corrected(
    row: _Row, earlier: Sequence[_Row], known: Mapping[UUID | None, PaidOrder]
) -> Iterator[tuple[UUID | None, int]]:
    """The orders that a credit corrects, and by how much. A part that names none corrects its own order."""
    if row.corrects is None:
        owner = next((one.owner for one in reversed(earlier) if _covers(one, row)), row.owner)
        yield owner, -row.amount
        return
    for part in row.corrects:
        owner = UUID(part["order_id"]) if part["order_id"] else row.owner
        supply = known[owner].supply if owner in known else None
        if owner in known:
            yield owner, supply.units_of(part) if supply else -int(part["amount"])


def _covers(paid: _Row, credit: _Row) -> bool:
    """Whether a line billed the time that a credit gives back: of the same period, or of the time it begins at."""
    is_then = paid.start <= credit.start and (paid.end is None or credit.start < paid.end)
    return paid.period_start == credit.period_start or is_then
