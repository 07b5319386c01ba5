"""Stripe Tax: calculations by a small table of rates, and the transactions that are kept of them.

The rates are for tests, and enough to tell places apart: a sandbox proves nothing about anybody's tax. What is refused,
and in which words, follows Stripe's documentation of `POST /v1/tax/calculations`.
"""

import re
import time
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from stripe_sandbox.errors import StripeError, missing
from stripe_sandbox.events import Sandbox
from stripe_sandbox.parameters import STEPS, check_currency, integer, known, metadata, text

LASTS_SECONDS = 90 * 24 * 60 * 60
EU = {"DE": "19", "FR": "20", "IT": "22", "ES": "21", "NL": "21", "AT": "20", "IE": "23", "SE": "25", "PL": "23"}
RATES: dict[str, tuple[str, str]] = {
    **{country: ("vat", rate) for country, rate in EU.items()},
    "GB": ("vat", "20"),
    "CA-ON": ("hst", "13"),
    "US-CA": ("sales_tax", "7.25"),
    "US-NY": ("sales_tax", "8.875"),
    "US-TX": ("sales_tax", "8.25"),
}
"""Where the sandbox's account is registered; in other states of the US it collects nothing."""
US_STATES = {"9": "CA", "1": "NY", "7": "TX", "6": "IL", "3": "FL"}
"""By the first digit of the postal code, where no state is given."""
CODES = {"txcd_10000000", "txcd_10103001", "txcd_99999999", "txcd_00000000"}
ID_TYPES = {"eu_vat", "gb_vat", "ch_vat", "no_vat", "au_abn", "ca_gst_hst", "ca_bn", "us_ein", "nz_gst", "in_gst"}
ADDRESS = ("country", "state", "postal_code", "city", "line1", "line2")


def calculate(sandbox: Sandbox, data: dict[str, Any]) -> dict[str, Any]:
    """A calculation, which can be made a transaction of within 90 days."""
    known(data, ("currency", "customer_details", "line_items", "tax_date", "customer", "ship_from_details"))
    currency = (text(data, "currency") or "").lower()
    if not currency:
        raise StripeError(400, "Missing required param: currency.", code="parameter_missing", param="currency")
    check_currency(currency)
    lines = _lines(data)
    details = _details(data)
    kind, rate, reason = _rate(details)
    items, breakdown = [], {"inclusive": [0, 0], "exclusive": [0, 0]}
    for line in lines:
        share = Decimal(rate) / 100
        exact = line["amount"] * share / (1 + share if line["tax_behavior"] == "inclusive" else 1)
        step = STEPS.get(currency, 1)
        tax = int((exact / step).quantize(Decimal(1), ROUND_HALF_UP)) * step
        items.append(line | {"amount_tax": tax, "object": "tax.calculation_line_item"})
        breakdown[line["tax_behavior"]][0] += tax
        breakdown[line["tax_behavior"]][1] += line["amount"] - (tax if line["tax_behavior"] == "inclusive" else 0)
    added, contained = breakdown["exclusive"][0], breakdown["inclusive"][0]
    now = int(time.time())
    country, state = details["address"]["country"], details["address"].get("state")
    return sandbox.store.new(
        "tax.calculation",
        "taxcalc",
        {
            "amount_total": sum(line["amount"] for line in lines) + added,
            "currency": currency,
            "customer": None,
            "customer_details": details,
            "expires_at": now + LASTS_SECONDS,
            "ship_from_details": None,
            "shipping_cost": None,
            "tax_amount_exclusive": added,
            "tax_amount_inclusive": contained,
            "tax_date": integer(data, "tax_date") if "tax_date" in data else now,
            "tax_breakdown": [
                {
                    "amount": tax,
                    "inclusive": behavior == "inclusive",
                    "tax_rate_details": {
                        "country": country, "state": state, "percentage_decimal": rate, "tax_type": kind,
                        "rate_type": "percentage", "flat_amount": None,
                    },
                    "taxability_reason": reason,
                    "taxable_amount": taxable,
                }
                for behavior, (tax, taxable) in breakdown.items()
                if any(line["tax_behavior"] == behavior for line in lines)
            ],
            "_lines": items,
        },
    )  # fmt: skip


