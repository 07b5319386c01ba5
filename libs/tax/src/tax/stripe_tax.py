"""Stripe Tax through the official library: rates by locality, product and registration, US included.

A sale is sent as one line and its tax shared among our lines here, so that one rule makes parts add up, and so that
credits, which Stripe does not take, are asked for by their size and negated (Polar's rule).
"""

import hashlib
import json
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import stripe

from tax.builtin import BuiltInTax
from tax.calculation import Item, Reason, Result, TaxInvalid, TaxRequest, TaxUnavailable
from tax.money import apportioned

TIMEOUT_SECONDS = 5
CODE = "txcd_10000000"
"""General - Electronically Supplied Services."""
_REASONS = {reason.value: reason for reason in Reason} | {
    "product_exempt_holiday": Reason.PRODUCT_EXEMPT,
    "portion_product_exempt": Reason.PRODUCT_EXEMPT,
    "zero_rated": Reason.PRODUCT_EXEMPT,
}
"""Stripe's other reasons are kinds of being taxed."""


class StripeTax:
    """Stripe's tax calculations and transactions, at Stripe or at the stand-in's address."""

    name = "stripe"

    def __init__(self, secret_key: str, api_base: str = "") -> None:
        self._http = stripe.HTTPXClient(timeout=TIMEOUT_SECONDS)
        addresses: Any = {"api": api_base} if api_base else {}
        self._client = stripe.StripeClient(
            secret_key, base_addresses=addresses, http_client=self._http, max_network_retries=1
        )

    async def close(self) -> None:
        """Closes the connections."""
        await self._http.close_async()  # type: ignore[no-untyped-call]

    async def calculate(self, request: TaxRequest) -> Result:
        """Raises `TaxInvalid` naming `address` or `tax_id`, and `TaxUnavailable` for anything else that goes wrong."""
        taxed = [0 if line.is_exempt else line.amount for line in request.lines]
        if request.address is None or sum(taxed) == 0:
            return replace(await BuiltInTax().calculate(request), provider=self.name)
        params = self._params(request, abs(sum(taxed)))
        key = hashlib.sha256(json.dumps(params, sort_keys=True).encode()).hexdigest()
        options: Any = {"idempotency_key": f"tax:{request.reference}:{key}"}
        try:
            answer = await self._client.v1.tax.calculations.create_async(params, options)
        except stripe.InvalidRequestError as error:
            raise _refusal(error) from error
        except stripe.StripeError as error:
            raise TaxUnavailable(type(error).__name__) from error
        return self._result(request, taxed, answer)

    def _params(self, request: TaxRequest, amount: int) -> Any:
        assert request.address is not None
        address = request.address
        parts = {
            "country": address.country, "state": address.subdivision, "postal_code": address.postal_code,
            "city": address.city, "line1": address.line1, "line2": address.line2,
        }  # fmt: skip
        details: dict[str, Any] = {
            "address": {name: value for name, value in parts.items() if value},
            "address_source": "billing",
        }
        if request.tax_id is not None:
            details["tax_ids"] = [{"type": request.tax_id.format, "value": request.tax_id.value}]
        if request.customer_exempt:
            details["taxability_override"] = "customer_exempt"
        line = {
            "amount": amount,
            "reference": request.reference,
            "tax_behavior": request.behavior,
            "tax_code": CODE,
        }
        return {"currency": request.currency, "line_items": [line], "customer_details": details}

    def _result(self, request: TaxRequest, taxed: list[int], answer: Any) -> Result:
        whole = sum(taxed)
        sign = 1 if whole > 0 else -1
        items = tuple(_item(one, sign) for one in answer.tax_breakdown)
        if any(line.is_exempt for line in request.lines):
            exempt = sum(line.amount for line in request.lines if line.is_exempt)
            items += (Item(0, exempt, Reason.PRODUCT_EXEMPT),)
        amount = sign * int(
            answer.tax_amount_inclusive if request.behavior == "inclusive" else answer.tax_amount_exclusive
        )
        if amount != sum(item.amount for item in items):
            raise TaxUnavailable("the breakdown does not add up to the tax")
        parts = [Fraction(amount) * part / whole for part in taxed]
        computation = {
            "rule": "stripe_tax",
            "provider": self.name,
            "calculation": answer.id,
            "rounding": "Stripe's; lines by largest remainder",
            "inputs": {
                "lines": [{"reference": line.reference, "amount": line.amount} for line in request.lines],
                "behavior": request.behavior,
                "on": request.on.isoformat(),
                "country": request.address.country if request.address else None,
                "state": request.address.subdivision if request.address else None,
                "tax_id_format": request.tax_id.format if request.tax_id else None,
            },
            "jurisdictions": [item.document() for item in items],
        }
        lines = apportioned(amount, parts)
        kept = answer.id if sign > 0 else None
        return Result(request.behavior, amount, items, lines, self.name, computation, kept)

    async def record(self, calculation_id: str, reference: str) -> str | None:
        """Keeps a paid calculation as a transaction, once per reference. Raises `TaxUnavailable`."""
        params: Any = {"calculation": calculation_id, "reference": reference}
        options: Any = {"idempotency_key": f"tax:record:{reference}"}
        try:
            kept = await self._client.v1.tax.transactions.create_from_calculation_async(params, options)
        except stripe.StripeError as error:
            raise TaxUnavailable(type(error).__name__) from error
        return str(kept.id)

    async def revert(self, transaction_id: str, reference: str, amount: int | None) -> str | None:
        """Takes a transaction back, in full or by `amount` (minor units, with tax). Raises `TaxUnavailable`."""
        params: Any = {"original_transaction": transaction_id, "reference": reference}
        params |= {"mode": "full"} if amount is None else {"mode": "partial", "flat_amount": -amount}
        options: Any = {"idempotency_key": f"tax:revert:{reference}"}
        try:
            reversal = await self._client.v1.tax.transactions.create_reversal_async(params, options)
        except stripe.StripeError as error:
            raise TaxUnavailable(type(error).__name__) from error
        return str(reversal.id)


def _item(one: Any, sign: int) -> Item:
    details = one.tax_rate_details
    amount = sign * int(one.amount)
    reason = _REASONS.get(one.taxability_reason)
    if reason is None:
        reason = Reason.STANDARD_RATED if amount or one.taxability_reason else Reason.NOT_SUPPORTED
    known = details is not None and details.percentage_decimal is not None and amount != 0
    return Item(
        amount,
        sign * int(one.taxable_amount),
        reason,
        Decimal(details.percentage_decimal) if known else None,
        str(details.tax_type or "tax").replace("_", " ").upper() if details is not None else None,
        details.country if details is not None else None,
        details.state if details is not None else None,
    )


def _refusal(error: stripe.InvalidRequestError) -> TaxInvalid | TaxUnavailable:
    """What a buyer can put right is theirs to hear of; everything else is the provider failing us."""
    parameter = error.param or ""
    if error.code == "customer_tax_location_invalid" or "address" in parameter:
        return TaxInvalid("address", error.user_message or "The address is not known to the tax provider")
    if error.code == "tax_id_invalid" or "tax_ids" in parameter:
        return TaxInvalid("tax_id", error.user_message or "The tax id is not valid")
    return TaxUnavailable(f"InvalidRequestError {error.code or parameter}")
