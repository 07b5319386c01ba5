"""Test clocks, as a service follows them: where each stands, work done at that instant, and reports to identity.

A clock stands still until identity moves it (`test_clock.advanced`), each time to the next instant at which any service
has something due. At every instant the keeper runs the service's timers for that organization alone until they find
nothing, and answers identity's rounds. Why a quiet round is the end: docs/decisions/0011-test-clocks.md.
"""

import asyncio
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast
from uuid import NAMESPACE_URL, UUID, uuid5

import structlog
from contracts.event import Event, EventClass
from contracts.identity import TestClockAdvancedV1
from contracts.test_clocks import ClockMoved, ClockReport, Seen
from sqlalchemy import DateTime, and_, func, select, text, type_coerce, union_all
from sqlalchemy.ext.asyncio import AsyncSession

from servicekit import clock, outbox
from servicekit.clock import Standing
from servicekit.consumers import Consumers
from servicekit.database import Database, is_transient, wake
from servicekit.timers import CLOCKS, Timer, Waiting, first_of, look, noting

log = structlog.get_logger()

LOOKED_BACK = 10_000
"""Of the service's events before a clock was made, those among which its organization's are looked for."""
AT_ONCE = 4
"""Clocks that a worker tends at the same time."""
EVERY_SECONDS = 1.0
"""How often a worker looks after clocks that wait for no answer, at first: each look runs every timer."""
QUIET_SHARE = 0.1
QUIET_EVERY_SECONDS = 60.0
"""A clock of whose organization nothing was asked or recorded is looked after again when it has been left alone for
this share of the time for which it was quiet, but at least this often. Forgotten clocks cost next to nothing so."""
RUNS = 100_000
"""Of one timer at one instant; more is work that never ends."""
NAMED = 5

_HEAR = text("""
    insert into clocks as present
        (organization_id, clock_id, instant, round, answered, seen, recorded_after, recorded_until, is_deleted)
    select :organization, :clock, :instant, :round, 0, cast(:seen as jsonb), last.id - :back, last.id - :back, :deleted
    from (select coalesce(max(id), 0) as id from outbox) last
    on conflict (organization_id) do update set
        clock_id = excluded.clock_id, instant = excluded.instant, round = excluded.round, seen = excluded.seen,
        is_deleted = excluded.is_deleted,
        answered = case when present.clock_id = excluded.clock_id then present.answered else 0 end,
        recorded_after = case
            when present.clock_id <> excluded.clock_id then excluded.recorded_after
            when present.instant <> excluded.instant then present.recorded_until
            else present.recorded_after end,
        recorded_until = case
            when present.clock_id <> excluded.clock_id then excluded.recorded_until else present.recorded_until end
    where excluded.clock_id > present.clock_id
       or (excluded.clock_id = present.clock_id and excluded.round > present.round)
""")
_LIVE = text("""
    select organization_id, round > answered as asked, exists (
        select from outbox where id > cast(:after as bigint) and outbox.organization_id = clocks.organization_id
    ) as stirred, (select max(id) from outbox) as last
    from clocks where not is_deleted
""")
_is_any_followed = look("select 1 from clocks where not is_deleted limit 1")
_LOCK = text("""
    select pg_try_advisory_xact_lock(hashtextextended('clock of ' || cast(cast(:organization as uuid) as text), 0))
""")
_CLOCK = text("""
    select clock_id, instant, round, answered, seen, recorded_after from clocks
    where organization_id = :organization and not is_deleted
""")
_INSTANT = "select instant from clocks where organization_id = $1 and not is_deleted"
_HANDLED = text("""
    select event_id, queue from inbox where event_id = any(cast(:ids as uuid[]))
    except
    select cast(convert_from(payload, 'UTF8')::jsonb ->> 'id' as uuid), queue from retries
""")
_RECORDED = text("""
    select id, event_id, source, routing_key from outbox
    where id > :after and organization_id = :organization
      and routing_key not like 'test_clock.%' and routing_key not like '%.clock_reported.%'
""")
_ANSWERED = text("""
    update clocks set answered = :round, recorded_until = greatest(recorded_until, :until)
    where organization_id = :organization and clock_id = :clock and round = :round
""")


