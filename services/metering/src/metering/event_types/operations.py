"""Counting names of events, and labelling them."""

from collections.abc import Mapping
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


@dataclass
class Tally:
    """How many events of one name there were, and between when."""

    occurrences: int = 0
    first_seen: datetime | None = None
    last_seen: datetime | None = None

    def count(self, at: datetime) -> None:
        """One more, at that instant."""
        self.occurrences += 1
        self.first_seen = min(self.first_seen or at, at)
        self.last_seen = max(self.last_seen or at, at)


async def tally(session: AsyncSession, tallies: Mapping[tuple[UUID, str], Tally]) -> None:
    """Adds what a batch brought, by organization and name; a name that is new gets its type."""
    if not tallies:
        return
    now = clock.now()
    types = [
        {"id": ids.uuid7(), "organization_id": owner, "created_at": now, "name": name, "label": name}
        for owner, name in sorted(tallies)  # in one order everywhere: no deadlock
    ]
    await session.execute(insert(EventType).values(types).on_conflict_do_nothing())
    rows = [{"organization_id": owner, "name": name, **vars(found)} for (owner, name), found in tallies.items()]
    await session.execute(insert(EventTally).values(rows))


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
