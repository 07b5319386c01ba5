"""Finding orders."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from contracts import billing as contracts
from servicekit.auth import Principal, owned_by
from servicekit.lists import MetadataFilter, Page, Sorting, fetch_rows, metadata_matches, text_matches
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.customers.models import Customer
from billing.orders import events
from billing.orders.models import Order
from billing.subscriptions.models import Subscription

COLUMNS: dict[str, Any] = {
    "created_at": Order.created_at,
    "status": Order.status,
    "invoice_number": Order.invoice_number,
    "amount": Order.total_amount,
    "net_amount": Order.net_amount,
    "customer": Customer.email,
    "product": Order.product_data["name"].astext,
    "discount": Order.discount_data["name"].astext,
    "subscription": Order.subscription_id,
}


@dataclass(frozen=True)
class OrderFilter:
    """What a list of orders is narrowed to."""

    organization_id: Sequence[UUID] | None = None
    product_id: Sequence[UUID] | None = None
    customer_id: Sequence[UUID] | None = None
    external_customer_id: Sequence[str] | None = None
    discount_id: Sequence[UUID] | None = None
    checkout_id: Sequence[UUID] | None = None
    subscription_id: Sequence[UUID] | None = None
    status: Sequence[str] | None = None
    product_billing_type: Sequence[str] | None = None
    metadata: MetadataFilter = field(default_factory=dict)
    query: str | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None


async def list_orders(
    session: AsyncSession, principal: Principal, wanted: OrderFilter, page: Page, sorting: Sorting
) -> tuple[list[contracts.Order], int]:
    """A page of the caller's orders."""
    statement = select(Order).where(owned_by(principal, Order))
    for name in (
        "organization_id", "product_id", "customer_id", "discount_id", "checkout_id", "subscription_id", "status",
    ):  # fmt: skip
        values = getattr(wanted, name)
        if values is not None:
            statement = statement.where(getattr(Order, name).in_(values))
    if wanted.created_after is not None:
        statement = statement.where(Order.created_at >= wanted.created_after)
    if wanted.created_before is not None:
        statement = statement.where(Order.created_at <= wanted.created_before)
    if wanted.external_customer_id is not None:
        named = select(Customer.id).where(
            owned_by(principal, Customer), Customer.external_id.in_(wanted.external_customer_id)
        )
        statement = statement.where(Order.customer_id.in_(named))
    if wanted.product_billing_type is not None:
        recurring = ["true" if kind == "recurring" else "false" for kind in wanted.product_billing_type]
        statement = statement.where(Order.product_data["is_recurring"].astext.in_(recurring))
    if wanted.query:
        statement = statement.where(text_matches(wanted.query, Order.product_data["name"].astext))
    statement = statement.where(*metadata_matches(Order.user_metadata, wanted.metadata))
    shown = statement.add_columns(Customer, Subscription).select_from(Order)
    shown = shown.join(Customer, Customer.id == Order.customer_id)
    shown = shown.outerjoin(Subscription, Subscription.id == Order.subscription_id)
    ordered = sorting.clauses(COLUMNS, Order.id)
    rows, total = await fetch_rows(session, shown, page, ordered, counted=statement)
    return [events.shape(row.Order, row.Customer, row.Subscription) for row in rows], total


async def find(session: AsyncSession, principal: Principal, id: UUID, *, lock: bool = False) -> Order | None:
    """An order of the caller."""
    statement = select(Order).where(owned_by(principal, Order), Order.id == id)
    if lock:
        statement = statement.with_for_update()
    return (await session.execute(statement)).scalar_one_or_none()


async def shapes(session: AsyncSession, orders: Sequence[Order]) -> list[contracts.Order]:
    """The public shapes, with their customers and subscriptions."""
    wanted = {order.customer_id for order in orders}
    customers = {row.id: row for row in (await session.execute(_of(Customer, wanted))).scalars()}
    wanted = {order.subscription_id for order in orders if order.subscription_id}
    subscriptions = {row.id: row for row in (await session.execute(_of(Subscription, wanted))).scalars()}
    return [
        events.shape(
            order, customers[order.customer_id], subscriptions.get(order.subscription_id or order.id)
        )
        for order in orders
    ]  # fmt: skip


def _of(model: Any, wanted: set[UUID]) -> Any:
    return select(model).where(model.id.in_(wanted))
