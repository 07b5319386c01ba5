"""What the worker does for its own database, hour by hour, while others write."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from servicekit import clock, housekeeping, ids, outbox
from servicekit.database import Database
from servicekit.housekeeping import Housekeeping, delete_page
from servicekit.relay import _CLAIM, _LOCK
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

PARTITIONS = text("select relname from pg_class where relname ~ '^outbox_[0-9]{4}_[0-9]{2}$' and relkind = 'r'")
YEAR = timedelta(days=365)
OLD = datetime(2024, 1, 15, tzinfo=UTC)
SUBJECTS = 40
FILL = text("""
    with subjects as (
        select number, gen_random_uuid() as subject from generate_series(1, :subjects) number
    ), numbers as (
        insert into outbox_sequences (subject, value) select subject, case when number % 4 = 0 then 4 else 3 end
        from subjects
    )
    insert into outbox (event_id, routing_key, source, subject, sequence, organization_id, payload, created_at,
                        published_at)
    select gen_random_uuid(), 'organization.created.v1', '/identity', subject, sequence, gen_random_uuid(), '{}',
           case when sequence = 4 then cast(:now as timestamptz) else :old end,
           case when number = 7 and sequence < 3 then null else :old end
    from subjects, generate_series(1, case when number % 4 = 0 then 4 else 3 end) sequence
    order by sequence, number
""")
"""Three events of each subject in the old month; of each fourth subject another one now; two were never published."""
EXPECTED = text("""
    select event_id from outbox o join outbox_sequences s using (subject)
    where o.sequence = s.value or o.published_at is null
