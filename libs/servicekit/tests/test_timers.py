"""Timers: what a look finds is what a claim would, at the moment of the look."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

from contracts import identity
from contracts.test_clocks import ClockMoved
from servicekit import clock, ids
from servicekit.clock import Standing
from servicekit.clocks import Clocks
from servicekit.database import Database, Sessions, wake
from servicekit.testing import eventually
from servicekit.timers import Timer, due, look, waiting
from sqlalchemy import text

_NOTE = text("""
    insert into notes (id, organization_id, created_at, text, size, metadata)
    values (:id, :organization, :at, :text, 1, '{}')
""")


async def write(database: Database, notes: Any, organization_id: UUID, after: timedelta, said: str = "due") -> None:
    values = {"id": ids.uuid7(), "organization": organization_id, "at": clock.now() + after, "text": said}
    async with database.transaction() as session:
        await session.execute(_NOTE, values)


async def test_a_look_finds_what_is_due_when_it_looks(database: Database, notes: Any) -> None:
    own, followed = ids.uuid7(), ids.uuid7()
    is_any = waiting(
        notes.created_at, lambda: (due(notes.created_at, notes.organization_id), notes.text.in_(("due", "over")))
    )
    await write(database, notes, own, timedelta(minutes=-1), "other")
    await write(database, notes, own, timedelta(minutes=5))
    await write(database, notes, followed, timedelta(minutes=-1))
    moved = ClockMoved(clock_id=ids.uuid7(), instant=clock.now(), round=1, seen=[], is_deleted=False)
    event = identity.TestClockAdvancedV1(subject=moved.clock_id, organization_id=followed, time=clock.now(), data=moved)
    async with database.transaction() as session:
        await Clocks("sample", identity.IdentityClockReportedV1).hear(event, session)
    assert not await is_any(database), "what is due by a test clock is that clock's"
    clock.move(timedelta(minutes=6))
    assert await is_any(database)


async def test_a_timer_that_looks_works_when_there_is_work_and_not_else(database: Database, notes: Any) -> None:
    runs: list[int] = []

    async def work(sessions: Sessions) -> int:
        async with sessions() as session:
            done = await session.execute(text("delete from notes where created_at <= :now"), {"now": clock.now()})
            runs.append(done.rowcount)  # type: ignore[attr-defined]
        return runs[-1]

    is_any = look("select 1 from notes where created_at <= $1 order by created_at limit 1")
    timer = Timer("clear", work, every=timedelta(minutes=1), on_wake=True, ready=is_any)
    stop = asyncio.Event()
    task = asyncio.create_task(timer.run(database, stop))
    try:
        await asyncio.sleep(0.1)
        assert runs == []
        await write(database, notes, ids.uuid7(), timedelta(seconds=-1))
        async with database.transaction() as session:
            wake(session)
        await eventually(lambda: _copied(runs), until=lambda found: found == [1])
    finally:
        stop.set()
        await task


async def _copied(runs: list[int]) -> list[int]:
    return list(runs)


async def test_work_that_stood_at_a_test_clock_leaves_the_next_at_the_machine_s(database: Database) -> None:
    """A claim may take the clock of its row's organization; the next row is of another."""
    stood: list[Standing | None] = []

    async def work(sessions: Sessions) -> int:
        stood.append(clock.standing())
        clock.stand(Standing(ids.uuid7(), clock.now() + timedelta(days=365)))
        return 1 if len(stood) < 3 else 0

    stop = asyncio.Event()
    task = asyncio.create_task(Timer("stand", work, every=timedelta(minutes=1)).run(database, stop))
    try:
        await eventually(lambda: _copied(stood), until=lambda found: len(found) == 3)
    finally:
        stop.set()
        await task
    assert stood == [None, None, None]
