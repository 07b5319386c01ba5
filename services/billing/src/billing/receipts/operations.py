"""Receipts: their number is taken when an order is paid, and a mail says so where the seller wants it."""

from collections.abc import Sequence
from typing import Any

from servicekit import mail
from sqlalchemy.ext.asyncio import AsyncSession

from billing.customers.models import Customer
from billing.documents.content import money
from billing.orders.models import Order
from billing.organizations.operations import shapes_of

SWITCHES = {
    "purchase": "order_confirmation",
    "subscription_create": "subscription_confirmation",
    "subscription_cycle": "subscription_cycled",
    "subscription_update": "subscription_updated",
}
"""Which of a seller's mail switches lets the receipt of an order out, by the reason why it was billed."""


async def give(session: AsyncSession, paid: Sequence[tuple[Order, Customer]]) -> None:
    """Numbers the receipts of orders that were just paid, and makes their mails due; their customers are locked.

    Once for each order, in the transaction that makes it paid; what costs nothing has no receipt.
    """
    due = [(order, customer) for order, customer in paid if order.receipt_number is None and order.total_amount > 0]
    sellers = await shapes_of(session, {order.organization_id for order, _ in due})
    mails = []
    for order, customer in due:
        order.receipt_number = customer.next_receipt_number()
        seller = sellers[order.organization_id]
        switch = SWITCHES.get(order.billing_reason, "order_confirmation")
        if (seller.get("customer_email_settings") or {}).get(switch, True):
            shop = _line(seller.get("name") or "your purchase")
            subject = f"Your receipt from {shop} ({order.receipt_number})"
            mails.append((customer.email, subject, _body(order, shop)))
    await mail.write_all(session, mails)


def _body(order: Order, shop: str) -> str:
    rows: list[tuple[str, int]] = [(_line(item.label), item.amount) for item in order.items]
    if order.discount_amount:
        rows.append(("Discount", -order.discount_amount))
    contained = order.tax_behavior == "inclusive"
    if not contained:
        rows.append(("Tax", order.tax_amount))
    rows.append(("Total", order.total_amount))
    if contained and order.tax_amount:
        rows.append(("Tax included", order.tax_amount))
    if order.applied_balance_amount:
        rows += [("Applied balance", order.applied_balance_amount), ("Paid", order.payable_amount)]
    shown = [(label, money(amount, order.currency)) for label, amount in rows]
    width = max(len(label) for label, _ in shown)
    right = max(len(amount) for _, amount in shown)
    lines = [f"{label:<{width}}  {amount:>{right}}" for label, amount in shown]
    return (
        f"Thank you for your purchase at {shop}.\n\n"
        f"Receipt {order.receipt_number}, invoice {order.invoice_number}\n\n" + "\n".join(lines) + "\n\n"
        "The receipt and the invoice can be downloaded in the customer portal.\n"
    )


def _line(text: Any) -> str:
    """On one line, whatever was typed."""
    return " ".join(str(text).split())
