"""Lines that correct earlier orders: their tax is that of the order they correct, not today's.

A correction follows the original supply in rate, place, exemption and whether the tax is inside the price (Council
Directive 2006/112/EC, art. 90(1) and 219). What a line corrects, and the tax of each part, is kept in its `corrects`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any
from uuid import UUID

from pricing.amounts import rounded, shared, written
from pricing.currencies import step
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.orders.models import Order
from billing.orders.tax import Tax

Corrects = Sequence[Mapping[str, Any]] | None
_PLACE = ("country", "state", "display_name", "rate", "taxability_reason")
_CREDITED = text("""
    -- A line that waited as an entry is counted as the entry, also where an earlier release has billed it.
    select sum(-(part -> 'tax' ->> 'net')::bigint), sum(-(part -> 'tax' ->> 'amount')::bigint) from (
        select true as is_item, jsonb_array_elements(i.corrects) as part
        from order_items i join orders o on o.id = i.order_id
        where o.subscription_id = :subscription and o.status <> 'void' and i.corrects is not null
        union all
        select false, jsonb_array_elements(e.corrects)
        from billing_entries e left join orders o on o.id = e.order_id
        where e.subscription_id = :subscription and e.corrects is not null and e.dropped_at is null
          and coalesce(o.status, 'pending') <> 'void'
    ) parts where part ->> 'order_id' = :order and not coalesce((part ->> 'is_entry')::boolean and is_item, false)
""")


@dataclass(frozen=True)
class Supply:
    """How an order's own lines were taxed, as it was kept, and what has been credited of them.

    `amount` and `tax_amount` are the sums of its positive lines in minor units; `amount` has inclusive tax in it.
    """

    amount: int
    tax_amount: int
    behavior: str | None
    breakdown: Sequence[Mapping[str, Any]]
    credited: int = 0
    credited_tax: int = 0
    tax_id: Sequence[Any] | None = None
    calculation: Mapping[str, Any] | None = None
    step: int = 1
    """Tax is a multiple of it: what the currency's charges are multiples of."""

    @classmethod
    def of(cls, order: Order) -> "Supply":
        """From an order's row. What the order itself corrects of others is left out."""
        kept = order.tax_computation or {}
        own = kept.get("own")
        sold = [item for item in order.items if item.amount > 0]
        breakdown = own["breakdown"] if own else order.tax_breakdown
        if not breakdown and order.tax_amount:
            place = {"country": (order.billing_address or {}).get("country"), "state": None, "display_name": None}
            breakdown = [{**place, "rate": None, "taxability_reason": "standard_rated"}]
        known = order.tax_calculation_id is not None and "provider" in kept
        return cls(
            amount=sum(item.amount - item.discount_amount for item in sold),
            tax_amount=sum(item.tax_amount for item in sold),
            behavior=order.tax_behavior,
            breakdown=breakdown or [],
            credited=order.credited_amount + (order.credited_tax_amount if order.tax_behavior == "inclusive" else 0),
            credited_tax=order.credited_tax_amount,
            tax_id=order.tax_id,
            calculation={"provider": kept["provider"], "id": order.tax_calculation_id} if known else None,
            step=step(order.currency),
        )

    @property
    def rate(self) -> Fraction:
        """The tax as a share of an amount: by the kept rates, or by the kept tax where a line has another."""
        if not self.tax_amount or self.amount <= 0:
            return Fraction(0)
        rates = sum((Fraction(str(one["rate"])) for one in self.breakdown if one.get("rate") is not None), Fraction(0))
        by_rates = rates / (100 + rates if self.behavior == "inclusive" else 100)
        is_so = abs(by_rates * self.amount - self.tax_amount) <= self.step * max(1, len(self.breakdown))
        return by_rates if is_so else Fraction(self.tax_amount, self.amount)

    def given_back(self, amount: int) -> dict[str, Any]:
        """The tax of a credit of `amount` (positive, inclusive tax inside), as a part of `corrects` keeps it.

        Of all that was credited so far, with this, the tax is rounded once, half away from zero; what earlier credits
        gave back is taken off, so that their roundings never add up to more than was paid.
        """
        rate = self.rate
        # The lines of an order share its rounded tax: one of them may have less than its own rounding.
        of_all = min(rounded((self.credited + amount) * rate, self.step), self.tax_amount)
        tax = max(0, of_all - self.credited_tax) if rate else 0
        net = amount - (tax if self.behavior == "inclusive" else 0)
        rates = [Fraction(str(one["rate"])) if one.get("rate") is not None else Fraction(0) for one in self.breakdown]
        shares = shared(tax, rates if any(rates) else [Fraction(1)] * len(rates)) if rates else []
        return {
            "net": -net,
            "amount": -tax,
            "behavior": self.behavior,
            "rate": written(rate),
            "step": self.step,
            "credited": self.credited,
            "credited_tax": self.credited_tax,
            "most": self.tax_amount,
            "breakdown": [
                {**{name: one.get(name) for name in _PLACE}, "amount": -share, "taxable_amount": -net}
                for one, share in zip(self.breakdown, shares, strict=True)
            ],
            "tax_id": list(self.tax_id) if self.tax_id else None,
            "calculation": self.calculation,
        }

    def units_of(self, part: Mapping[str, Any]) -> int:
        """A part that corrects the order, positive, as the order's own lines have it: with inclusive tax inside."""
        if "tax" not in part:
            return -int(part["amount"])
        tax = part["tax"]
        return -int(tax["net"]) - (int(tax["amount"]) if self.behavior == "inclusive" else 0)


