"""Reading names of events with their tallies."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from servicekit.auth import Principal, owned_by
from servicekit.lists import Page, Sorting, fetch_rows, text_matches
from sqlalchemy import Row, Select, func, literal, select
from sqlalchemy.ext.asyncio import AsyncSession

from metering.event_types.models import EventTally, EventType
from metering.events.models import Event
from metering.events.queries import of_customers

NAME_COLUMNS = ("name", "occurrences", "first_seen", "last_seen")
TYPE_COLUMNS = (*NAME_COLUMNS, "label")


@dataclass(frozen=True)
class TypeFilter:
    """What a list of names is narrowed to; None does not narrow."""

    organization_id: Sequence[UUID] | None = None
    customer_id: Sequence[UUID] | None = None
    external_customer_id: Sequence[str] | None = None
    source: Sequence[str] | None = None
    query: str | None = None
    root_events: bool = False
    parent_id: UUID | None = None

    @property
    def looks_at_events(self) -> bool:
        """Whether the tallies, which know of names alone, do not say."""
        return bool(self.customer_id or self.external_customer_id or self.root_events or self.parent_id)


async def list_types(
    session: AsyncSession, principal: Principal, wanted: TypeFilter, page: Page, sorting: Sorting
) -> tuple[list[Row[Any]], int]:
    """A page of the caller's names, with what the tallies say of them, or (where they cannot) the events."""
    seen = (_of_events(principal, wanted) if wanted.looks_at_events else _of_tallies(principal)).subquery()
    statement = (
        select(
            EventType.id,
            EventType.created_at,
            EventType.modified_at,
            EventType.name,
            EventType.label,
            EventType.label_property_selector,
            EventType.organization_id,
            literal("user").label("source"),
            seen.c.occurrences,
            seen.c.first_seen,
            seen.c.last_seen,
        )
        .join(seen, (seen.c.organization_id == EventType.organization_id) & (seen.c.name == EventType.name))
        .where(owned_by(principal, EventType))
    )
    if wanted.organization_id is not None:
        statement = statement.where(EventType.organization_id.in_(wanted.organization_id))
    if wanted.source is not None and "user" not in wanted.source:
        statement = statement.where(literal(False))
    if wanted.query:
        statement = statement.where(text_matches(wanted.query, EventType.name, EventType.label))
    columns = {name: getattr(EventType, name, None) for name in ("name", "label")}
    columns |= {name: seen.c[name] for name in ("occurrences", "first_seen", "last_seen")}
    return await fetch_rows(session, statement, page, sorting.clauses(columns, EventType.id))


def _of_tallies(principal: Principal) -> Select[*tuple[Any, ...]]:
    return (
        select(
            EventTally.organization_id,
            EventTally.name,
            func.sum(EventTally.occurrences).label("occurrences"),
            func.min(EventTally.first_seen).label("first_seen"),
            func.max(EventTally.last_seen).label("last_seen"),
        )
        .where(owned_by(principal, EventTally))
        .group_by(EventTally.organization_id, EventTally.name)
    )


def _of_events(principal: Principal, wanted: TypeFilter) -> Select[*tuple[Any, ...]]:
    statement = select(
        Event.organization_id,
        Event.name,
        func.count().label("occurrences"),
        func.min(Event.timestamp).label("first_seen"),
        func.max(Event.timestamp).label("last_seen"),
    ).where(owned_by(principal, Event), *of_customers(principal, wanted.customer_id, wanted.external_customer_id))
    if wanted.parent_id is not None:
        statement = statement.where(Event.parent_id == wanted.parent_id)
    elif wanted.root_events:
        statement = statement.where(Event.parent_id.is_(None))
    return statement.group_by(Event.organization_id, Event.name)
