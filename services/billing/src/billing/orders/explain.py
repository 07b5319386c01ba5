"""How an order's amounts came about: each line derived once more from what was kept of its making.

What a line keeps is its `computation`: the inputs, the exact fraction and the rule's name. Nothing of today's prices,
discounts or rates is looked at. All amounts are integer minor units; exact fractions are text (`1450/3`).
"""

from fractions import Fraction
from typing import Any
from uuid import UUID

from pricing.amounts import rounded, written
from pricing.currencies import step
from pydantic import BaseModel
from servicekit.auth import Principal
from servicekit.errors import ResourceNotFound
from sqlalchemy.ext.asyncio import AsyncSession

from billing.orders import queries
from billing.orders.models import Order, OrderItem


class Explained(BaseModel):
    """One amount, and the same derived again: `holds` says whether they are equal.

    `derived` is None where what was kept does not suffice (lines written by an early release).
    """

    name: str
    amount: int
    rule: str
    inputs: dict[str, Any]
    exact: str | None = None
    derived: int | None = None
    holds: bool = True


class OrderExplained(BaseModel):
    """Every amount of an order with the rule that made it: its lines, its tax by jurisdiction, and its totals."""

    order_id: UUID
    currency: str
    lines: list[Explained]
    tax: list[Explained]
    totals: list[Explained]
    holds: bool


async def explain(session: AsyncSession, principal: Principal, id: UUID) -> OrderExplained:
    """Raises `ResourceNotFound`."""
    order = await queries.find(session, principal, id)
    if order is None:
        raise ResourceNotFound()
    return explained(order)


def explained(order: Order) -> OrderExplained:
    """An order, from its row alone."""
    lines = [_line(item) for item in order.items]
    kept = order.tax_computation or {}
    own = kept["own"]["breakdown"] if "own" in kept else order.tax_breakdown or []
    tax = [_tax(order, own, item) for item in own] + [_tax_given_back(part) for part in kept.get("corrections", [])]
    totals = _totals(order)
    holds = all(one.holds for one in (*lines, *tax, *totals))
    return OrderExplained(order_id=order.id, currency=order.currency, lines=lines, tax=tax, totals=totals, holds=holds)


def exact_of(computation: dict[str, Any]) -> Fraction | None:
    """The exact amount that the inputs of a computation give by its rule; None for a rule that is not known."""
    rule, inputs = computation.get("rule"), computation.get("inputs") or computation
    match rule:
        case "price" | "renewal":
            return Fraction(int(inputs["amount"]))
        case "full_period":
            return Fraction(_net(inputs["new"]) if "new" in inputs else int(inputs["amount"]))
        case "trial":
            return Fraction(0)
        case "credit_for_time_left":
            return -_net(inputs["old"]) * _share(inputs)
        case "debit_for_time_left":
            return _net(inputs["new"]) * _share(inputs)
        case "difference_for_time_left":
            return (_net(inputs["new"]) - _net(inputs["old"])) * _share(inputs)
        case "credit_within_payments":
            nominal = ((_net(inputs["new"]) if "new" in inputs else 0) - _net(inputs["old"])) * _share(inputs)
            return max(nominal, -_money_left(inputs["orders"]))
        case "credit_for_paid_time":
            return -_money_left(inputs["orders"])
    return None


def _money_left(orders: list[dict[str, Any]]) -> Fraction:
    """What of the money of orders is left for time: their lines less what was refunded, disputed and credited."""

    def part(lines: list[dict[str, Any]]) -> Fraction:
        seconds = ((line["amount"], *map(Fraction, line["seconds"])) for line in lines)
        return sum((amount * left / whole for amount, left, whole in seconds if whole), Fraction(0))

    total = Fraction(0)
    for order in orders:
        billed, lost = int(order["billed"]), Fraction(order["lost"])
        kept = 1 - lost / billed if billed > 0 else Fraction(1)
        total += max(Fraction(0), (part(order["lines"]) - part(order["own_credits"])) * kept - part(order["credits"]))
    return total


def _net(terms: dict[str, Any]) -> int:
    return int(terms["amount"]) - int(terms.get("discount_amount") or 0)


def _share(inputs: dict[str, Any]) -> Fraction:
    """Which share of the period was left, between nothing and all of it."""
    whole = Fraction(inputs["seconds_total"])
    return min(max(Fraction(inputs["seconds_left"]), Fraction(0)), whole) / whole if whole > 0 else Fraction(0)


