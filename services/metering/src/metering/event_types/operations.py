"""Counting names of events, and labelling them."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from uuid import UUID

from servicekit import clock, ids
from servicekit.auth import Principal, owned_by
from servicekit.errors import ResourceNotFound
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from metering.event_types.models import EventType
from metering.event_types.schemas import EventTypeUpdate

_TALLY = text("""
    with sent as (
        select * from unnest(
            cast(:ids as uuid[]), cast(:organization_id as uuid[]), cast(:name as text[]),
            cast(:occurrences as bigint[]), cast(:first_seen as timestamptz[]), cast(:last_seen as timestamptz[])
        ) as t(id, organization_id, name, occurrences, first_seen, last_seen)
    )
    , types as (
        insert into event_types (id, organization_id, created_at, name, label)
        select id, organization_id, :now, name, name from sent
        on conflict do nothing
    )
    insert into event_tallies (organization_id, name, occurrences, first_seen, last_seen)
    select organization_id, name, occurrences, first_seen, last_seen from sent
""")


@dataclass(frozen=True)
class Tally:
    """How many events of one name an organization's batch brought, and between when."""

    organization_id: UUID
    name: str
    occurrences: int
    first_seen: datetime
    last_seen: datetime


async def tally(session: AsyncSession, tallies: Sequence[Tally]) -> None:
    """Adds what a batch brought; a name that is new gets its type."""
    if not tallies:
        return
    # In one order everywhere: no deadlock.
    rows = sorted(tallies, key=lambda tally: (tally.organization_id, tally.name))
    given = {
        "ids": ids.uuid7s(len(rows)),
        "now": clock.now(),
        **{column.name: [getattr(tally, column.name) for tally in rows] for column in fields(Tally)},
    }
    await session.execute(_TALLY, given)


async def update(session: AsyncSession, principal: Principal, id: UUID, changes: EventTypeUpdate) -> EventType:
    """Labels a type. Raises `ResourceNotFound`."""
    statement = select(EventType).where(owned_by(principal, EventType), EventType.id == id).with_for_update()
    found = (await session.execute(statement)).scalar_one_or_none()
    if found is None:
        raise ResourceNotFound()
    found.label = changes.label
    if "label_property_selector" in changes.model_fields_set:
        found.label_property_selector = changes.label_property_selector
    found.modified_at = clock.now()
    return found
