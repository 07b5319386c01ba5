"""Announce in the transaction that makes it true: events are rows first, and a relay publishes them.

`record` notes an event on the caller's session. When the edge commits, `flush` numbers the events per subject and
writes them, two statements whatever their number. The row of a subject's number is locked until the commit, so
numbers have no gaps and follow the order of the commits. Published events stay: they are the service's history.
"""

from collections import Counter
from contextvars import ContextVar
from typing import Any
from uuid import UUID

from contracts.event import NIL, Event
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from servicekit import clock, ids, telemetry

correlation: ContextVar[UUID | None] = ContextVar("correlation", default=None)
"""The purchase (or other wish) that the present work belongs to; handed on by every event it records."""
causation: ContextVar[UUID | None] = ContextVar("causation", default=None)
"""The event that is being handled."""

_NUMBER = text("""
    insert into outbox_sequences as present (subject, value, changed_at)
    select subject, count, :now
    from unnest(cast(:subjects as uuid[]), cast(:counts as bigint[])) as wanted (subject, count)
    order by subject
    on conflict (subject) do update set value = present.value + excluded.value, changed_at = excluded.changed_at
    returning subject, value
""")
_WRITE = text("""
    insert into outbox (event_id, routing_key, source, subject, sequence, organization_id, payload, created_at)
    select event_id, routing_key, source, subject, sequence, organization_id, payload, :now
    from unnest(
        cast(:ids as uuid[]), cast(:keys as text[]), cast(:sources as text[]), cast(:subjects as uuid[]),
        cast(:sequences as bigint[]), cast(:organizations as uuid[]), cast(:payloads as bytea[])
    ) with ordinality as e (event_id, routing_key, source, subject, sequence, organization_id, payload, position)
    order by position
""")


def record(session: AsyncSession, *events: Event[Any], correlation_id: UUID | None = None) -> None:
    """Records events in the caller's transaction. `correlation_id` defaults to that of the work in hand."""
    recorded: list[Event[Any]] = session.info.setdefault("events", [])
    for event in events:
        event.id = ids.uuid7()
        event.correlation_id = correlation_id or correlation.get() or event.id
        event.causation_id = causation.get()
        event.traceparent = telemetry.traceparent()
        event.recorded_time = clock.wall()
        event.clock_time = clock.instant_of(event.organization_id)
        recorded.append(event)


async def flush(session: AsyncSession) -> int:
    """Writes the recorded events, numbered, right before the commit. Returns how many."""
    recorded: list[Event[Any]] = session.info.pop("events", [])
    if not recorded:
        return 0
    await session.flush()
    counts = Counter(event.subject for event in recorded)
    now = clock.wall()
    numbers = await session.execute(_NUMBER, {"subjects": list(counts), "counts": list(counts.values()), "now": now})
    following = {subject: last - counts[subject] for subject, last in numbers}
    for event in recorded:
        following[event.subject] += 1
        event.sequence = following[event.subject]
        assert event.id != NIL
    await session.execute(
        _WRITE,
        {
            "ids": [event.id for event in recorded],
            "keys": [event.routing_key() for event in recorded],
            "sources": [event.source for event in recorded],
            "subjects": [event.subject for event in recorded],
            "sequences": [event.sequence for event in recorded],
            "organizations": [event.organization_id for event in recorded],
            "payloads": [event.to_bytes() for event in recorded],
            "now": now,
        },
    )
    return len(recorded)