def find(sandbox: Sandbox, id: str) -> dict[str, Any]:
    """A calculation. Raises 404."""
    found = sandbox.store.find("tax.calculation", id)
    if found is None:
        raise missing("calculation", id, "id")
    return found


def record(sandbox: Sandbox, data: dict[str, Any]) -> dict[str, Any]:
    """Keeps a calculation as a transaction. A reference is given once, whether for a sale or for a reversal."""
    known(data, ("calculation", "reference", "metadata", "posted_at"))
    calculation_id, reference = _required(data, "calculation"), _reference(sandbox, data)
    calculation = sandbox.store.find("tax.calculation", calculation_id)
    if calculation is None:
        raise missing("calculation", calculation_id, "calculation")
    if calculation["expires_at"] < time.time():
        raise StripeError(400, "This calculation has expired.", code="resource_missing", param="calculation")
    return _transaction(sandbox, "transaction", reference, data, calculation["amount_total"], calculation["currency"])


def find_transaction(sandbox: Sandbox, id: str) -> dict[str, Any]:
    """A transaction, or a reversal. Raises 404."""
    found = sandbox.store.find("tax.transaction", id)
    if found is None:
        raise missing("transaction", id, "id")
    return found


def reverse(sandbox: Sandbox, data: dict[str, Any]) -> dict[str, Any]:
    """Takes a transaction back, in full or by `flat_amount` (negative, with tax), never more than is left of it."""
    known(data, ("original_transaction", "reference", "mode", "flat_amount", "metadata", "line_items"))
    original_id, reference = _required(data, "original_transaction"), _reference(sandbox, data)
    mode = text(data, "mode", ("full", "partial"))
    original = sandbox.store.find("tax.transaction", original_id)
    if original is None:
        raise missing("transaction", original_id, "original_transaction")
    left = original["_left"]
    amount = -left if mode == "full" else integer(data, "flat_amount")
    if mode == "full" and left != original["_total"]:
        raise StripeError(400, "The transaction was partially reversed: reverse the rest in parts.", param="mode")
    if amount >= 0:
        raise StripeError(400, "This value must be negative.", code="parameter_invalid_integer", param="flat_amount")
    if -amount > left:
        raise StripeError(400, "The reversal is more than is left of the transaction.", param="flat_amount")
    original["_left"] += amount
    sandbox.store.save(original)
    return _transaction(sandbox, "reversal", reference, data, amount, original["currency"])


def _transaction(
    sandbox: Sandbox, type: str, reference: str, data: dict[str, Any], total: int, currency: str
) -> dict[str, Any]:
    fields = {"type": type, "reference": reference, "currency": currency, "metadata": metadata(data)}
    return sandbox.store.new("tax.transaction", "tax", {**fields, "_total": total, "_left": total})


def _required(data: dict[str, Any], name: str) -> str:
    value = text(data, name)
    if value is None:
        raise StripeError(400, f"Missing required param: {name}.", code="parameter_missing", param=name)
    return value


def _reference(sandbox: Sandbox, data: dict[str, Any]) -> str:
    reference = _required(data, "reference")
    if len(reference) > 500 or any(one["reference"] == reference for one in sandbox.store.all("tax.transaction")):
        raise StripeError(
            400, f"A tax transaction with reference {reference} exists already.", code="resource_already_exists",
            param="reference",
        )  # fmt: skip
    return reference


