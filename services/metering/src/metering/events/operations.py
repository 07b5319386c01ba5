"""Taking in usage: one COPY for a batch, or one statement when some of it is known."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from pydantic_core import to_json
from servicekit import clock, ids
from servicekit.auth import Principal
from servicekit.database import awaited
from servicekit.errors import InvalidInput, ResourceNotFound
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from metering.customers import queries as customers
from metering.event_types import operations as event_types
from metering.event_types.operations import Tally
from metering.events import queries
from metering.events.schemas import EventCreate, EventRead, EventsIngestResponse

_INSERT = """
    with sent as (
        select * from unnest(
            $1::uuid[], $2::uuid[], $3::timestamptz[], $4::text[], $5::text[], $6::uuid[], $7::text[], $8::uuid[],
            $9::text[], $10::uuid[], $11::text[]
        ) as e(id, organization_id, "timestamp", name, external_id, customer_id, external_customer_id, member_id,
               external_member_id, parent_id, metadata)
    )
    , kept as (
        insert into events (id, organization_id, "timestamp", ingested_at, name, source, external_id, customer_id,
                            external_customer_id, member_id, external_member_id, parent_id, metadata)
        select id, organization_id, "timestamp", $12, name, 'user', external_id, customer_id, external_customer_id,
               member_id, external_member_id, parent_id, metadata::jsonb
        from sent
        on conflict (organization_id, external_id) where external_id is not null do nothing
        returning organization_id, name, "timestamp"
    )
    select organization_id, name, count(*) as occurrences, min("timestamp") as first_seen,
           max("timestamp") as last_seen
    from kept group by organization_id, name
"""
_PARENTS = text("""
    select organization_id, external_id, id from events
    where organization_id = any(:organizations) and external_id = any(:names)
    union all
    select organization_id, id::text, id from events
    where organization_id = any(:organizations) and id = any(:ids)
""")


_COLUMNS = (
    "id", "organization_id", "timestamp", "name", "external_id", "customer_id", "external_customer_id", "member_id",
    "external_member_id", "parent_id", "metadata", "ingested_at", "source",
)  # fmt: skip


async def ingest(session: AsyncSession, principal: Principal, sent: Sequence[EventCreate]) -> EventsIngestResponse:
    """Keeps what is new of a batch; an event with an `external_id` that is known counts as a duplicate.

    Raises `InvalidInput` naming the first event of another organization, or with a customer or parent that does not
    exist; then nothing is kept.
    """
    if not sent:
        return EventsIngestResponse(inserted=0, duplicates=0)
    owners = [_owner(principal, event, index) for index, event in enumerate(sent)]
    await _ensure_customers(session, owners, sent)
    now = clock.now()
    new_ids = ids.uuid7s(len(sent))
    columns: list[Sequence[Any]] = [
        new_ids,
        owners,
        [event.timestamp or now for event in sent],
        [event.name for event in sent],
        [event.external_id for event in sent],
        [event.customer_id for event in sent],
        [event.external_customer_id for event in sent],
        [event.member_id for event in sent],
        [event.external_member_id for event in sent],
        await _parents(session, owners, sent, new_ids),
        [to_json(event.metadata).decode() for event in sent],
    ]
    tallies = await _copy(session, columns, now) or await _insert(session, columns, now)
    await event_types.tally(session, tallies)
    inserted = sum(tally.occurrences for tally in tallies)
    return EventsIngestResponse(inserted=inserted, duplicates=len(sent) - inserted)


async def _copy(session: AsyncSession, columns: Sequence[Sequence[Any]], now: datetime) -> list[Tally]:
    """Writes a batch by COPY, as quickly as PostgreSQL takes rows. Nothing when an event of it is known already.

    Only a sender who repeats a batch pays twice, and as a rule for its first row.
    """
    try:
        # Also begins the transaction, which the driver alone would not.
        async with session.begin_nested():
            driver = await _driver(session)
            rows = [(*row, now, "user") for row in zip(*columns, strict=True)]
            await driver.copy_records_to_table("events", records=rows, columns=_COLUMNS)
    except asyncpg.UniqueViolationError:
        return []
    seen: dict[tuple[UUID, str], list[datetime]] = defaultdict(list)
    for owner, at, name in zip(*columns[1:4], strict=True):
        seen[owner, name].append(at)
    return [Tally(owner, name, len(at), min(at), max(at)) for (owner, name), at in seen.items()]


async def _insert(session: AsyncSession, columns: Sequence[Sequence[Any]], now: datetime) -> list[Tally]:
    """Writes what is new of a batch."""
    driver = await _driver(session)
    return [Tally(**row) for row in await driver.fetch(_INSERT, *columns, now)]


async def _driver(session: AsyncSession) -> Any:
    return (await (await session.connection()).get_raw_connection()).driver_connection


async def get(session: AsyncSession, principal: Principal, id: UUID) -> EventRead:
    """Raises `ResourceNotFound`."""
    found = await queries.find(session, principal, id)
    if found is None:
        raise ResourceNotFound()
    return (await queries.shapes(session, [found]))[0]


def _owner(principal: Principal, event: EventCreate, index: int) -> UUID:
    try:
        return principal.organization(event.organization_id)
    except InvalidInput as refusal:
        problem = refusal.problems[0]
        loc = ("body", "events", index, "organization_id")
        raise InvalidInput(loc, str(problem["msg"]), str(problem["type"])) from None


async def _ensure_customers(session: AsyncSession, owners: Sequence[UUID], sent: Sequence[EventCreate]) -> None:
    """Waits for customers that were created a moment ago."""
    wanted = {event.customer_id for event in sent if event.customer_id is not None}
    if not wanted:
        return

    async def all_known() -> set[UUID] | None:
        found = await customers.known(session, owners, wanted)
        return found if wanted <= found else None

    found = await awaited(all_known) or await customers.known(session, owners, wanted)
    for index, event in enumerate(sent):
        if event.customer_id is not None and event.customer_id not in found:
            raise InvalidInput(("body", "events", index, "customer_id"), "Customer does not exist")


async def _parents(
    session: AsyncSession, owners: Sequence[UUID], sent: Sequence[EventCreate], new_ids: Sequence[UUID]
) -> list[UUID | None]:
    """The ids of the events that others are part of: known ones, or ones of the same batch."""
    names = {event.parent_id for event in sent if event.parent_id is not None}
    if not names:
        return [None] * len(sent)
    known = {
        (owner, event.external_id): id
        for owner, event, id in zip(owners, sent, new_ids, strict=True)
        if event.external_id is not None
    }
    uuids = [id for name in names if (id := _uuid(name)) is not None]
    given = {"organizations": list(set(owners)), "names": list(names), "ids": uuids}
    for organization_id, name, id in (await session.execute(_PARENTS, given)).all():
        known[organization_id, name] = id
    found: list[UUID | None] = []
    for index, (owner, event) in enumerate(zip(owners, sent, strict=True)):
        parent = known.get((owner, event.parent_id)) if event.parent_id else None
        if event.parent_id is not None and parent is None:
            raise InvalidInput(("body", "events", index, "parent_id"), "Parent event does not exist")
        found.append(parent)
    return found


def _uuid(name: str) -> UUID | None:
    try:
        return UUID(name)
    except ValueError:
        return None
