"""Reading usage events."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from servicekit.auth import Principal, owned_by
from servicekit.lists import MetadataFilter, Page, Sorting, fetch_page, metadata_matches, text_matches
from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from metering.customers import queries as customers
from metering.customers.models import Customer
from metering.event_types.models import EventType
from metering.events.models import Event
from metering.events.schemas import EventRead

COLUMNS: dict[str, Any] = {"timestamp": Event.timestamp}


@dataclass(frozen=True)
class EventFilter:
    """What a list of events is narrowed to; None does not narrow."""

    organization_id: Sequence[UUID] | None = None
    customer_id: Sequence[UUID] | None = None
    external_customer_id: Sequence[str] | None = None
    name: Sequence[str] | None = None
    source: Sequence[str] | None = None
    start_timestamp: datetime | None = None
    end_timestamp: datetime | None = None
    parent_id: UUID | None = None
    query: str | None = None
    matching: ColumnElement[bool] | None = None
    """What a meter's filter asks of an event."""
    metadata: MetadataFilter = field(default_factory=dict)


def of_customers(
    principal: Principal, customer_id: Sequence[UUID] | None, external_customer_id: Sequence[str] | None
) -> list[ColumnElement[bool]]:
    """The conditions for the events of customers, whichever of the two ids the events name them by."""
    conditions: list[ColumnElement[bool]] = []
    if customer_id is not None:
        theirs = select(Customer.external_id).where(
            owned_by(principal, Customer), Customer.id.in_(customer_id), Customer.external_id.is_not(None)
        )
        conditions.append(or_(Event.customer_id.in_(customer_id), Event.external_customer_id.in_(theirs)))
    if external_customer_id is not None:
        same = select(Customer.id).where(owned_by(principal, Customer), Customer.external_id.in_(external_customer_id))
        conditions.append(or_(Event.external_customer_id.in_(external_customer_id), Event.customer_id.in_(same)))
    return conditions


async def list_events(
    session: AsyncSession, principal: Principal, wanted: EventFilter, page: Page, sorting: Sorting
) -> tuple[list[EventRead], int]:
    """A page of the caller's events: three statements whatever its size."""
    statement = select(Event).where(owned_by(principal, Event))
    for column, values in (
        (Event.organization_id, wanted.organization_id),
        (Event.name, wanted.name),
        (Event.source, wanted.source),
    ):
        if values is not None:
            statement = statement.where(column.in_(values))
    statement = statement.where(*of_customers(principal, wanted.customer_id, wanted.external_customer_id))
    if wanted.start_timestamp is not None:
        statement = statement.where(Event.timestamp >= wanted.start_timestamp)
    if wanted.end_timestamp is not None:
        statement = statement.where(Event.timestamp < wanted.end_timestamp)
    if wanted.parent_id is not None:
        statement = statement.where(Event.parent_id == wanted.parent_id)
    if wanted.query:
        statement = statement.where(text_matches(wanted.query, Event.name))
    if wanted.matching is not None:
        statement = statement.where(wanted.matching)
    statement = statement.where(*metadata_matches(Event.user_metadata, wanted.metadata))
    found, total = await fetch_page(session, statement, page, sorting.clauses(COLUMNS, Event.id))
    return await shapes(session, found), total


async def find(session: AsyncSession, principal: Principal, id: UUID) -> Event | None:
    """An event of the caller."""
    statement = select(Event).where(owned_by(principal, Event), Event.id == id)
    return (await session.execute(statement)).scalar_one_or_none()


async def shapes(session: AsyncSession, events: Sequence[Event]) -> list[EventRead]:
    """The public shapes, with their customers, labels, and how many events are part of each."""
    if not events:
        return []
    owners = {event.organization_id for event in events}
    by_id, by_external_id = await customers.named(
        session,
        owners,
        [event.customer_id for event in events if event.customer_id],
        [event.external_customer_id for event in events if event.external_customer_id],
    )
    around = (
        select(Event.id, EventType.label, _children().label("child_count"))
        .outerjoin(EventType, and_(EventType.organization_id == Event.organization_id, EventType.name == Event.name))
        .where(Event.id.in_([event.id for event in events]))
    )
    labels = {row.id: row for row in await session.execute(around)}
    shown = []
    for event in events:
        external_id = event.external_customer_id
        customer = by_id.get(event.customer_id) if event.customer_id else None
        if customer is None and external_id is not None:
            customer = by_external_id.get((event.organization_id, external_id))
        shown.append(
            EventRead(
                id=event.id,
                timestamp=event.timestamp,
                organization_id=event.organization_id,
                customer_id=event.customer_id or (UUID(customer["id"]) if customer else None),
                customer=customer,
                external_customer_id=external_id or (customer["external_id"] if customer else None),
                member_id=event.member_id,
                external_member_id=event.external_member_id,
                external_id=event.external_id,
                child_count=labels[event.id].child_count,
                parent_id=event.parent_id,
                label=labels[event.id].label or event.name,
                name=event.name,
                source=event.source,
                metadata=event.user_metadata,
            )
        )
    return shown


def _children() -> Any:
    child = Event.__table__.alias("child")
    return (
        select(func.count()).select_from(child).where(child.c.parent_id == Event.id).correlate(Event).scalar_subquery()
    )