def _lines(data: dict[str, Any]) -> list[dict[str, Any]]:
    given = data.get("line_items")
    if isinstance(given, dict):
        given = [given[key] for key in sorted(given, key=int)]
    if not given:
        raise StripeError(400, "Missing required param: line_items.", code="parameter_missing", param="line_items")
    if len(given) > 100:
        raise StripeError(400, "At most 100 line items", param="line_items")
    lines: list[dict[str, Any]] = []
    for number, line in enumerate(given):
        known(line, ("amount", "reference", "tax_behavior", "tax_code", "quantity", "product", "metadata"))
        amount = integer(line, "amount")
        if amount < 0:
            raise StripeError(400, "Amounts cannot be negative.", param=f"line_items[{number}][amount]")
        code = text(line, "tax_code") or "txcd_10000000"
        if code not in CODES:
            raise StripeError(400, f"Invalid tax_code: {code}", param=f"line_items[{number}][tax_code]")
        behavior = text(line, "tax_behavior", ("inclusive", "exclusive")) or "exclusive"
        reference = text(line, "reference") or f"L{number + 1}"
        if reference in {one["reference"] for one in lines}:
            raise StripeError(400, "References must be unique.", param=f"line_items[{number}][reference]")
        lines.append({"amount": amount, "reference": reference, "tax_behavior": behavior, "tax_code": code})
    return lines


def _details(data: dict[str, Any]) -> dict[str, Any]:
    given = data.get("customer_details") or {}
    known(given, ("address", "address_source", "ip_address", "tax_ids", "taxability_override"))
    address = given.get("address") or {}
    known(address, ADDRESS)
    if text(given, "address_source", ("billing", "shipping")) is None:
        raise StripeError(
            400, "Missing required param: customer_details[address_source].", code="parameter_missing",
            param="customer_details[address_source]",
        )  # fmt: skip
    country = text(address, "country")
    if country is None or not re.fullmatch(r"[A-Z]{2}", country):
        raise StripeError(400, "Country is invalid", code="country_code_invalid", param="customer_details[address]")
    if (country == "US" and not re.fullmatch(r"\d{5}(-\d{4})?", address.get("postal_code") or "")) or (
        country == "CA" and not (address.get("postal_code") or address.get("state"))
    ):
        raise StripeError(
            400, "We could not determine the customer's tax location based on the provided customer address.",
            code="customer_tax_location_invalid", param="customer_details[address]",
        )  # fmt: skip
    ids = given.get("tax_ids") or []
    for number, one in enumerate(ids.values() if isinstance(ids, dict) else ids):
        if one.get("type") not in ID_TYPES or not one.get("value"):
            raise StripeError(400, "Invalid tax id type", param=f"customer_details[tax_ids][{number}][type]")
        if one["type"] == "eu_vat" and not re.fullmatch(r"[A-Z]{2}[0-9A-Z+*]{2,13}", one["value"]):
            raise StripeError(
                400, "Invalid value for eu_vat.", code="tax_id_invalid",
                param=f"customer_details[tax_ids][{number}][value]",
            )  # fmt: skip
    override = text(given, "taxability_override", ("customer_exempt", "none", "reverse_charge")) or "none"
    listed = list(ids.values() if isinstance(ids, dict) else ids)
    return {"address": dict(address), "tax_ids": listed, "taxability_override": override}


def _rate(details: dict[str, Any]) -> tuple[str, str, str]:
    """The kind of tax, its rate in percent, and why."""
    address = details["address"]
    country, state = address["country"], address.get("state")
    if country == "US" and not state:
        state = address["state"] = US_STATES.get(address["postal_code"][0], "OR")
    place = f"{country}-{state}" if country in ("US", "CA") else country
    kind, rate = RATES.get(place, ("sales_tax" if country == "US" else "vat", "0"))
    if details["taxability_override"] == "customer_exempt":
        return kind, "0", "customer_exempt"
    if place not in RATES:
        return kind, "0", "not_collecting" if country in ("US", "CA") else "not_supported"
    if country in EU and any(one["type"] == "eu_vat" for one in details["tax_ids"]):
        return kind, "0", "reverse_charge"
    return kind, rate, "standard_rated"
