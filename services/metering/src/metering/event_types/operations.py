"""Counting names of events, and labelling them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from servicekit import clock, ids
from servicekit.auth import Principal, owned_by
from servicekit.errors import ResourceNotFound
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from metering.event_types.models import EventTally, EventType
from metering.event_types.schemas import EventTypeUpdate


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
    now = clock.now()
    types = [
        {"id": ids.uuid7(), "organization_id": owner, "created_at": now, "name": name, "label": name}
        # In one order everywhere: no deadlock.
        for owner, name in sorted((tally.organization_id, tally.name) for tally in tallies)
    ]
    await session.execute(insert(EventType).values(types).on_conflict_do_nothing())
    await session.execute(insert(EventTally).values([vars(tally) for tally in tallies]))


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
