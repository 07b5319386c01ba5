"""`./polar bench history`: how long writers wait while housekeeping drops a month of a million events."""

import asyncio
import statistics
import time
from collections.abc import Awaitable
from contextlib import suppress
from datetime import timedelta

import asyncpg
import uvloop
from servicekit import clock, ids, outbox
from servicekit.database import Database
from servicekit.housekeeping import Housekeeping

from polar_cli.bench import WRITERS, customer_event, fresh_stack, kit_database
from polar_cli.console import Failure, say, step, table
from polar_cli.stack import Stack

ROWS = 1_000_000
EVENTS_OF_A_SUBJECT = 4
YEAR = timedelta(days=365)
PAUSE_SECONDS = 0.02
"""Between two transactions of a writer: a service that is neither idle nor at its limit."""
ALONE_SECONDS = 15.0
_FILL = """
    insert into outbox (event_id, routing_key, source, subject, sequence, organization_id, payload, created_at,
                        published_at)
    select gen_random_uuid(), 'customer.updated.v1', '/billing', md5((number / {per})::text)::uuid, number % {per} + 1,
           md5('organization')::uuid, convert_to(repeat(md5(number::text), 40), 'UTF8'), $1::timestamptz, $1
    from generate_series({first}, {last}) number
"""
_NUMBER = "insert into outbox_sequences (subject, value) select subject, max(sequence) from outbox group by subject"
_WAITING = """
    select extract(epoch from clock_timestamp() - waitstart)::float8 * 1000 as waited from pg_locks
    where not granted and locktype in ('relation', 'extend', 'transactionid', 'tuple') and mode <> 'AccessExclusiveLock'
"""


def history() -> int:
    """Starts a database of its own, measures, prints. Returns 0: figures are read, not asserted."""
    stack = fresh_stack()
    try:
        stack.servers_up()
        rows = uvloop.run(_measure(stack))
    finally:
        stack.down()
    say()
    table(("figure", "alone", "beside housekeeping"), rows)
    return 0


async def _measure(stack: Stack) -> list[tuple[str, str, str]]:
    url = await kit_database(stack)
    old = clock.wall() - YEAR - timedelta(days=62)
    with step(f"writing a month of {ROWS} events"):
        connection = await asyncpg.connect(url)
        await connection.execute("select outbox_prepare($1, 0)", old)
        for first in range(0, ROWS, ROWS // 20):
            statement = _FILL.format(per=EVENTS_OF_A_SUBJECT, first=first, last=first + ROWS // 20 - 1)
            await connection.execute(statement, old, timeout=600)
        await connection.execute(_NUMBER, timeout=600)
        await connection.execute("checkpoint", timeout=600)
    size = await connection.fetchval("select pg_size_pretty(sum(pg_total_relation_size(inhrelid))) from pg_inherits")
    database = Database(url.replace("postgresql://", "postgresql+asyncpg://"), name="bench", pool_size=WRITERS)
    await Housekeeping(YEAR * 10).work(database.transaction)
    with step(f"{WRITERS} writers alone"):
        watching = asyncio.create_task(_waited(url))
        alone = await _written(database, asyncio.sleep(ALONE_SECONDS))
        waited_alone = await _stopped(watching)
    with step("beside housekeeping"):
        began = time.monotonic()
        watching = asyncio.create_task(_waited(url))
        beside = await _written(database, _drop(database))
        took = time.monotonic() - began
        waited = await _stopped(watching)
    kept = await connection.fetchval("select count(*) from outbox_kept")
    left = await connection.fetchval(f"select to_regclass('outbox_{old:%Y_%m}')::text")
    if left is not None or kept != ROWS // EVENTS_OF_A_SUBJECT:
        raise Failure(f"{kept} events were kept, and the month is {'there' if left else 'gone'}")
    await database.close()
    await connection.close()
    return [
        ("size of the month", size, ""),
        ("transactions of writers", str(len(alone)), str(len(beside))),
        ("p50, ms", f"{statistics.median(alone) * 1000:.1f}", f"{statistics.median(beside) * 1000:.1f}"),
        ("p99, ms", f"{_p99(alone) * 1000:.1f}", f"{_p99(beside) * 1000:.1f}"),
        ("longest, ms", f"{max(alone) * 1000:.1f}", f"{max(beside) * 1000:.1f}"),
        ("longest wait for a lock, ms", f"{waited_alone:.0f}", f"{waited:.0f}"),
        ("seconds until the month was gone", "", f"{took:.1f}"),
        ("events kept", "", str(kept)),
    ]


async def _waited(url: str) -> list[float]:
    """Looks every few milliseconds for how long anybody but housekeeping has waited for a lock on a table, until ended.

    Returns that in milliseconds, one for each look that found any.
    """
    found: list[float] = []
    connection = await asyncpg.connect(url)
    try:
        while True:
            found += [row["waited"] for row in await connection.fetch(_WAITING) if row["waited"] is not None]
            await asyncio.sleep(0.003)
    except asyncio.CancelledError:
        return found
    finally:
        connection.terminate()


async def _stopped(watching: "asyncio.Task[list[float]]") -> float:
    watching.cancel()
    return max(await watching, default=0.0)


async def _drop(database: Database) -> None:
    keeper = Housekeeping(YEAR)
    while await keeper.work(database.transaction):
        pass


async def _written(database: Database, beside: Awaitable[None]) -> list[float]:
    """The seconds of each writer's transactions, from the first to the end of what runs beside."""
    seconds: list[float] = []
    organization_id = ids.uuid7()

    async def write() -> None:
        while True:
            began = time.monotonic()
            async with database.transaction() as session:
                outbox.record(session, customer_event(organization_id))
            seconds.append(time.monotonic() - began)
            await asyncio.sleep(PAUSE_SECONDS)

    writers = [asyncio.create_task(write()) for _ in range(WRITERS)]
    try:
        await beside
    finally:
        for writer in writers:
            writer.cancel()
        for writer in writers:
            with suppress(asyncio.CancelledError):
                await writer
    return seconds


def _p99(seconds: list[float]) -> float:
    return statistics.quantiles(seconds, n=100)[98]
