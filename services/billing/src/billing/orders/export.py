"""Orders as CSV, for accounting: amounts as people write them, in the columns that were asked for."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pricing.currencies import major_units
from servicekit.auth import Principal, owned_by
from servicekit.database import Sessions
from servicekit.exports import CSVResponse, csv_response
from servicekit.http import Dialect, present_dialect
from sqlalchemy import select

from billing.customers.models import Customer
from billing.orders.models import Order

OrderExportColumn = Literal[
    "email", "created_at", "product", "net_amount", "currency", "status", "invoice_number", "customer_name",
    "billing_name", "billing_country", "subtotal_amount", "discount_amount", "tax_amount", "total_amount",
    "refunded_amount", "billing_reason",
]  # fmt: skip
DEFAULT: Sequence[OrderExportColumn] = (
    "email", "created_at", "product", "net_amount", "currency", "status", "invoice_number",
)  # fmt: skip
Cells = Mapping[str, tuple[str, Callable[[Any], Any]]]
"""Key → header, and what of a row (order, customer) stands below it."""


def _amount(name: str) -> Callable[[Any], Any]:
    return lambda row: major_units(getattr(row.Order, name), row.Order.currency)


COLUMNS: Cells = {
    "email": ("Email", lambda row: row.Customer.email),
    "created_at": ("Created At", lambda row: row.Order.created_at),
    "product": ("Product", lambda row: (row.Order.product_data or {}).get("name")),
    "net_amount": ("Net Amount", _amount("net_amount")),
    "currency": ("Currency", lambda row: row.Order.currency),
    "status": ("Status", lambda row: row.Order.status),
    "invoice_number": ("Invoice number", lambda row: row.Order.invoice_number),
    "customer_name": ("Customer Name", lambda row: row.Customer.name),
    "billing_name": ("Billing Name", lambda row: row.Order.billing_name),
    "billing_country": ("Billing Country", lambda row: (row.Order.billing_address or {}).get("country")),
    "subtotal_amount": ("Subtotal Amount", _amount("subtotal_amount")),
    "discount_amount": ("Discount Amount", _amount("discount_amount")),
    "tax_amount": ("Tax Amount", _amount("tax_amount")),
    "total_amount": ("Total Amount", _amount("total_amount")),
    "refunded_amount": ("Refunded Amount", _amount("refunded_amount")),
    "billing_reason": ("Billing Reason", lambda row: row.Order.billing_reason),
}
DOCUMENTED: Cells = {
    "id": ("Order ID", lambda row: row.Order.id),
    "created_at": ("Created At", lambda row: row.Order.created_at),
    "amount": ("Amount", _amount("net_amount")),
    "tax_amount": ("Tax Amount", _amount("tax_amount")),
    "currency": ("Currency", lambda row: row.Order.currency),
    "email": ("Customer Email", lambda row: row.Customer.email),
    "customer_name": ("Customer Name", lambda row: row.Customer.name),
    "product": ("Product Name", lambda row: (row.Order.product_data or {}).get("name")),
    "subscription_id": ("Subscription ID", lambda row: row.Order.subscription_id),
    "discount_code": ("Discount Code", lambda row: (row.Order.discount_data or {}).get("code")),
}
"""The columns of the documented API, which has no selection of columns."""


async def export(
    sessions: Sessions,
    principal: Principal,
    *,
    organization_id: Sequence[UUID] | None,
    product_id: Sequence[UUID] | None,
    status: Sequence[str] | None,
    created_after: datetime | None,
    created_before: datetime | None,
    zone: str,
    columns: Sequence[OrderExportColumn] | None,
) -> CSVResponse:
    """Streams the caller's orders, the latest first."""
    statement = select(Order, Customer).join(Customer, Customer.id == Order.customer_id)
    statement = statement.where(owned_by(principal, Order))
    for column, values in (
        (Order.organization_id, organization_id),
        (Order.product_id, product_id),
        (Order.status, status),
    ):
        if values is not None:
            statement = statement.where(column.in_(values))
    if created_after is not None:
        statement = statement.where(Order.created_at > created_after)
    if created_before is not None:
        statement = statement.where(Order.created_at < created_before)
    chosen = [COLUMNS[name] for name in columns or DEFAULT]
    if columns is None and present_dialect() is Dialect.SEED:
        chosen = list(DOCUMENTED.values())
    return csv_response(
        sessions, statement, Order, dict(chosen), owner=principal.owner, filename="orders.csv", zone=zone
    )
