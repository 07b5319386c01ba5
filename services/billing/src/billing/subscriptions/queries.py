"""Finding subscriptions."""

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
from billing.subscriptions import events
from billing.subscriptions.models import ACTIVE, Subscription

COLUMNS: dict[str, Any] = {
    "started_at": Subscription.started_at,
    "created_at": Subscription.created_at,
    "current_period_end": Subscription.current_period_end,
    "ended_at": Subscription.ended_at,
    "ends_at": Subscription.ends_at,
    "status": Subscription.status,
    "amount": Subscription.amount,
    "customer": Customer.email,
    "product": Subscription.product_data["name"].astext,
    "discount": Subscription.discount_data["name"].astext,
}


@dataclass(frozen=True)
class SubscriptionFilter:
    """What a list of subscriptions is narrowed to."""

    organization_id: Sequence[UUID] | None = None
    product_id: Sequence[UUID] | None = None
    customer_id: Sequence[UUID] | None = None
    external_customer_id: Sequence[str] | None = None
    discount_id: Sequence[UUID] | None = None
    status: Sequence[str] | None = None
    active: bool | None = None
    cancel_at_period_end: bool | None = None
    metadata: MetadataFilter = field(default_factory=dict)
    query: str | None = None
    customer_cancellation_reason: Sequence[str] | None = None
    started_after: datetime | None = None
    started_before: datetime | None = None
    canceled_at_after: datetime | None = None
    canceled_at_before: datetime | None = None


async def list_subscriptions(
    session: AsyncSession, principal: Principal, wanted: SubscriptionFilter, page: Page, sorting: Sorting
) -> tuple[list[contracts.Subscription], int]:
    """A page of the caller's subscriptions."""
    statement = select(Subscription).where(owned_by(principal, Subscription))
    for name in (
        "organization_id", "product_id", "customer_id", "discount_id", "status", "customer_cancellation_reason",
    ):  # fmt: skip
        values = getattr(wanted, name)
        if values is not None:
            statement = statement.where(getattr(Subscription, name).in_(values))
    for column, first, last in (
        (Subscription.started_at, wanted.started_after, wanted.started_before),
        (Subscription.canceled_at, wanted.canceled_at_after, wanted.canceled_at_before),
    ):
        if first is not None:
            statement = statement.where(column >= first)
        if last is not None:
            statement = statement.where(column <= last)
    if wanted.external_customer_id is not None:
        named = select(Customer.id).where(
            owned_by(principal, Customer), Customer.external_id.in_(wanted.external_customer_id)
        )
        statement = statement.where(Subscription.customer_id.in_(named))
    if wanted.active is not None:
        is_active = Subscription.status.in_(ACTIVE)
        statement = statement.where(is_active if wanted.active else ~is_active)
    if wanted.cancel_at_period_end is not None:
        statement = statement.where(Subscription.cancel_at_period_end.is_(wanted.cancel_at_period_end))
    if wanted.query:
        statement = statement.where(text_matches(wanted.query, Subscription.product_data["name"].astext))
    statement = statement.where(*metadata_matches(Subscription.user_metadata, wanted.metadata))
    shown = statement.add_columns(Customer).select_from(Subscription)
    shown = shown.join(Customer, Customer.id == Subscription.customer_id)
    ordered = sorting.clauses(COLUMNS, Subscription.id)
    rows, total = await fetch_rows(session, shown, page, ordered, counted=statement)
    return [events.shape(row.Subscription, row.Customer) for row in rows], total


async def find(session: AsyncSession, principal: Principal, id: UUID, *, lock: bool = False) -> Subscription | None:
    """A subscription of the caller."""
    statement = select(Subscription).where(owned_by(principal, Subscription), Subscription.id == id)
    if lock:
        statement = statement.with_for_update()
    return (await session.execute(statement)).scalar_one_or_none()


async def shapes(session: AsyncSession, subscriptions: Sequence[Subscription]) -> list[contracts.Subscription]:
    """The public shapes, with their customers."""
    wanted = {subscription.customer_id for subscription in subscriptions}
    rows = await session.execute(select(Customer).where(Customer.id.in_(wanted)))
    customers = {customer.id: customer for customer in rows.scalars()}
    return [events.shape(subscription, customers[subscription.customer_id]) for subscription in subscriptions]
