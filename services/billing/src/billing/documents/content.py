"""What an invoice or a receipt says: from the order's public shape, and its seller as it was then, alone."""

from datetime import datetime
from typing import Any

from contracts import billing as contracts
from contracts.checkout import Address, TaxItem
from pricing.currencies import written
from tax.rates import is_in_the_eu

_REVERSE_IN_THE_UNION = (
    "Reverse charge: the customer is liable for the value added tax (Article 196 of Council Directive 2006/112/EC)."
)
_REVERSE = "Reverse charge: the recipient of the supply accounts for the tax."
_REASONS = {
    "product_exempt": "Exempt from tax.",
    "customer_exempt": "The customer is exempt from tax.",
}


def seller_of(organization: dict[str, Any]) -> dict[str, Any]:
    """The seller as it is printed, kept with the order when its first document is made."""
    settings = organization.get("invoice_settings") or {}
    return {
        "name": settings.get("legal_name") or organization["name"],
        "address": settings.get("address"),
        "country": organization.get("country"),
        "tax_id": settings.get("tax_id"),
        "email": organization.get("email"),
        "website": organization.get("website"),
        "note": settings.get("note"),
    }


def invoice(order: contracts.Order, seller: dict[str, Any]) -> dict[str, Any]:
    """The data of an order's invoice."""
    facts = [["Invoice number", order.invoice_number or ""], ["Date of issue", _day(order.created_at)]]
    return {
        **_common(order, seller),
        "title": "Invoice",
        "number": order.invoice_number,
        "buyer_label": "Bill to",
        "facts": [*facts, ["Currency", order.currency.upper()]],
        "totals": [*_totals(order), *_settlement(order)],
        "payments": [],
    }


def receipt(order: contracts.Order, seller: dict[str, Any], paid_at: datetime) -> dict[str, Any]:
    """The data of an order's receipt: what was paid, and what was given back since."""
    paid = order.total_amount + order.applied_balance_amount
    payments = [[f"Paid on {_day(paid_at)}", money(paid, order.currency)]]
    refunded = order.refunded_amount + order.refunded_tax_amount
    if refunded:
        payments.append(["Refunded", money(-refunded, order.currency)])
        payments.append(["Paid after refunds", money(paid - refunded, order.currency)])
    facts = [["Receipt number", order.receipt_number or ""], ["Invoice number", order.invoice_number or ""]]
    return {
        **_common(order, seller),
        "title": "Receipt",
        "number": order.receipt_number,
        "buyer_label": "Paid by",
        "facts": [*facts, ["Date paid", _day(paid_at)], ["Currency", order.currency.upper()]],
        "totals": [*_totals(order), *_settlement(order)],
        "payments": payments,
    }


def money(amount: int, currency: str) -> str:
    """Minor units as people read them, with the currency's own decimals: `1,234.50 EUR`, `1,234 JPY`, `1.234 KWD`."""
    return written(amount, currency).replace("-", "−")


def _common(order: contracts.Order, seller: dict[str, Any]) -> dict[str, Any]:
    buyer = [*_address(order.billing_address), *([f"Tax ID: {order.tax_id[0]}"] if order.tax_id else [])]
    own = seller["address"]
    place = _address(Address.model_validate(own)) if own else [seller["country"]] if seller["country"] else []
    named = [f"Tax ID: {seller['tax_id']}"] if seller["tax_id"] else []
    reached = [one for one in (seller["email"], seller["website"]) if one]
    return {
        "seller": {"name": seller["name"], "lines": [*place, *named, *reached]},
        "buyer": {"name": order.billing_name or order.customer.email, "lines": buyer},
        "items": [_item(item, order.currency) for item in order.items],
        "taxes": [_tax(item, order.currency) for item in order.tax_breakdown or [] if _is_named(item)],
        "notes": [*_notes(order), *([seller["note"]] if seller["note"] else [])],
    }


def _item(item: contracts.OrderItem, currency: str) -> dict[str, Any]:
    period = None
    if item.start_timestamp is not None and item.end_timestamp is not None:
        period = f"{_day(item.start_timestamp)} – {_day(item.end_timestamp)}"
    return {
        "label": item.label,
        "note": period,
        "tax": money(item.tax_amount, currency),
        "amount": money(item.amount, currency),
    }


def _totals(order: contracts.Order) -> list[dict[str, Any]]:
    """Subtotal to total; where prices contain the tax it is shown below the total that it is part of."""
    currency = order.currency
    rows = [_row("Subtotal", money(order.subtotal_amount, currency))]
    if order.discount_amount:
        named = f"Discount ({order.discount.name})" if order.discount else "Discount"
        rows.append(_row(named, money(-order.discount_amount, currency)))
    is_inclusive = order.tax_behavior == "inclusive"
    if not is_inclusive:
        if order.discount_amount:
            rows.append(_row("Net amount", money(order.net_amount, currency)))
        rows.append(_row("Tax", money(order.tax_amount, currency)))
    rows.append(_row("Total", money(order.total_amount, currency), strong=True))
    if is_inclusive:
        rows.append(_row("Net amount", money(order.net_amount, currency)))
        rows.append(_row("Tax included", money(order.tax_amount, currency)))
    return rows


def _settlement(order: contracts.Order) -> list[dict[str, Any]]:
    """How the total is paid: by the customer's balance and by card, where both took part, and what is still due."""
    rows = []
    if order.applied_balance_amount:
        rows.append(_row("Applied balance", money(order.applied_balance_amount, order.currency)))
        charged = order.total_amount + order.applied_balance_amount
        if order.paid and charged:
            rows.append(_row("Paid by card", money(charged, order.currency)))
    due = 0 if order.paid else order.due_amount
    rows.append(_row("Amount due", money(due, order.currency), strong=True))
    return rows


def _row(label: str, amount: str, *, strong: bool = False) -> dict[str, Any]:
    return {"label": label, "amount": amount, "strong": strong}


def _is_named(item: TaxItem) -> bool:
    return item.rate is not None or item.taxability_reason == "reverse_charge"


def _tax(item: TaxItem, currency: str) -> dict[str, str]:
    place = "-".join(part for part in (item.country, item.state) if part)
    return {
        "name": f"{item.display_name or 'Tax'} {place}".strip(),
        "rate": f"{item.rate} %" if item.rate is not None else "reverse charge",
        "taxable": money(item.taxable_amount, currency),
        "amount": money(item.amount, currency),
    }


def _notes(order: contracts.Order) -> list[str]:
    notes: list[str] = []
    for item in order.tax_breakdown or []:
        if item.taxability_reason == "reverse_charge":
            notes.append(_REVERSE_IN_THE_UNION if is_in_the_eu(item.country or "") else _REVERSE)
        elif item.taxability_reason in _REASONS:
            notes.append(_REASONS[item.taxability_reason])
    if order.tax_behavior == "inclusive" and order.tax_amount:
        notes.append("Prices include tax.")
    return list(dict.fromkeys(notes))


def _address(address: Address | None) -> list[str]:
    if address is None:
        return []
    state = (address.state or "").removeprefix(f"{address.country}-")
    town = " ".join(part for part in (address.postal_code, address.city, state) if part)
    return [line for line in (address.line1, address.line2, town, address.country) if line]


def _day(at: datetime) -> str:
    """`24 November 2026`, in UTC, in the language of the document."""
    return f"{at.day} {_MONTHS[at.month - 1]} {at.year}"


_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