def _line(item: OrderItem) -> Explained:
    computation = item.computation or {}
    exact = exact_of(computation)
    if exact is None and "exact" in computation:
        exact = Fraction(computation["exact"])
    # What inclusive tax was moved in or out, so that a credit gives back what an order of the other kind was paid.
    moved = int(computation.get("tax_moved", 0))
    derived = None if exact is None else rounded(exact) + moved
    return Explained(
        name=item.label,
        amount=item.amount,
        rule=computation.get("rule", "as sold"),
        inputs=computation.get("inputs") or {name: value for name, value in computation.items() if name != "rule"},
        exact=None if exact is None else written(exact),
        derived=derived,
        holds=derived is None or derived == item.amount,
    )


def _tax(order: Order, breakdown: list[dict[str, Any]], item: dict[str, Any]) -> Explained:
    """The tax of one jurisdiction: the taxable amount times the rate, rounded half away from zero.

    What a provider over the network calculated is its own word: it keeps the calculation, and is not derived again.
    """
    rate, exact = item.get("rate"), None
    is_ours = order.tax_calculation_id is None
    # Rounded to the currency's step; tax in ISK and UGX from before that rule is not a multiple of it.
    unit = 1 if int(item["amount"]) % step(order.currency) else step(order.currency)
    if rate is not None and is_ours:
        taxable = Fraction(int(item["taxable_amount"]))
        if order.tax_behavior == "inclusive":
            # The taxable amount is what the rounded taxes left of the price: the exact tax is a share of the price.
            rates = sum(Fraction(str(one["rate"])) for one in breakdown if one.get("rate") is not None)
            taxable = (taxable + sum(int(one["amount"]) for one in breakdown)) * 100 / (100 + rates)
        exact = taxable * Fraction(str(rate)) / 100
    derived = (0 if exact is None else rounded(exact, unit)) if is_ours else None
    return Explained(
        name=item.get("display_name") or item.get("country") or "tax",
        amount=int(item["amount"]),
        rule=item.get("taxability_reason") or "standard_rated",
        inputs={name: item.get(name) for name in ("country", "state", "rate", "taxable_amount")},
        exact=None if exact is None else written(exact),
        derived=derived,
        holds=derived is None or derived == int(item["amount"]),
    )


def _tax_given_back(part: dict[str, Any]) -> Explained:
    """The tax of a part of a credit, at the rate of the order that it corrects: of all credited so far, less before."""
    amount = -int(part["net"]) - (int(part["amount"]) if part["behavior"] == "inclusive" else 0)
    exact = (int(part["credited"]) + amount) * Fraction(part["rate"])
    of_all = rounded(exact, int(part["step"]))
    of_all = min(of_all, int(part["most"])) if "most" in part else of_all  # earlier releases did not bound it
    derived = -max(0, of_all - int(part["credited_tax"])) if exact else 0
    return Explained(
        name="tax of the corrected order",
        amount=int(part["amount"]),
        rule="as_corrected",
        inputs={name: part[name] for name in ("order_id", "net", "rate", "credited", "credited_tax", "behavior")},
        exact=written(exact),
        derived=derived,
        holds=derived == int(part["amount"]),
    )


def _totals(order: Order) -> list[Explained]:
    inclusive = order.tax_amount if order.tax_behavior == "inclusive" else 0
    lines = {"lines": [item.amount for item in order.items]}
    discounts = [item.discount_amount for item in order.items]
    taxes = [item.tax_amount for item in order.items]
    steps: list[tuple[str, int, str, dict[str, Any], int]] = [
        ("subtotal", order.subtotal_amount, "the sum of the lines", lines, sum(lines["lines"])),
        ("discount", order.discount_amount, "the sum of the lines' parts", {"lines": discounts}, sum(discounts)),
        ("tax", order.tax_amount, "the sum of the lines' parts", {"lines": taxes}, sum(taxes)),
        (
            "net", order.net_amount, "subtotal - discount - tax that is included",
            {"subtotal": order.subtotal_amount, "discount": order.discount_amount, "included_tax": inclusive},
            order.subtotal_amount - order.discount_amount - inclusive,
        ),
        (
            "total", order.total_amount, "net + tax", {"net": order.net_amount, "tax": order.tax_amount},
            order.net_amount + order.tax_amount,
        ),
        (
            "payable", order.payable_amount, "total + what the customer's balance took or gave",
            {"total": order.total_amount, "applied_balance": order.applied_balance_amount},
            order.total_amount + order.applied_balance_amount,
        ),
    ]  # fmt: skip
    return [
        Explained(
            name=name, amount=amount, rule=rule, inputs=inputs, exact=str(derived), derived=derived,
            holds=derived == amount,
        )
        for name, amount, rule, inputs, derived in steps
    ]  # fmt: skip