async def standing_of(database: Database, organization_id: UUID) -> Standing | None:
    """The organization's test clock, if it has one. One indexed query."""
    row = await database.fetchrow(_INSTANT, organization_id)
    return None if row is None else Standing(organization_id, row["instant"])


def instant_at(organization_id: Any) -> Any:
    """A column `instant` for a statement that reads a resource anyway: where its organization's test clock stands.

    For routes and call-backs that no token comes with; `stand` takes what it brought.
    """
    where = and_(CLOCKS.c.organization_id == organization_id, ~CLOCKS.c.is_deleted)
    instant = type_coerce(CLOCKS.c.instant, DateTime(timezone=True))
    return select(instant).where(where).scalar_subquery().label("instant")


def stand(organization_id: UUID, instant: datetime | None) -> None:
    """Lets the rest of a request or task stand at the organization's test clock; None: it has none."""
    if instant is not None:
        clock.stand(Standing(organization_id, instant))


class Clocks:
    """The test clocks of one service. `flow` hears where they stand; `reported` is the service's answer to a round."""

    def __init__(self, service: str, reported: EventClass) -> None:
        self._service = service
        self._reported = reported
        self.flow = Consumers(f"{service}.test_clocks", in_order=True)
        self.flow.on(TestClockAdvancedV1)(self.hear)

    async def hear(self, event: Event[ClockMoved], session: AsyncSession) -> None:
        """Notes where a clock stands and what is asked, unless something later was heard of it."""
        moved = event.data
        values = {
            "organization": event.organization_id,
            "clock": moved.clock_id,
            "instant": moved.instant,
            "round": moved.round,
            "seen": json.dumps([seen.model_dump(mode="json") for seen in moved.seen]),
            "back": LOOKED_BACK,
            "deleted": moved.is_deleted,
        }
        await session.execute(_HEAR, values)
        wake(session)

    async def keep(
        self, database: Database, flows: Sequence[Consumers], timers: Sequence[Timer], stop: asyncio.Event
    ) -> None:
        """Tends every clock until `stop`: at once when a round waits for an answer, else now and then."""
        woken = database.wakeup.listen("events", "work")
        loop = asyncio.get_running_loop()
        # The last event that was looked at; before the first look, and after a time without clocks, there is none.
        after: int | None = None
        stirred_at: dict[UUID, float] = {}
        tended_at: dict[UUID, float] = {}
        while not stop.is_set():
            woken.clear()
            live: Sequence[Any] = []
            try:
                if after is not None or await _is_any_followed(database):
                    async with database.engine.connect() as connection:
                        live = (await connection.execute(_LIVE, {"after": after})).all()
                now = loop.time()
                chosen = []
                after = (live[0].last or 0) if live else None
                for row in live:
                    if row.asked or row.stirred:
                        stirred_at[row.organization_id] = now
                    quiet = now - stirred_at.setdefault(row.organization_id, now)
                    pause = min(max(EVERY_SECONDS, QUIET_SHARE * quiet), QUIET_EVERY_SECONDS)
                    if row.asked or now - tended_at.get(row.organization_id, 0.0) >= pause:
                        tended_at[row.organization_id] = now
                        chosen.append(row.organization_id)
                for start in range(0, len(chosen), AT_ONCE):
                    share = chosen[start : start + AT_ONCE]
                    await asyncio.gather(*(self._tended(database, flows, timers, one) for one in share))
            except Exception as error:
                log.warning("clocks.postponed", reason=repr(error)[:300], exc_info=not is_transient(error))
            # Without any clock, what is committed is of no interest.
            await first_of(*([woken] if live else []), stop, seconds=EVERY_SECONDS)

    async def _tended(
        self, database: Database, flows: Sequence[Consumers], timers: Sequence[Timer], organization_id: UUID
    ) -> None:
        try:
            await self.tend(database, flows, timers, organization_id)
        except Exception as error:
            log.error("clock.failed", organization_id=str(organization_id), exc_info=error)

    async def tend(
        self, database: Database, flows: Sequence[Consumers], timers: Sequence[Timer], organization_id: UUID
    ) -> bool:
        """Does what is due at the clock's instant, then answers the round. Returns whether it answered.

        One worker at a time tends a clock. What was handled is looked up before the timers run, and what was recorded
        after them: so nothing that is said to be handled can have left work behind that is not done.
        """
        async with database.engine.begin() as guard:
            if not (await guard.execute(_LOCK, {"organization": organization_id})).scalar():
                return False
            row = (await guard.execute(_CLOCK, {"organization": organization_id})).first()
            if row is None:
                return False
            unhandled: list[str] = []
            if row.round > row.answered:
                async with database.transaction() as session:
                    unhandled = await self._unhandled(session, flows, row.seen)
            waiting: Waiting = {}
            with clock.standing_at(Standing(organization_id, row.instant)):
                for timer in timers:
                    if timer.follows_clocks:
                        await _run_out(timer, database, waiting)
            if row.round <= row.answered:
                return False
            async with database.transaction() as session:
                await self._answer(session, organization_id, row, unhandled, waiting)
            return True

    async def _unhandled(self, session: AsyncSession, flows: Sequence[Consumers], seen: list[Any]) -> list[str]:
        mine = [
            (UUID(event["id"]), flow.queue, event["key"])
            for event in seen
            for flow in flows
            if event["key"] in flow.handlers
        ]
        if not mine:
            return []
        rows = await session.execute(_HANDLED, {"ids": list({id for id, _, _ in mine})})
        handled = {(row.event_id, row.queue) for row in rows}
        return [f"{key} in {queue}" for id, queue, key in mine if (id, queue) not in handled][:NAMED]

    async def _answer(
        self, session: AsyncSession, organization_id: UUID, row: Any, unhandled: list[str], waiting: Waiting
    ) -> None:
        next_due_at = await _next_due(session, Standing(organization_id, row.instant), waiting)
        found = {"after": row.recorded_after, "organization": organization_id}
        recorded = (await session.execute(_RECORDED, found)).all()
        until = max((event.id for event in recorded), default=row.recorded_after)
        answered = {"organization": organization_id, "clock": row.clock_id, "round": row.round, "until": until}
        await session.execute(_ANSWERED, answered)
        report = ClockReport(
            clock_id=row.clock_id,
            round=row.round,
            instant=row.instant,
            recorded=[Seen(source=event.source, id=event.event_id, key=event.routing_key) for event in recorded],
            unhandled=unhandled,
            next_due_at=next_due_at,
        )
        subject = uuid5(NAMESPACE_URL, f"/{self._service}/clocks/{row.clock_id}")
        event = self._reported(subject=subject, organization_id=organization_id, time=clock.wall(), data=report)
        outbox.record(session, event)


async def _run_out(timer: Timer, database: Database, waiting: Waiting) -> None:
    """Runs a timer until nothing is due. Raises `RuntimeError` when it claims past `due`, or never ends."""
    with noting() as looked_at:
        for _ in range(RUNS):
            if not await timer.work(database.transaction):
                break
        else:
            raise RuntimeError(f"{timer.name} is never done")
    if not looked_at:
        raise RuntimeError(f"{timer.name} follows test clocks but does not claim through timers.due")
    waiting.update(looked_at)


async def _next_due(session: AsyncSession, standing: Standing, waiting: Waiting) -> datetime | None:
    """The first instant behind the present one at which work waits, whether or not it will then be there to do."""
    if not waiting:
        return None
    firsts = [
        select(func.min(due_at).label("due_at")).where(
            organization_id == standing.organization_id, due_at > standing.instant
        )
        for due_at, organization_id in waiting.values()
    ]
    following = union_all(*firsts).subquery()
    return cast("datetime | None", (await session.execute(select(func.min(following.c.due_at)))).scalar_one())
