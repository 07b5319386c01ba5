"""Subscriptions as CSV: amounts as people write them, in the columns that were asked for."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pricing.currencies import major_units
from servicekit.auth import Principal, owned_by
from servicekit.database import Sessions
from servicekit.exports import CSVResponse, csv_response
from sqlalchemy import select

from billing.customers.models import Customer
from billing.subscriptions.models import Subscription

SubscriptionExportColumn = Literal[
    "email", "started_at", "product", "amount", "currency", "status", "recurring_interval", "customer_name",
    "billing_name", "billing_country", "net_amount", "discount", "seats", "current_period_start",
    "current_period_end", "cancel_at_period_end", "canceled_at", "ends_at", "ended_at", "cancellation_reason",
    "trial_start", "trial_end",
]  # fmt: skip
DEFAULT: Sequence[SubscriptionExportColumn] = (
    "email", "started_at", "product", "amount", "currency", "status", "recurring_interval",
)  # fmt: skip


def _own(name: str) -> Callable[[Any], Any]:
    return lambda row: getattr(row.Subscription, name)


COLUMNS: Mapping[str, tuple[str, Callable[[Any], Any]]] = {
    "email": ("Email", lambda row: row.Customer.email),
    "started_at": ("Started At", _own("started_at")),
    "product": ("Product", lambda row: row.Subscription.product_data["name"]),
    "amount": ("Amount", lambda row: major_units(row.Subscription.amount, row.Subscription.currency)),
    "currency": ("Currency", _own("currency")),
    "status": ("Status", _own("status")),
    "recurring_interval": ("Recurring Interval", _own("recurring_interval")),
    "customer_name": ("Customer Name", lambda row: row.Customer.name),
    "billing_name": ("Billing Name", lambda row: row.Customer.billing_name),
    "billing_country": ("Billing Country", lambda row: (row.Customer.billing_address or {}).get("country")),
    "net_amount": ("Net Amount", lambda row: major_units(row.Subscription.net_amount, row.Subscription.currency)),
    "discount": ("Discount", lambda row: (row.Subscription.discount_data or {}).get("name")),
    "seats": ("Seats", _own("seats")),
    "current_period_start": ("Current Period Start", _own("current_period_start")),
    "current_period_end": ("Current Period End", _own("current_period_end")),
    "cancel_at_period_end": ("Cancel At Period End", _own("cancel_at_period_end")),
    "canceled_at": ("Canceled At", _own("canceled_at")),
    "ends_at": ("Ends At", _own("ends_at")),
    "ended_at": ("Ended At", _own("ended_at")),
    "cancellation_reason": ("Cancellation Reason", _own("customer_cancellation_reason")),
    "trial_start": ("Trial Start", _own("trial_start")),
    "trial_end": ("Trial End", _own("trial_end")),
}


async def export(
    sessions: Sessions,
    principal: Principal,
    *,
    organization_id: Sequence[UUID] | None,
    product_id: Sequence[UUID] | None,
    status: Sequence[str] | None,
    cancel_at_period_end: bool | None,
    started_after: datetime | None,
    started_before: datetime | None,
    zone: str,
    columns: Sequence[SubscriptionExportColumn] | None,
) -> CSVResponse:
    """Streams the caller's subscriptions, the latest first."""
    statement = select(Subscription, Customer).join(Customer, Customer.id == Subscription.customer_id)
    statement = statement.where(owned_by(principal, Subscription))
    for column, values in (
        (Subscription.organization_id, organization_id),
        (Subscription.product_id, product_id),
        (Subscription.status, status),
    ):
        if values is not None:
            statement = statement.where(column.in_(values))
    if cancel_at_period_end is not None:
        statement = statement.where(Subscription.cancel_at_period_end.is_(cancel_at_period_end))
    if started_after is not None:
        statement = statement.where(Subscription.started_at > started_after)
    if started_before is not None:
        statement = statement.where(Subscription.started_at < started_before)
    chosen = dict(COLUMNS[name] for name in columns or DEFAULT)
    return csv_response(
        sessions, statement, Subscription, chosen, owner=principal.owner, filename="subscriptions.csv", zone=zone
    )
