"""Announce in the transaction that makes it true: events are rows first, and a relay publishes them.

`record` notes an event on the caller's session. When the edge commits, `flush` numbers the events per subject and
writes them, two statements whatever their number. The row of a subject's number is locked until the commit, so
numbers have no gaps and follow the order of the commits. Published events stay: they are the service's history.
"""

from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from contracts.event import NIL, Event, EventClass
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from servicekit import clock, ids, telemetry
from servicekit.clock import Standing
from servicekit.locks import one_at_a_time

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


def taken_back(session: AsyncSession) -> list[Event[Any]]:
    """What was recorded so far and is to be published no more: for a transaction that is to be rolled back."""
    taken: list[Event[Any]] = session.info.pop("events", [])
    return taken


Say = Callable[[AsyncSession, Mapping[UUID, datetime]], Awaitable[Mapping[UUID, Event[Any]]]]
"""Builds what is said last about some resources, each with the instant at which it became true; none for some."""
_following: dict[EventClass, list[tuple[Say, Callable[[Any], UUID]]]] = defaultdict(list)


@dataclass(frozen=True)
class _Wish:
    """Where the work stood that `at_end` was called from."""

    at: datetime
    standing: Standing | None
    correlation_id: UUID | None


def at_end(session: AsyncSession, say: Say, about: UUID, *, correlation_id: UUID | None = None) -> None:
    """Has `say` build an event about a resource at the end of the caller's transaction: one, however often it is asked.

    For what sums up a resource: whatever changes it in one transaction is told once, after all else. `correlation_id`
    defaults to that of the work in hand.
    """
    wishes: dict[Say, dict[UUID, _Wish]] = session.info.setdefault("at_end", {})
    wishes.setdefault(say, {})[about] = _Wish(clock.now(), clock.standing(), correlation_id or correlation.get())


def follow(*contracts: EventClass, about: Callable[[Any], UUID]) -> Callable[[Say], Say]:
    """Registers what is said `at_end` of every transaction that records one of some events, about `about(event)`."""

    def register(say: Say) -> Say:
        for contract in contracts:
            _following[contract].append((say, about))
        return say

    return register


async def _close(session: AsyncSession) -> None:
    """Records what is said last."""
    for event in session.info.get("events", ()):
        for say, about in _following.get(type(event), ()):
            standing = Standing(event.organization_id, event.clock_time) if event.clock_time else None
            wish = _Wish(event.time, standing, event.correlation_id)
            session.info.setdefault("at_end", {}).setdefault(say, {})[about(event)] = wish
    wishes: dict[Say, dict[UUID, _Wish]] = session.info.pop("at_end", {})
    if not wishes:
        return
    await session.flush()
    # Of two transactions about one resource the later says what both have changed. These locks are the last that a
    # transaction takes before the numbers' own.
    await one_at_a_time(session, *(f"{say.__qualname__} {about}" for say, known in wishes.items() for about in known))
    for say, known in wishes.items():
        said = await say(session, {subject: wish.at for subject, wish in known.items()})
        for subject, event in said.items():
            with clock.standing_at(known[subject].standing):
                record(session, event, correlation_id=known[subject].correlation_id)


async def flush(session: AsyncSession) -> int:
    """Writes the recorded events, numbered, right before the commit. Returns how many."""
    await _close(session)
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
