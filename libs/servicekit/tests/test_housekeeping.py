"""What the worker does for its own database, hour by hour."""

import asyncio
from datetime import timedelta
from typing import Any

from servicekit import clock, ids
from servicekit.database import Database
from servicekit.worker import housekeeping
from sqlalchemy import text

PARTITIONS = text("select relname from pg_class where relname ~ '^outbox_[0-9]{4}_[0-9]{2}$' and relkind = 'r'")


async def test_workers_that_start_together_prepare_the_partitions(database: Database, settings: Any) -> None:
    clean = housekeeping(settings).work
    for _ in range(5):
        async with database.transaction() as session:
            for name in (await session.execute(PARTITIONS)).scalars().all():
                await session.execute(text(f"drop table {name}"))
        assert await asyncio.gather(*(clean(database.transaction) for _ in range(4))) == [0] * 4
        async with database.transaction() as session:
            assert len((await session.execute(PARTITIONS)).all()) == 2, "this month's, and the next one's"


async def test_what_is_old_is_forgotten(database: Database, settings: Any) -> None:
    now = clock.wall()
    left = [(0, 8, "no release has taken it"), (0, 6, "a release may"), (1, 8, "its own handler waits")]
    async with database.transaction() as session:
        for attempts, days, reason in left:
            await session.execute(
                text("insert into retries values (:id, 'sample', 'a.b.v1', '', :attempts, :due, :reason)"),
                {"id": ids.uuid7(), "attempts": attempts, "due": now - timedelta(days=days), "reason": reason},
            )
        for days in (29, 31):
            await session.execute(
                text("insert into inbox (source, event_id, queue, handled_at) values ('s', :id, 'q', :at)"),
                {"id": ids.uuid7(), "at": now - timedelta(days=days)},
            )
    await housekeeping(settings).work(database.transaction)
    async with database.transaction() as session:
        kept = set((await session.execute(text("select reason from retries"))).scalars())
        handled = (await session.execute(text("select handled_at from inbox"))).scalars().all()
    assert kept == {"a release may", "its own handler waits"}
    assert handled == [now - timedelta(days=29)]