""")


async def _run(database: Database, statement: Any, **values: Any) -> list[Any]:
    async with database.transaction() as session:
        result = await session.execute(text(statement) if isinstance(statement, str) else statement, values)
        return list(result.all()) if result.returns_rows else []


async def _drop_partitions(database: Database) -> None:
    for (name,) in await _run(database, PARTITIONS):
        await _run(database, f"drop table {name}")


@pytest.fixture
async def kept(database: Database, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[set[Any]]:
    """An old month, small pages, and the events that must be there when the month is gone."""
    monkeypatch.setattr(housekeeping, "PAGE", 25)
    monkeypatch.setattr(housekeeping, "DETACH_TRIES", 1)
    await _drop_partitions(database)
    months = [OLD, clock.wall(), clock.wall() + timedelta(days=31)]
    await _run(
        database, "select outbox_prepare(month, 0) from unnest(cast(:months as timestamptz[])) month", months=months
    )
    await _run(database, FILL, subjects=SUBJECTS, old=OLD, now=clock.wall())
    yield {row.event_id for row in await _run(database, EXPECTED)}
    await _drop_partitions(database)


async def _events(database: Database) -> list[Any]:
    return [row.event_id for row in await _run(database, "select event_id from outbox")]


async def _is_there(database: Database) -> bool:
    return bool(await _run(database, "select 1 where to_regclass('outbox_2024_01') is not null"))


async def _all(database: Database, keeper: Housekeeping | None = None) -> int:
    """Runs housekeeping until it finds nothing more. Returns in how many steps."""
    keeper = keeper or Housekeeping(YEAR)
    for steps in range(100):
        if not await keeper.work(database.transaction):
            return steps
    raise AssertionError("housekeeping never ends")


async def test_workers_that_start_together_prepare_the_partitions(database: Database) -> None:
    for _ in range(5):
        await _drop_partitions(database)
        workers = [Housekeeping(YEAR) for _ in range(4)]
        assert await asyncio.gather(*(one.work(database.transaction) for one in workers)) == [0] * 4
        assert len(await _run(database, PARTITIONS)) == 2, "this month's, and the next one's"


async def test_what_is_old_is_forgotten_in_pages(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(housekeeping, "PAGE", 2)
    now = clock.wall()
    left = [(0, 8, "no release has taken it"), (0, 6, "a release may"), (1, 8, "its own handler waits")]
    for attempts, days, reason in left:
        await _run(
            database,
            "insert into retries values (:id, 'sample', 'a.b.v1', '', :attempts, :due, :reason)",
            id=ids.uuid7(), attempts=attempts, due=now - timedelta(days=days), reason=reason,
        )  # fmt: skip
    for days in (29, 31, 31, 31, 31, 31):
        await _run(
            database,
            "insert into inbox (source, event_id, queue, handled_at) values ('s', :id, 'q', :at)",
            id=ids.uuid7(), at=now - timedelta(days=days),
        )  # fmt: skip
    for number, hours in enumerate((-1, -1, -1, 1)):
        await _run(
            database,
            "insert into idempotency_keys (owner, key, fingerprint, claimed_until, expires_at) "
            "values ('o', :key, '', :at, :at)",
            key=str(number), at=now + timedelta(hours=hours),
        )  # fmt: skip
    keeper = Housekeeping(YEAR)
    assert [await keeper.work(database.transaction) for _ in range(4)] == [5, 3, 1, 0]
    assert {row.reason for row in await _run(database, "select reason from retries")} == {
        "a release may",
        "its own handler waits",
    }
    handled = await _run(database, "select handled_at from inbox")
    assert [row.handled_at for row in handled] == [now - timedelta(days=29)]
    assert [row.key for row in await _run(database, "select key from idempotency_keys")] == ["3"]


async def test_a_page_leaves_locked_rows_to_who_locked_them(database: Database) -> None:
    """The released version deletes all at once beside: neither waits for the other, and none is ended as a deadlock."""
    await _run(
        database, "insert into inbox select 's', gen_random_uuid(), 'q', :at from generate_series(1, 10)", at=OLD
    )
    async with database.transaction() as other:
        await other.execute(text("delete from inbox where ctid in (select ctid from inbox limit 4)"))
        async with database.transaction() as session:
            assert await delete_page(session, "inbox", "handled_at < :instant", instant=clock.wall()) == 6
    assert await _run(database, "select 1 from inbox") == []


async def test_a_month_is_dropped_and_what_rebuild_needs_is_kept(database: Database, kept: set[Any]) -> None:
    before = {row.event_id: row for row in await _run(database, "select * from outbox")}
    assert len(before) == SUBJECTS * 3 + SUBJECTS // 4
    assert len(kept) == SUBJECTS + 2
    assert await _all(database) > SUBJECTS * 3 // 25, "it goes page by page"
    assert not await _is_there(database)
    after = await _run(database, "select * from outbox order by id")
    assert {row.event_id for row in after} == kept
    assert len(after) == len(kept), "none is doubled"
    for row in after:
        assert {**row._mapping, "created_at": None} == {**before[row.event_id]._mapping, "created_at": None}
    waiting = (await _run(database, _CLAIM, batch=10, now=clock.wall())) or []
    assert [(row.sequence) for row in waiting] == [1, 2], "what was never published is still for the relay, in order"
    assert await _all(database) == 0


async def test_a_kept_event_makes_room_for_the_next_one_of_its_subject(database: Database, kept: set[Any]) -> None:
    await _all(database)
    subject = (await _run(database, "select subject from outbox where sequence = 3 limit 1"))[0].subject
    await _run(database, "select outbox_prepare(:old, 1)", old=OLD)
    await _run(
        database,
        "with next as (update outbox_sequences set value = 4 where subject = :subject) "
        "insert into outbox (event_id, routing_key, source, subject, sequence, organization_id, payload, created_at, "
        "published_at) values (gen_random_uuid(), 'a.b.v1', '/a', :subject, 4, :subject, '', :at, :at)",
        subject=subject, at=OLD + timedelta(days=30),
    )  # fmt: skip
    await _all(database)
    left = await _run(database, "select sequence from outbox_kept where subject = :subject", subject=subject)
    assert [row.sequence for row in left] == [4]


async def test_it_goes_on_after_a_kill_at_each_step(database: Database, kept: set[Any]) -> None:
    """Each step in a process of its own, which is all that a kill between two transactions leaves."""
    steps = await _all(database)
    for at in range(1, steps + 1):
        await _drop_partitions(database)
        await _run(database, "delete from outbox")
        await _run(database, "delete from outbox_sequences")
        await _run(database, "select outbox_prepare(:old, 0)", old=OLD)
        await _run(database, FILL, subjects=SUBJECTS, old=OLD, now=clock.wall())
        expected = {row.event_id for row in await _run(database, EXPECTED)}
        killed = Housekeeping(YEAR)
        for _ in range(at):
            await killed.work(database.transaction)
        if await _is_there(database):
            is_attached = await _run(database, "select 1 from pg_inherits where inhrelid = 'outbox_2024_01'::regclass")
            assert expected <= set(await _events(database)), "readers of the outbox miss nothing in between"
            assert bool(is_attached) == (at < steps - 1)
        await _all(database)
        assert sorted(await _events(database)) == sorted(expected)
        assert not await _is_there(database)


async def test_it_goes_on_after_a_kill_within_a_page(database: Database, kept: set[Any]) -> None:
    before = await _events(database)
    async with database.engine.connect() as connection:
        values = {"after": 0, "page": 60, "at": housekeeping.KEPT_AT}
        await connection.execute(text(housekeeping._MOVE.replace("<month>", "outbox_2024_01")), values)
        pid = (await connection.execute(text("select pg_backend_pid()"))).scalar_one()
        await _run(database, "select pg_terminate_backend(:pid, 10000)", pid=pid)
        await connection.invalidate()
    assert sorted(await _events(database)) == sorted(before)
    await _all(database)
    assert set(await _events(database)) == kept


async def _modes(holder: Any, relation: str) -> set[str]:
    """The locks of a connection's transaction on a table."""
    rows = await holder.execute(
        text("select mode from pg_locks where pid = pg_backend_pid() and relation = cast(:relation as regclass)"),
        {"relation": relation},
    )
    return set(rows.scalars())


async def _write(database: Database, event: Any) -> None:
    """As any request: raises where it has to wait for a lock."""
    async with database.transaction() as session:
        await session.execute(text("set local lock_timeout = '1ms'"))
        outbox.record(session, event())