@dataclass(frozen=True)
class Moved:
    """What becomes of a line whose parts give back prices with the tax inside on an order without it, or vice versa."""

    amount: int
    """By how much its amount changes, in minor units."""
    corrects: list[dict[str, Any]]


def taxed(
    amounts: Sequence[int], corrects: Sequence[Corrects], ask: Callable[[Sequence[int]], Tax]
) -> tuple[Tax, dict[int, Moved]]:
    """The tax of an order's lines at `amounts` (discounts taken off): `ask` gives that of amounts as of today.

    Parts that correct an order which was taxed otherwise keep the tax of that order. Where prices contain the tax on
    one side and not on the other, such a part gives back what was paid, tax included: `Moved` says so, by line. Raises
    what `ask` raises.
    """
    today = ask(amounts)
    apart = [
        (at, dict(part))
        for at, parts in enumerate(corrects)
        for part in parts or ()
        if "tax" in part and not _is_same(part["tax"], today)
    ]
    if not apart:
        return today, {}
    own = list(amounts)
    for at, part in apart:
        own[at] -= part["amount"]
    corrected = {at for at, _ in apart}
    asked = [at for at, amount in enumerate(own) if amount or at not in corrected]
    first = apart[0][1]["tax"]
    tax = ask([own[at] for at in asked]) if asked else Tax(behavior=first["behavior"], tax_id=first["tax_id"])
    breakdown = [dict(item) for item in tax.breakdown or []]
    taxes = [0] * len(amounts)
    for position, at in enumerate(asked):
        taxes[at] = tax.of_line(position)
    moved: dict[int, Moved] = {}
    for at, part in apart:
        kept = part["tax"]
        taxes[at] += kept["amount"]
        for item in kept["breakdown"]:
            _add(breakdown, item)
        change = kept["net"] + (kept["amount"] if tax.behavior == "inclusive" else 0) - part["amount"]
        if change:
            before = moved[at] if at in moved else Moved(0, [dict(one) for one in corrects[at] or ()])
            parts = [{**one, "amount": one["amount"] + change} if one == part else one for one in before.corrects]
            moved[at] = Moved(before.amount + change, parts)
    computation = {
        **(tax.computation or {}),
        "own": {"amount": sum(own), "tax_amount": tax.amount, "breakdown": tax.breakdown or []},
        "corrections": [{"order_id": part["order_id"], "line": at, **part["tax"]} for at, part in apart],
    }
    return replace(tax, amount=sum(taxes), breakdown=breakdown, lines=taxes, computation=computation), moved


def _is_same(kept: Mapping[str, Any], today: Tax) -> bool:
    """Whether a part has today's tax: the same rates of the same places, for the same reason, on the same side."""
    present = today.breakdown or []
    if not kept["amount"] and not kept["breakdown"]:
        return not any(item.get("rate") is not None for item in present)
    if kept["amount"] and kept["behavior"] != today.behavior:
        return False
    return _places(kept["breakdown"]) == _places(present)


def _places(breakdown: Iterable[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    return sorted(tuple(str(item.get(name)) for name in _PLACE) for item in breakdown)


def _add(breakdown: list[dict[str, Any]], item: Mapping[str, Any]) -> None:
    """Adds to the item of the same place and rate, so that each has one."""
    for one in breakdown:
        if _places([one]) == _places([item]):
            one["amount"] += item["amount"]
            one["taxable_amount"] += item["taxable_amount"]
            return
    breakdown.append(dict(item))


async def recount(session: AsyncSession, corrects: Iterable[Corrects]) -> None:
    """Writes on the orders that these lines correct what lines and waiting entries now give back of them.

    Called wherever such lines are written, become void, or are dropped: it counts anew, so that calling it twice
    changes nothing. The caller has locked the customer.
    """
    named = {UUID(part["order_id"]) for parts in corrects for part in parts or () if part["order_id"]}
    if not named:
        return
    await session.flush()
    statement = select(Order).where(Order.id.in_(named)).order_by(Order.id).with_for_update()
    for order in (await session.execute(statement)).scalars():
        about = {"subscription": order.subscription_id, "order": str(order.id)}
        net, tax = (await session.execute(_CREDITED, about)).one()
        order.credited_amount, order.credited_tax_amount = int(net or 0), int(tax or 0)
