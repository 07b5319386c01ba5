"""What the model keeps: customers, subscriptions, orders with lines, payments, refunds. Verbs change it."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from functools import wraps
from types import SimpleNamespace
from typing import Any, NamedTuple, Optional

from tests.model.reference.terms import STEPS, Discount, Product, Tax, rounded, share_left


class Refused(Exception):
    """A verb is refused, by the API's name of the error."""


def refuse(when: object, why: str) -> None:
    """Raises `Refused` where something holds."""
    if when:
        raise Refused(why)


@dataclass(eq=False)
class Customer:
    """Somebody with one card: `good`, the code that it declines with, or none. Balances: credit is positive."""

    name: str
    card: str | None = None
    tax: Tax = field(default_factory=Tax)
    balances: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    pays: set["Subscription"] = field(default_factory=set)  # what the card was given for. Source: ADR 0022


@dataclass(eq=False)
class Line:
    """A line of an order, or one that waits. `corrects`: parts of a credit, with tax, by what they give back."""

    amount: int
    start: datetime
    end: datetime
    proration: bool = False
    corrects: list[tuple[Optional["Order"], int, int]] = field(default_factory=list)
    discount: int = 0
    tax: int = 0
    period: datetime | None = None  # the start of the period that it is of, where that is not its own

    def left(self, at: datetime, amount: int, end: datetime | None) -> Fraction:
        """What of an amount of the line is for time after an instant, until its end or another."""
        return amount * share_left(self.start, end or self.end, at)


class Payment(NamedTuple):
    """An attempt to charge a card; `code` says why it was declined."""

    amount: int
    trigger: str
    code: str | None = None


@dataclass(eq=False)
class Refund:
    """Money of an order that is given back: before tax, and the tax. `pending`, `succeeded` or `failed`."""

    order: "Order"
    amount: int
    tax: int
    status: str


@dataclass(eq=False)
class Order:
    """`total + applied` is charged: `applied` is credit, or debts and credit kept. Source: docs/api/orders.md."""

    customer: Customer
    currency: str
    reason: str
    at: datetime
    lines: list[Line]
    terms: Tax
    inclusive: bool = False
    subscription: Optional["Subscription"] = None
    status: str = "pending"
    applied: int = 0
    payments: list[Payment] = field(default_factory=list)
    refunds: list[Refund] = field(default_factory=list)
    dispute: str | None = None
    disputed: int = 0
    retries: int = 0
    deadline: datetime | None = None
    next_attempt: datetime | None = None
    step = property(lambda self: STEPS.get(self.currency, 1))
    subtotal = property(lambda self: sum(line.amount for line in self.lines))
    discount = property(lambda self: sum(line.discount for line in self.lines))
    tax = property(lambda self: sum(line.tax for line in self.lines))
    billed_tax = property(lambda self: sum(line.tax for line in self.lines if line.amount > 0))
    total = property(lambda self: self.subtotal - self.discount + (0 if self.inclusive else self.tax))
    net = property(lambda self: self.total - self.tax)
    charged = property(lambda self: sum(one.amount for one in self.payments if not one.code))
    paid_by_card = property(lambda self: min(self.charged, self.total))
    refunded = property(lambda self: sum(self.given_back()))

    def given_back(self, *statuses: str) -> tuple[int, int]:
        """What was refunded before tax, and its tax; or is on its way, unless the statuses leave that out."""
        found = [one for one in self.refunds if one.status in (statuses or ("pending", "succeeded"))]
        return sum(one.amount for one in found), sum(one.tax for one in found)

    def kept(self, start: datetime) -> Fraction:
        """The share of what the period cost that was not given back nor taken by a bank. Source: ADR 0019; REFUNDS."""
        now = [one for one in self.lines if (one.period or one.start) >= start]
        own = [part for line in now for of, part, _ in line.corrects if of is None]
        billed = sum(max(0, line.amount - line.discount) for line in now) + sum(own)
        lost = self.disputed if self.dispute in ("open", "lost") else 0
        if not self.inclusive and self.total:
            lost -= rounded(Fraction(lost * self.tax, self.total))
        gone = lost + (self.refunded if self.inclusive else self.given_back()[0])
        net = max(0, sum(line.amount - line.discount for line in now))
        before = max(0, sum(line.amount - line.discount for line in self.lines if line not in now))
        gone = min(Fraction(gone * net, net + before), Fraction(net)) if net else Fraction(0)
        return max(Fraction(0), 1 - gone / billed) if billed > 0 else Fraction(1)


@dataclass(eq=False)
class Subscription:
    """An agreement to pay again and again. `billed` are lines of orders for time of the present period."""

    customer: Customer
    product: Product
    currency: str
    quantity: int | None
    chosen: int | None
    start: datetime
    end: datetime
    anchor: int
    inclusive: bool = False
    status: str = "active"
    discount: Discount | None = None
    discount_first: datetime | None = None
    period_discount: Discount | None = None
    trial_start: datetime | None = None
    trial_end: datetime | None = None
    cancel_at_end: bool = False
    pause_at_end: bool = False
    resumes_at: datetime | None = None
    ended_at: datetime | None = None
    past_due_at: datetime | None = None
    pending: dict[str, Any] = field(default_factory=dict)
    waiting: list[Line] = field(default_factory=list)
    billed: list[tuple[Order, Line]] = field(default_factory=list)
    turn = property(lambda self: (not self.cancel_at_end, not self.pause_at_end, self.status != "paused"))

    def discount_at(self, start: datetime) -> Discount | None:
        """Its discount, if that reduces a period which begins then."""
        return self.discount if self.discount and self.discount.covers(start, self.discount_first) else None

    def ensure_paused_before(self, end: datetime) -> None:
        """No period ends after the planned pause is over. Source: docs/api/subscriptions.md (422)."""
        refuse(self.resumes_at is not None and self.resumes_at <= end, "Invalid")

    def cost(self, discount: Discount | None = None, **other: Any) -> int:
        """What a period of these terms, or of others, costs, less a discount."""
        product = other.get("product", self.product)
        cost = product.price(self.currency).cost(other.get("quantity", self.quantity), self.chosen)
        return cost - (discount.off(product, self.currency, cost) if discount else 0)


def verb(work: Callable[..., Any]) -> Callable[..., SimpleNamespace]:
    """Makes a verb: the instant comes first. It returns `orders` it wrote, what it `made`, and why it was refused."""

    @wraps(work)
    def run(self: Any, at: datetime, *args: Any, **named: Any) -> SimpleNamespace:
        self.advance(at)
        effects, written = SimpleNamespace(made=None, refusal=None), len(self.orders)
        before = [(one, {**vars(one)}) for one in (*args, *named.values()) if isinstance(one, Subscription)]
        try:
            effects.made = work(self, *args, **named)
        except Refused as refused:
            effects.refusal = str(refused)
            for one, then in before:
                vars(one).update(then)
        effects.orders = self.orders[written:]
        return effects

    return run
