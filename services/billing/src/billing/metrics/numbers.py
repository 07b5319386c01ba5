"""Metrics out of facts. Every number is exact until it is shown, and rounded once: halves away from zero.

A metric is a list of values, one for each bucket, and a total over the whole range: a sum of what happened, the last
value of what is, or a quotient of sums. Money is of one currency, in integer minor units.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from itertools import accumulate
from typing import Any

from pricing.amounts import rounded

from billing.metrics.definitions import Fact, Slug
from billing.metrics.queries import Churn, Rows

Number = int | Fraction | Decimal
Facts = Mapping[Fact, Rows]
PER_MONTH: Mapping[str, Fraction] = {
    "month": Fraction(1),
    "year": Fraction(1, 12),
    "week": Fraction(52, 12),
    "day": Fraction(365, 12),
}
"""How many intervals a month has (Polar's rule): a yearly price counts a twelfth, a weekly one 52 twelfths."""
REASONS = (
    "customer_service", "low_quality", "missing_features", "switched_service", "too_complex", "too_expensive",
    "unused",
)  # fmt: skip
BOUGHT = {
    "one_time_products": ("purchase",),
    "new_subscriptions": ("subscription_create",),
    "renewed_subscriptions": ("subscription_cycle", "subscription_meter_cycle"),
}
"""The billing reasons of the orders that a metric counts."""


class Series:
    """A metric's values by bucket, and its total."""

    def __init__(self, values: Sequence[Number | None], total: Number | None) -> None:
        self.values = values
        self.total = total

    @classmethod
    def happened(cls, values: Sequence[Number]) -> "Series":
        """What happened in each bucket: the total is the sum."""
        return cls(values, sum(values))

    @classmethod
    def standing(cls, values: Sequence[Number]) -> "Series":
        """What is at each bucket's end: the total is the last."""
        return cls(values, values[-1])

    @classmethod
    def unknown(cls, length: int) -> "Series":
        """What is not known."""
        return cls([None] * length, None)

    def running(self) -> "Series":
        """Its sums from the range's beginning."""
        return Series.standing(list(accumulate(value or 0 for value in self.values)))

    def over(self, other: "Series") -> "Series":
        """Its share of another, value by value and total by total; 0 where the other is 0."""
        return self.with_(other, _share)

    def with_(self, other: "Series", function: Callable[[Number, Number], Number]) -> "Series":
        """A function of both, value by value and total by total; not known where either is not."""

        def applied(left: Number | None, right: Number | None) -> Number | None:
            return None if left is None or right is None else function(left, right)

        values = [applied(left, right) for left, right in zip(self.values, other.values, strict=True)]
        return Series(values, applied(self.total, other.total))


def _share(part: Number, whole: Number) -> Number:
    return Fraction(part) / Fraction(whole) if whole else 0


def _less(left: Number, right: Number) -> Number:
    return Fraction(left) - Fraction(right)


def currencies_of(facts: Facts) -> set[str]:
    """The currencies in which there is money among the facts."""
    found = {row.currency for row in facts.get(Fact.ORDERS, ()) if row.revenue or row.net}
    found |= {row.currency for row in facts.get(Fact.RETURNS, ()) if row.net}
    found |= {row.currency for row in facts.get(Fact.PHASES, ()) if row.amount}
    return found


def metrics_of(facts: Facts, length: int, currency: str) -> dict[Slug, Series]:
    """Every metric for which there are facts, over `length` buckets; money is that of `currency` alone."""
    found: dict[str, Series] = {}
    if Fact.ORDERS in facts:
        found |= _of_orders(facts[Fact.ORDERS], facts.get(Fact.RETURNS), length, currency)
    if Fact.PHASES in facts:
        found |= _of_phases(facts[Fact.PHASES], length, currency)
    if Fact.PAYERS in facts:
        payers = _standing([row for row in facts[Fact.PAYERS] if row.currency == currency], length, "count")
        found["average_revenue_per_user"] = found["monthly_recurring_revenue"].over(payers)
    if Fact.CHURN in facts:
        found |= _of_churn(facts[Fact.CHURN], length)
    if Fact.CANCELLATIONS in facts:
        found |= _of_cancellations(facts[Fact.CANCELLATIONS], length)
    if Fact.SEATS in facts:
        found |= _of_seats(facts[Fact.SEATS], facts[Fact.SEAT_CUSTOMERS], length)
    if Fact.CHECKOUTS in facts:
        rows = facts[Fact.CHECKOUTS]
        found["checkouts"] = Series.happened(_by_bucket(rows, length, "count"))
        found["succeeded_checkouts"] = Series.happened(_by_bucket(rows, length, "succeeded"))
        found["checkouts_conversion"] = found["succeeded_checkouts"].over(found["checkouts"])
    return {Slug(name): series for name, series in found.items()}


def _by_bucket(rows: Iterable[Any], length: int, name: str) -> list[Number]:
    values: list[Number] = [0] * length
    for row in rows:
        if row.number < length:
            values[row.number] += int(getattr(row, name))
    return values


def _standing(rows: Iterable[Any], length: int, name: str) -> Series:
    return Series.standing(list(accumulate(_by_bucket(rows, length, name))))


def _of_orders(rows: Rows, returned: Rows | None, length: int, currency: str) -> dict[str, Series]:
    """Counts are of orders in any currency; averages divide by those in the one that is shown."""
    own = [row for row in rows if row.currency == currency]
    back = [row for row in returned or () if row.currency == currency]
    found = {"orders": Series.happened(_by_bucket(rows, length, "count"))}
    groups: dict[str, Sequence[str] | None] = {"": None, **BOUGHT}
    for name, reasons in groups.items():

        def chosen(rows: Iterable[Any], reasons: Sequence[str] | None = reasons) -> list[Any]:
            return [row for row in rows if reasons is None or row.reason in reasons]

        prefix = f"{name}_" if name else ""
        if name:
            found[name] = Series.happened(_by_bucket(chosen(rows), length, "count"))
        found[f"{prefix}revenue"] = Series.happened(_by_bucket(chosen(own), length, "revenue"))
        if returned is not None:
            found[f"{prefix}net_revenue"] = Series.happened(_by_bucket([*chosen(own), *chosen(back)], length, "net"))
    counted = Series.happened(_by_bucket(own, length, "count"))
    found["cumulative_revenue"] = found["revenue"].running()
    found["average_order_value"] = found["revenue"].over(counted)
    if returned is not None:
        found["net_cumulative_revenue"] = found["net_revenue"].running()
        found["net_average_order_value"] = found["net_revenue"].over(counted)
    return found


def _of_phases(rows: Rows, length: int, currency: str) -> dict[str, Series]:
    committed = [row for row in rows if row.is_committed]
    found = {
        "active_subscriptions": _standing(rows, length, "count"),
        "committed_subscriptions": _standing(committed, length, "count"),
    }
    for name, trial, chosen in (
        ("monthly_recurring_revenue", False, rows),
        ("committed_monthly_recurring_revenue", False, committed),
        ("trial_monthly_recurring_revenue", True, rows),
        ("trial_committed_monthly_recurring_revenue", True, committed),
    ):
        found[name] = _a_month([row for row in chosen if row.is_trial is trial and row.currency == currency], length)
    for name in ("recurring_revenue", "committed_recurring_revenue"):
        monthly = found[name.replace("recurring", "monthly_recurring")]
        yearly = [12 * Fraction(value or 0) for value in monthly.values]
        found[name.replace("recurring", "annual_recurring")] = Series.standing(yearly)
    return found


def _a_month(rows: Iterable[Any], length: int) -> Series:
    """Net amounts of periods as amounts of a month: exact, whatever the interval and its count."""
    changes: list[Fraction] = [Fraction(0)] * length
    for row in rows:
        if row.number < length:
            months = PER_MONTH[row.recurring_interval] / row.recurring_interval_count
            changes[row.number] += int(row.amount) * months
    return Series.standing(list(accumulate(changes)))


def _of_churn(rows: Rows, length: int) -> dict[str, Series]:
    kinds: dict[int, list[Any]] = defaultdict(list)
    for row in rows:
        kinds[row.kind].append(row)
    lost, base = (_standing(kinds[kind], length, "count") for kind in (Churn.LOST, Churn.BASE))
    return {
        "churned_subscriptions": Series.happened(_by_bucket(kinds[Churn.ENDED], length, "count")),
        "churn_rate": lost.over(base),
    }


def _of_cancellations(rows: Rows, length: int) -> dict[str, Series]:
    found = {"canceled_subscriptions": Series.happened(_by_bucket(rows, length, "count"))}
    for reason in REASONS:
        counted = _by_bucket([row for row in rows if row.reason == reason], length, "count")
        found[f"canceled_subscriptions_{reason}"] = Series.happened(counted)
    others = _by_bucket([row for row in rows if row.reason not in REASONS], length, "count")
    found["canceled_subscriptions_other"] = Series.happened(others)
    return found


def _of_seats(rows: Rows, stretches: Rows, length: int) -> dict[str, Series]:
    """Seats are sold; whose they are is not kept by anyone yet, so what would tell of it is not known."""
    customers: list[Number] = [0] * (length + 1)
    new: list[Number] = [0] * (length + 1)
    churned: list[Number] = [0] * (length + 1)
    for row in stretches:
        customers[max(row.first, 0)] += row.count
        customers[row.until] -= row.count
        churned[row.until] += row.count
        if row.first >= 0:
            new[row.first] += row.count
    total = _standing(rows, length, "amount")
    held = Series.standing(list(accumulate(customers[:length])))
    return {
        "seats_total": total,
        "seat_customers": held,
        "new_seat_customers": Series.happened(new[:length]),
        "churned_seat_customers": Series.happened(churned[:length]),
        "average_seats_per_customer": total.over(held),
        **{name: Series.unknown(length) for name in ("seats_claimed", "seats_pending", "seat_utilization_rate")},
    }


def shown(value: Number | None, unit: str) -> int | float | None:
    """A value as the answer has it: money in whole minor units, costs with their fractions, shares as shares of 1."""
    if value is None:
        return None
    if unit == "currency":
        return rounded(Fraction(value))
    return int(value) if value == int(value) and unit == "scalar" else float(value)