async def _open_writer(connection: AsyncConnection) -> None:
    await connection.execute(
        text("insert into outbox (event_id, routing_key, source, subject, sequence, organization_id, payload, "
             "created_at) select i, 'a.b.v1', '/a', i, 1, i, '', now() from gen_random_uuid() i")
    )  # fmt: skip


async def test_writers_and_pages_never_wait_for_each_other(
    database: Database, kept: set[Any], organization_event: Any
) -> None:
    async with database.engine.connect() as writer, database.transaction() as session:
        await _open_writer(writer)
        values = {"after": 0, "page": 60, "at": housekeeping.KEPT_AT}
        await session.execute(text(housekeeping._MOVE.replace("<month>", "outbox_2024_01")), values)
        assert await _modes(session, "outbox") == {"AccessShareLock"}, "as any reader's"
        assert await _modes(session, "outbox_2024_01") <= {"AccessShareLock", "RowExclusiveLock"}
        await _write(database, organization_event)


async def test_a_detach_gives_way_to_writers_and_is_tried_again(
    database: Database, kept: set[Any], organization_event: Any
) -> None:
    keeper = Housekeeping(YEAR)
    async with database.engine.connect() as writer:
        await _open_writer(writer)
        steps = await _all(database, keeper)
        assert steps >= SUBJECTS * 3 // 25
        assert await _is_there(database), "the writer's transaction is not over"
        await _write(database, organization_event)
        assert (await writer.execute(text("select cardinality(pg_blocking_pids(pg_backend_pid()))"))).scalar() == 0
        await writer.commit()
    await _all(database, keeper)
    assert not await _is_there(database)


async def test_a_detach_waits_for_the_relay_outside_of_the_outbox(database: Database, kept: set[Any]) -> None:
    """The relay's transaction lasts as long as the broker takes: the detach is not queued at the outbox meanwhile."""
    async with database.engine.connect() as relay, database.engine.connect() as watch:
        assert (await relay.execute(_LOCK)).scalar()
        await relay.execute(_CLAIM, {"batch": 1, "now": clock.wall()})
        work = asyncio.create_task(_all(database))
        # Other tests wait for locks in other databases of the same server.
        waiting = (
            "select relation::regclass::text, locktype from pg_locks where not granted "
            "and database = (select oid from pg_database where datname = current_database())"
        )
        while not (found := (await watch.execute(text(waiting))).all()) and not work.done():
            await watch.rollback()
            await asyncio.sleep(0.01)
        assert [tuple(row) for row in found] == [(None, "advisory")]
        await relay.rollback()
        await work
    assert not await _is_there(database)


async def test_workers_at_once_drop_a_month_once(database: Database, kept: set[Any]) -> None:
    workers = [Housekeeping(YEAR) for _ in range(4)]
    for _ in range(100):
        if not await _is_there(database):
            break
        await asyncio.gather(*(worker.work(database.transaction) for worker in workers))
    assert sorted(await _events(database)) == sorted(kept)


async def test_a_worker_of_the_released_version_beside_changes_nothing(database: Database, kept: set[Any]) -> None:
    """It calls these functions in one transaction every hour."""
    keeper = Housekeeping(YEAR)
    for _ in range(100):
        async with database.transaction() as session:
            await session.execute(text("select pg_advisory_xact_lock(hashtextextended('housekeeping', 0))"))
            for months in (0, 1):
                await session.execute(
                    text("select outbox_prepare(:now, :months)"), {"now": clock.wall(), "months": months}
                )
            await session.execute(text("select outbox_drop(:oldest)"), {"oldest": clock.wall() - YEAR})
            assert "AccessExclusiveLock" not in await _modes(session, "outbox")
            before = await _events(database)
            assert await keeper.work(database.transaction) == 0, "one at a time"
            assert await _events(database) == before
        if not await keeper.work(database.transaction):
            break
    assert sorted(await _events(database)) == sorted(kept)


async def test_old_events_of_the_default_partition_go_too(database: Database, kept: set[Any]) -> None:
    """A month in which nothing was prepared, and what the released version kept of those it dropped."""
    await _run(database, "alter table outbox detach partition outbox_2024_01")
    await _run(database, "insert into outbox select * from outbox_2024_01")
    await _run(database, "drop table outbox_2024_01")
    await _all(database)
    assert sorted(await _events(database)) == sorted(kept)
    left = await _run(database, "select 1 from outbox_default where created_at < :now", now=clock.wall() - YEAR)
    assert left == []


async def test_a_partition_is_prepared_beside_writers(database: Database, kept: set[Any]) -> None:
    async with database.engine.connect() as writer, database.transaction() as session:
        await _open_writer(writer)
        await session.execute(text("select outbox_prepare(:at, 3)"), {"at": OLD})
        assert await _modes(session, "outbox_2024_04") >= {"AccessExclusiveLock"}
        assert "AccessExclusiveLock" not in await _modes(session, "outbox")
