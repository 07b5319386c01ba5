"""How lists read a large table, and claims a full queue: what they send, and whether PostgreSQL walks whole tables."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
import httpx
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncSession

from servicekit.database import Database

ROWS = 100_000
ORGANIZATIONS = 50
"""Among which the rows are spread; one of them asks."""
EXECUTIONS = 10
"""After five, PostgreSQL may keep a plan."""
WAITING = 3_000
"""Rows of a full queue."""


@dataclass(frozen=True)
class Statement:
    """What was sent to the database, and which tables it walks from end to end."""

    sql: str
    walked: frozenset[str]


@asynccontextmanager
async def _sent(database: Database) -> AsyncIterator[list[tuple[str, Any]]]:
    found: list[tuple[str, Any]] = []

    def keep(connection: Any, cursor: Any, sql: str, values: Any, context: Any, executemany: bool) -> None:
        found.append((sql, values))

    fetchrow = database.fetchrow

    async def fetchrow_kept(sql: str, *values: Any) -> Any:
        found.append((sql, values))
        return await fetchrow(sql, *values)

    event.listen(database.engine.sync_engine, "before_cursor_execute", keep)
    vars(database)["fetchrow"] = fetchrow_kept
    try:
        yield found
    finally:
        del vars(database)["fetchrow"]
        event.remove(database.engine.sync_engine, "before_cursor_execute", keep)


async def clone(connection: Any, table: str, own: UUID, **changes: str) -> None:
    """Makes 100,000 rows of the table's first one, spread over organizations of which `own` is one.

    Ids are new, instants fall by a second a row, and `changes` are SQL expressions for columns that must differ, in
    which `n` counts the rows. Its indexes are built when all rows are there, and good at once: PostgreSQL would not use
    one over rows that were updated (`indcheckxmin`) while any older transaction of the server goes on, as of another
    group of tests.
    """
    theirs = "indrelid = $1::text::regclass or indrelid in (select relid from pg_partition_tree($1::text::regclass))"
    owner = f"case when n % {ORGANIZATIONS} = 0 then '{own}'::uuid else md5((n % {ORGANIZATIONS})::text)::uuid end"
    await connection.execute(f"update pg_index set indisready = false where {theirs}", table)
    await _fill(connection, table, table, ROWS, {"id": "gen_random_uuid()", "organization_id": owner, **changes})
    await connection.execute("set maintenance_work_mem = '256MB'")
    await connection.execute(f"reindex table {table}")
    await connection.execute(f"update pg_index set indcheckxmin = false where {theirs}", table)
    await connection.execute(f"analyze {table}")


async def _fill(connection: Any, table: str, source: str, rows: int, changes: Mapping[str, str]) -> None:
    columns = await connection.fetch(
        "select column_name, data_type from information_schema.columns where table_name = $1", table
    )
    values = []
    for column in columns:
        name = column["column_name"]
        moved = f"model.\"{name}\" - n * interval '1 second'"
        fallback = moved if column["data_type"].startswith("timestamp") else f'model."{name}"'
        values.append(changes.get(name, fallback))
    names = ", ".join(f'"{column["column_name"]}"' for column in columns)
    await connection.execute(
        f"insert into {table} ({names}) select {', '.join(values)} "
        f"from (select * from {source} limit 1) model, generate_series(1, {rows}) n"
    )


async def check_kept_plan(
    database: Database, table: str, claim: Callable[[AsyncSession], Awaitable[Any]], **changes: str
) -> None:
    """Asserts that `claim` walks a full `table` once at most, though it was planned (and kept) while nothing waited.

    The table's one row may be claimed; thousands like it are there in the end, with `changes` as `clone` takes them.
    """
    async with database.engine.connect() as connection, AsyncSession(connection, expire_on_commit=False) as session:
        driver: Any = (await connection.get_raw_connection()).driver_connection
        await driver.execute(f"create temporary table source as select * from {table}")
        await driver.execute(f"truncate {table} cascade")
        await driver.execute(f"analyze {table}")
        for _ in range(EXECUTIONS):
            await claim(session)
            await session.commit()
        await _fill(driver, table, "source", WAITING, {"id": "gen_random_uuid()", **changes})
        # The server hands its counts over once a second: what it read before may be among them still.
        before = await _read_by_walks(session, table)
        assert await claim(session), "nothing was claimed"
        walked = await _read_by_walks(session, table) - before
        await session.rollback()
        await driver.execute("drop table source")
        assert walked <= WAITING, f"{walked} rows of {table} were read by walks, with {WAITING} in it"


async def _read_by_walks(session: AsyncSession, table: str) -> int:
    counted = text("select seq_tup_read from pg_stat_xact_user_tables where relname = :table")
    return await session.scalar(counted, {"table": table}) or 0


async def check_lists(
    client: httpx.AsyncClient,
    database: Database,
    address: str,
    app: Any,
    tables: Mapping[str, Mapping[str, str]],
    paths: Sequence[str],
) -> None:
    """Asserts that each list, by default and in every sorting, sends three statements at most and walks no table.

    `tables` are filled first, with what `clone` changes in each.
    """  # fmt: skip
    connection = await asyncpg.connect(address.replace("postgresql+asyncpg", "postgresql"))
    try:
        await connection.execute("set session_replication_role = replica")  # no look at another table for each row
        owner = await connection.fetchval(f"select organization_id from {list(tables)[-1]}")
        for table, changes in tables.items():
            await clone(connection, table, owner, **changes)
    finally:
        await connection.close()
    for path in paths:
        bare = path.partition("?")[0]
        for sorting in ("", *sortings(app, bare)):
            asked = f"{path}{'&' if '?' in path else '?'}sorting={sorting}" if sorting else path
            sent = await statements_of(client, database, address, asked)
            assert 1 <= len(sent) <= 3, f"{asked}: {len(sent)} statements"
            walked = {table for statement in sent for table in statement.walked} & set(tables)
            assert not walked, f"{asked} walks {', '.join(walked)}"


async def statements_of(client: httpx.AsyncClient, database: Database, address: str, path: str) -> list[Statement]:
    """What a GET sends, explained on a connection to `address`. Raises `AssertionError` unless it is answered 200."""
    async with _sent(database) as sent:
        answer = await client.get(path)
    assert answer.status_code == 200, f"{path}: {answer.text}"
    connection = await asyncpg.connect(address.replace("postgresql+asyncpg", "postgresql"))
    try:
        explained = []
        for sql, values in sent:
            plan = json.loads(await connection.fetchval(f"explain (format json) {sql}", *values))
            explained.append(Statement(sql, frozenset(_walked(plan[0]["Plan"]))))
    finally:
        await connection.close()
    return explained


def _walked(node: Mapping[str, Any]) -> set[str]:
    found = {node["Relation Name"]} if node["Node Type"] == "Seq Scan" else set()
    for inner in node.get("Plans", ()):
        found |= _walked(inner)
    return found


def sortings(app: Any, path: str) -> list[str]:
    """Every value that a list's `sorting` takes, one at a time."""
    parameters = app.openapi()["paths"][path]["get"].get("parameters", [])
    described = next((one["description"] for one in parameters if one["name"] == "sorting"), "")
    return [word.strip(" .") for word in described.removeprefix("Any of ").split(",") if word.strip(" .")]
