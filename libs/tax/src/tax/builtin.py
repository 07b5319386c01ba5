"""The built-in provider: rates from tables with their sources, reverse charge, and one rounding per jurisdiction."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from tax.calculation import Item, Reason, Result, TaxInvalid, TaxRequest
from tax.money import apportioned, percent, rounded
from tax.rates import Rate, is_in_the_eu, is_known, not_collected, rates_of, subdivisions_of

VERSION = "2026-12"
"""Of the rules below; it stands in every computation, so that an amount can be derived again."""
_TERRITORY = {"MC": "FR", "GP": "FR", "MQ": "FR", "RE": "FR", "IM": "GB"}
"""Monaco and the Isle of Man are territory of France and the United Kingdom for VAT (Council Directive 2006/112/EC,
art. 7; Isle of Man Act 1979, s 6); the overseas departments are French (CGI art. 296)."""


@dataclass(frozen=True)
class _Ruling:
    """What holds for a buyer: the rates that apply, or the reason why none does."""

    reason: Reason
    rule: str
    rates: tuple[Rate, ...] = ()
    shifted: tuple[Rate, ...] = ()
    """What the buyer accounts for."""


class BuiltInTax:
    """Calculates from tables; asks nobody and keeps nothing."""

    name = "builtin"

    async def calculate(self, request: TaxRequest) -> Result:
        """Raises `TaxInvalid` where the province is missing that decides the rate."""
        return calculated(request)

    async def record(self, calculation_id: str, reference: str) -> str | None:
        """Keeps nothing."""
        return None

    async def revert(self, transaction_id: str, reference: str, amount: int | None) -> str | None:
        """Keeps nothing."""
        return None


def calculated(request: TaxRequest) -> Result:
    """The tax of a sale by the tables. Raises `TaxInvalid` where the province is missing that decides the rate.

    Every jurisdiction's tax is rounded once, on the sum of the lines; the lines share it by largest remainder.
    """
    ruling = _ruling(request)
    taxed = [0 if line.is_exempt else line.amount for line in request.lines]
    exempt = sum(line.amount for line in request.lines if line.is_exempt)
    together = sum((Fraction(rate.percent) for rate in ruling.rates), Fraction(0)) / 100
    divisor = 1 + together if request.behavior == "inclusive" else Fraction(1)
    lines, amounts, exacts = [0] * len(taxed), [], []
    for rate in ruling.rates:
        parts = [amount * Fraction(rate.percent) / 100 / divisor for amount in taxed]
        exact = sum(parts, Fraction(0))
        exacts.append(exact)
        amounts.append(rounded(exact, request.step))
        lines = [sum(pair) for pair in zip(lines, apportioned(amounts[-1], parts, request.step), strict=True)]
    total = sum(amounts)
    taxable = sum(taxed) - (total if request.behavior == "inclusive" else 0)
    items = [
        Item(amount, taxable, Reason.STANDARD_RATED, rate.percent, rate.name, rate.country, rate.state)
        for rate, amount in zip(ruling.rates, amounts, strict=True)
    ]
    country = request.address.country if request.address else None
    state = request.address.subdivision if request.address else None
    for rate in ruling.shifted:
        items.append(Item(0, taxable, Reason.REVERSE_CHARGE, None, rate.name, rate.country, rate.state))
    if not items and not all(line.is_exempt for line in request.lines):
        items.append(Item(0, sum(taxed), ruling.reason, country=country, state=state))
    if any(line.is_exempt for line in request.lines):
        items.append(Item(0, exempt, Reason.PRODUCT_EXEMPT, country=country, state=state))
    computation = _computation(request, ruling, exacts, amounts)
    return Result(request.behavior, total, tuple(items), tuple(lines), BuiltInTax.name, computation)


def _ruling(request: TaxRequest) -> _Ruling:
    address = request.address
    if request.customer_exempt:
        return _Ruling(Reason.CUSTOMER_EXEMPT, "customer_exempt")
    if address is None:
        return _Ruling(Reason.NOT_SUPPORTED, "no_address")
    country, state = address.country, address.subdivision
    if not_collected(country):
        return _Ruling(Reason.NOT_COLLECTING, "not_collecting")
    if not is_known(country):
        reason = Reason.NOT_SUBJECT_TO_TAX if request.tax_id else Reason.NOT_SUPPORTED
        return _Ruling(reason, "unknown_country")
    known = subdivisions_of(country)
    if known and state not in known:
        message = "Field required" if state is None else f"is no province of {country}: one of {', '.join(known)}"
        raise TaxInvalid("state", message)
    rates = rates_of(country, state, address.postal_code, request.on)
    if not rates:
        return _Ruling(Reason.NOT_SUBJECT_TO_TAX, "outside_the_territory")
    shifted = tuple(rate for rate in rates if _shifts(request, rate))
    charged = tuple(rate for rate in rates if rate not in shifted)
    if not charged:
        return _Ruling(Reason.REVERSE_CHARGE, "reverse_charge", (), shifted)
    return _Ruling(Reason.STANDARD_RATED, "standard_rate", charged, shifted)


def _shifts(request: TaxRequest, rate: Rate) -> bool:
    """Whether the buyer accounts for a tax: a business with the right id, bought from a seller elsewhere.

    A seller who did not say where it is counts as one at the buyer's: tax that is charged can be paid back, tax that
    was not charged is the seller's loss.
    """
    if request.tax_id is None or request.tax_id.format not in rate.business_ids:
        return False
    if request.seller_country is None:
        return False
    return _TERRITORY.get(request.seller_country, request.seller_country) != _TERRITORY.get(rate.country, rate.country)


def _computation(request: TaxRequest, ruling: _Ruling, exacts: list[Fraction], amounts: list[int]) -> dict[str, Any]:
    address = request.address
    inputs = {
        "lines": [{"reference": line.reference, "amount": line.amount} for line in request.lines],
        "behavior": request.behavior,
        "on": request.on.isoformat(),
        "seller_country": request.seller_country,
        "country": address.country if address else None,
        "state": address.subdivision if address else None,
        "postal_code": address.postal_code if address else None,
        "tax_id_format": request.tax_id.format if request.tax_id else None,
    }
    if address is not None and is_in_the_eu(address.country) and request.tax_id and not request.seller_country:
        inputs["note"] = "no reverse charge: the seller's country is not known"
    jurisdictions = [
        {
            "country": rate.country,
            "state": rate.state,
            "name": rate.name,
            "rate": percent(rate.percent),
            "exact": str(exact),
            "amount": amount,
            "since": rate.since.isoformat() if rate.since else None,
            "source": rate.source,
        }
        for rate, exact, amount in zip(ruling.rates, exacts, amounts, strict=True)
    ]
    return {
        "rule": ruling.rule,
        "rules": VERSION,
        "provider": BuiltInTax.name,
        "rounding": "half away from zero, once per jurisdiction; lines by largest remainder",
        "inputs": inputs,
        "step": request.step,
        "jurisdictions": jurisdictions,
    }
