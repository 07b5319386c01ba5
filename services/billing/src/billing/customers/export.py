"""Customers as CSV: the billing address in columns of its own, the metadata as JSON."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from servicekit.auth import Principal, owned_by
from servicekit.database import Sessions
from servicekit.exports import CSVResponse, csv_response
from sqlalchemy import select

from billing.customers.models import Customer


def _address(name: str) -> Callable[[Any], Any]:
    return lambda row: (row.Customer.billing_address or {}).get(name)


COLUMNS: Mapping[str, Callable[[Any], Any]] = {
    "ID": lambda row: row.Customer.id,
    "External ID": lambda row: row.Customer.external_id,
    "Created At": lambda row: row.Customer.created_at,
    "Email": lambda row: row.Customer.email,
    "Name": lambda row: row.Customer.name,
    "Tax ID": lambda row: row.Customer.tax_id[0] if row.Customer.tax_id else None,
    "Billing Address Line 1": _address("line1"),
    "Billing Address Line 2": _address("line2"),
    "Billing Address City": _address("city"),
    "Billing Address State": _address("state"),
    "Billing Address Zip": _address("postal_code"),
    "Billing Address Country": _address("country"),
    "Metadata": lambda row: json.dumps(row.Customer.user_metadata),
}


async def export(sessions: Sessions, principal: Principal, organization_id: Sequence[UUID] | None) -> CSVResponse:
    """Streams the caller's customers, the latest first."""
    statement = select(Customer).where(owned_by(principal, Customer), Customer.deleted_at.is_(None))
    if organization_id is not None:
        statement = statement.where(Customer.organization_id.in_(organization_id))
    return csv_response(sessions, statement, Customer, COLUMNS, owner=principal.owner, filename="customers.csv")
