"""The tax of an order: one question, one answer, for renewals, prorations and drafts alike."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

import tax
from pricing.currencies import step
from servicekit.outside import AskOutside

_quotes = tax.Quotes()


def use(quotes: tax.Quotes) -> None:
    """Names the providers of this process; without it the built-in tables calculate."""
    global _quotes
    _quotes = quotes


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
    reference: str,
    amounts: Sequence[int],
    currency: str,
    address: dict[str, Any] | None,
    tax_id: list[str] | None,
    behavior: str | None,
    product: dict[str, Any] | None,
    seller: Mapping[str, Any],
    at: datetime,
) -> Tax:
    """The tax of lines at `amounts` (minor units, discounts taken off; credits negative) for a buyer at `address`.

    `behavior` is what was frozen on the subscription, if anything; else the product's option and the seller's decide.
    `seller` is the organization's public shape, empty before it is known. `reference` is the order's id: each has a
    calculation of its own. What is wrong with the address never holds up an order: the tax is zero, the reason kept.
    Raises `AskOutside` where a provider of the outside has to be asked first.
    """
    known = tax.Address.of(address)
    if known is None:
        return Tax(behavior=behavior, lines=[0] * len(amounts))
    checked = _checked(tax_id, known.country)
    option = _option(product, currency)
    request = tax.TaxRequest(
        reference,
        currency,
        _frozen(behavior) or tax.behavior_of(option, seller.get("default_tax_behavior"), known.country),
        tuple(tax.Line(str(position), amount) for position, amount in enumerate(amounts)),
        at.date(),
        seller.get("country"),
        known,
        checked,
        step=step(currency),
    )
    try:
        result = _quotes.known(request)
    except tax.TaxInvalid as refusal:
        result = tax.untaxed(request, refusal)
    if result is None:
        raise AskOutside(partial(_quotes.ask, request))
    return Tax(
        result.amount,
        result.behavior,
        result.breakdown(),
        result.line_amounts,
        [checked.value, checked.format] if checked else None,
        result.computation,
        result.calculation_id,
    )


def _checked(kept: list[str] | None, country: str) -> tax.TaxId | None:
    """The customer's number, where it is a valid one of the country: others are kept as typed, and not used."""
    if not kept:
        return None
    try:
        return tax.tax_id_of(kept[0], country)
    except tax.TaxIdInvalid:
        return None


def _frozen(behavior: str | None) -> tax.Behavior | None:
    match behavior:
        case "inclusive" | "exclusive":
            return behavior
        case _:
            return None


def _option(product: dict[str, Any] | None, currency: str) -> str | None:
    """The prices of a product in one currency have one option (Polar's rule)."""
    prices = product["prices"] if product else []
    return next((price.get("tax_behavior") for price in prices if price.get("price_currency") == currency), None)
