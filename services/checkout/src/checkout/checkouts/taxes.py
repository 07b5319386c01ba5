"""The tax of a checkout: what is known of its buyer and seller is made into a calculation, whose answer is kept."""

from functools import partial
from typing import Any

import tax
from pricing.currencies import MAXIMUM_AMOUNT, step, written
from servicekit import clock
from servicekit.errors import InvalidInput
from servicekit.outside import AskOutside
from sqlalchemy.ext.asyncio import AsyncSession

from checkout.checkouts.models import Checkout
from checkout.organizations.models import Organization

_quotes = tax.Quotes()
_FIELDS = {"tax_id": "customer_tax_id", "address": "customer_billing_address"}


def use(quotes: tax.Quotes) -> None:
    """Names the providers of this process; without it the built-in tables calculate."""
    global _quotes
    _quotes = quotes


async def apply(session: AsyncSession, checkout: Checkout, *, strict: bool = False) -> None:
    """Taxes a checkout by what is known so far; with `strict` (on confirm) everything must be right.

    Raises `InvalidInput` naming what is wrong with the address or the tax id, and `AskOutside` where a provider of the
    outside has to be asked first. Without an address nothing is taxed.
    """
    organization = await session.get(Organization, checkout.organization_id)
    seller = organization.data if organization is not None else {}
    address = tax.Address.of(checkout.customer_billing_address)
    checked = _tax_id(checkout, address, strict=strict)
    checkout.customer_tax_id_format = checked.format if checked else None
    if address is None:
        _forget(checkout)
        return
    request = tax.TaxRequest(
        str(checkout.id),
        checkout.currency,
        tax.behavior_of(checkout.price.tax_behavior, seller.get("default_tax_behavior"), address.country),
        (tax.Line(str(checkout.price_id), checkout.amount - checkout.discount_amount),),
        clock.now().date(),
        seller.get("country"),
        address,
        checked,
        step=step(checkout.currency),
    )
    try:
        result = _quotes.known(request)
    except tax.TaxInvalid as refusal:
        if strict:
            raise InvalidInput(("body", *_field(refusal.field)), refusal.message) from None
        result = tax.untaxed(request, refusal)
    if result is None:
        raise AskOutside(partial(_quotes.ask, request))
    checkout.tax_behavior, checkout.tax_amount = result.behavior, result.amount
    checkout.tax_breakdown, checkout.tax_computation = result.breakdown(), result.computation
    checkout.tax_calculation_id = result.calculation_id
    if checkout.total_amount > MAXIMUM_AMOUNT:
        most = written(MAXIMUM_AMOUNT, checkout.currency)
        raise InvalidInput(("body", "amount"), f"More than {most} with tax cannot be charged at once")


def _tax_id(checkout: Checkout, address: tax.Address | None, *, strict: bool) -> tax.TaxId | None:
    if checkout.customer_tax_id is None:
        return None
    try:
        return tax.tax_id_of(checkout.customer_tax_id, address.country if address else None)
    except tax.TaxIdInvalid as error:
        if strict:
            raise InvalidInput(("body", "customer_tax_id"), str(error)) from None
        return None


def ensure_tax_id(checkout: Checkout) -> None:
    """For a tax id that was just given. Raises `InvalidInput` when it is none of the address's country."""
    checked = _tax_id(checkout, tax.Address.of(checkout.customer_billing_address), strict=True)
    if checked is not None:
        checkout.customer_tax_id = checked.value


def usable_id(kept: list[str] | None, address: dict[str, Any] | None) -> str | None:
    """The tax id that a seller keeps of a customer, where it is a valid one of the customer's country."""
    known = tax.Address.of(address)
    if not kept or known is None:
        return None
    try:
        return tax.tax_id_of(kept[0], known.country).value
    except tax.TaxIdInvalid:
        return None


def _forget(checkout: Checkout) -> None:
    checkout.tax_behavior, checkout.tax_amount, checkout.tax_calculation_id = None, 0, None
    checkout.tax_breakdown = checkout.tax_computation = None


def _field(name: str) -> tuple[Any, ...]:
    """Where the buyer said what a calculation calls `state`, `address` or `tax_id`."""
    return (_FIELDS[name],) if name in _FIELDS else ("customer_billing_address", name)
