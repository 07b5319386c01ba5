"""What is sold, at which price, less which discount, with which tax, for which period; all of it is immutable."""

from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from math import floor

MINIMUM_CHARGES = {"usd": 50, "eur": 50, "gbp": 40, "jpy": 80, "krw": 800, "isk": 7000, "huf": 17500} | {
    "ugx": 200_000, "kwd": 200}  # fmt: skip
STEPS = {"isk": 100, "ugx": 100, "kwd": 10}
"""The least charge, and what charges, tax and percentages are multiples of. Source: docs/api/currencies.md; Stripe."""


def rounded(value: Fraction | int, step: int = 1) -> int:
    """Rounds half away from zero. Source: Polar, server/polar/kit/math.py `polar_round`; ADR 0010."""
    value = Fraction(value) / step
    whole = (2 * abs(value).numerator + value.denominator) // (2 * value.denominator)
    return step * (whole if value >= 0 else -whole)


def apportion(total: int, quotas: Sequence[Fraction], step: int = 1) -> list[int]:
    """Whole parts of a total, each next to its quota (largest remainder). Source: ADR 0010, ADR 0013."""
    parts = [floor(quota / step) for quota in quotas]
    by_remainder = sorted(range(len(parts)), key=lambda at: parts[at] - quotas[at] / step)
    for at in by_remainder[: total // step - sum(parts)]:
        parts[at] += 1
    return [step * part for part in parts]


@dataclass(frozen=True)
class Price:
    """A price in one currency. Tiers are `(bound or None, amount of a unit)`, bounds rising."""

    kind: str
    amount: int = 0
    mode: str = "volume"
    tiers: tuple[tuple[int | None, Fraction], ...] = ()

    def cost(self, quantity: int | None, chosen: int | None) -> int:
        """`volume`: all cost what the last costs; `graduated`: each its own tier's. Source: docs/api/products.md."""
        if self.kind in ("custom", "fixed"):
            return self.amount if self.kind == "fixed" else chosen or 0
        assert quantity is not None
        if self.mode == "volume":
            return rounded(next(unit for bound, unit in self.tiers if bound is None or quantity <= bound) * quantity)
        cost, below = Fraction(0), 0
        for bound, unit in self.tiers:
            cost += unit * max(0, min(bound or quantity, quantity) - below)
            below = bound or quantity
        return rounded(cost)


@dataclass(frozen=True)
class Product:
    """Bought once (`interval` none) or again and again, at a price for each currency."""

    name: str
    prices: tuple[tuple[str, Price], ...]
    interval: str | None = "month"
    count: int = 1
    trial: tuple[str, int] | None = None
    every = property(lambda self: (self.interval, self.count))

    def price(self, currency: str) -> Price | None:
        """The price in a currency, if it is sold in it."""
        return dict(self.prices).get(currency)


@dataclass(frozen=True)
class Discount:
    """Less to pay. `share` is of a percentage, `amounts` are of a fixed one; `products` none: for all."""

    name: str
    share: Fraction | None = None
    amounts: tuple[tuple[str, int], ...] = ()
    duration: str = "forever"
    months: int = 0
    products: tuple[str, ...] | None = None

    def applies(self, product: Product, currency: str) -> bool:
        """Whether it is for a product in a currency. Source: docs/api/discounts.md."""
        for_product = self.products is None or product.name in self.products
        return for_product and (self.share is not None or currency in dict(self.amounts))

    def off(self, product: Product, currency: str, cost: int) -> int:
        """What it takes off a price; a fixed one takes no more than there is. Source: docs/api/discounts.md."""
        if not self.applies(product, currency):
            return 0
        if self.share is not None:
            return min(cost, rounded(cost * self.share, STEPS.get(currency, 1)))
        return min(cost, dict(self.amounts).get(currency, 0))

    def covers(self, start: datetime, first: datetime | None) -> bool:
        """Whether it reduces a period, by the first that it reduced. Source: ADR 0013; models/discount.py."""
        if first is None or self.duration == "forever":
            return True
        return self.duration == "repeating" and start < add_months(first, self.months, first.day)


@dataclass(frozen=True)
class Tax:
    """What a customer is taxed by: a place and its rate; reverse charge and exemption have the rate 0."""

    place: str = ""
    rate: Fraction = Fraction(0)

    def on(self, amount: int, inclusive: bool) -> Fraction:
        """The exact tax on an amount, or in it. Source: ADR 0010; polar-api 4.5."""
        return amount * self.rate / (1 + self.rate) if inclusive else amount * self.rate


def add_months(start: datetime, months: int, anchor: int) -> datetime:
    """The same time of day, months later, on the anchor day or the last of a shorter month."""
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    return start.replace(year=year, month=month + 1, day=min(anchor, monthrange(year, month + 1)[1]))


def end_of(start: datetime, interval: str, count: int, anchor: int) -> datetime:
    """Months and years come back to the anchor day. Source: enums.py `get_next_period`; Kill Bill, TestPlan."""
    if interval in ("day", "week"):
        return start + timedelta(days=count * (7 if interval == "week" else 1))
    return add_months(start, count * (12 if interval == "year" else 1), anchor)


def share_left(start: datetime, end: datetime, at: datetime) -> Fraction:
    """The share of a period that is left. Source: proration.mdx ("exact number of seconds remaining")."""
    left, whole = (part // timedelta.resolution for part in (end - max(at, start), end - start))
    return Fraction(left, whole) if at < end else Fraction(0)
