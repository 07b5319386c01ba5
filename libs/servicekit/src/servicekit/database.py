"""Sessions and transactions: one request or one message is one transaction, and only the edge commits.

A parameter `session` means "inside the caller's transaction"; a parameter `sessions` means "opens its own, because it
calls the outside in between".
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from datetime import datetime
from functools import cache
from typing import Any, ClassVar, Literal, Protocol, TypeVar
from uuid import UUID

import asyncpg
from contracts.event import Event
from pydantic_core import to_json
from sqlalchemy import TextClause, text
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.event import listen
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Mapped, mapped_column

from servicekit import clock, ids, outbox
from servicekit.locks import open_session

Sessions = Callable[[], AbstractAsyncContextManager[AsyncSession]]
"""Opens a transaction: `async with sessions() as session` commits at its end, or rolls back on an error."""

NAMING = {
    "ix": "%(table_name)s_%(column_0_N_name)s_idx",
    "uq": "%(table_name)s_%(column_0_N_name)s_key",
    "ck": "%(table_name)s_%(constraint_name)s_check",
    "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
    "pk": "%(table_name)s_pkey",
}


TYPES: dict[Any, Any] = {datetime: TIMESTAMP(timezone=True), dict[str, Any]: JSONB, list[Any]: JSONB}
"""What the annotations of a service's models stand for in its tables."""


class Record:
    """The columns of every resource: who owns it and since when it exists."""

    id: Mapped[UUID] = mapped_column(primary_key=True, default=ids.uuid7)
    organization_id: Mapped[UUID] = mapped_column(index=True)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    modified_at: Mapped[datetime | None] = mapped_column(default=None)


class Projection(Protocol):
    """A local copy of another service's resource; `sequence` is the last event that changed it.

    The sequence is 0 for what was only mentioned by another event, and -1 for what is known to be wrong. `checksum` is
    of the whole row as its event wrote it.
    """

    id: Any
    sequence: Any
    checksum: Any
    __table__: ClassVar[Any]


_UNREACHABLE = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError)


Committed = Literal["events", "work"]
"""What was committed: events, which the relay waits for, or work that is due now, which timers look for."""


class Wakeup:
    """Tells the worker what was committed, by one debounced NOTIFY that is sent after the commit.

    A NOTIFY inside a transaction takes a lock over the whole database at commit and halves the write rate.
    """

    CHANNEL = "wakeup"
    DEBOUNCE_SECONDS = 0.003

    def __init__(self, url: str) -> None:
        self._url = url
        self._wanted = asyncio.Event()
        self._told = asyncio.Event()
        self._kinds: set[str] = set()
        self._task: asyncio.Task[None] | None = None
        self._pid = 0
        self._listeners: list[tuple[asyncio.Event, frozenset[str]]] = []

    def listen(self, *kinds: Committed) -> asyncio.Event:
        """An event that is set whenever such was committed, here or (once `watch` runs) in another process."""
        event = asyncio.Event()
        self._listeners.append((event, frozenset(kinds)))
        return event

    def wake(self, *kinds: Committed) -> None:
        """Wakes this process's listeners at once and other processes' after the debounce."""
        self.ring(*kinds)
        self._kinds.update(kinds)
        self._told.clear()
        self._wanted.set()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._notify(), name="wakeup")

    def ring(self, *kinds: str) -> None:
        """Wakes this process's listeners at once, and nobody else; without kinds, all of them."""
        for event, heard in self._listeners:
            if not kinds or not heard.isdisjoint(kinds):
                event.set()

    def _heard(self, connection: object, pid: int, channel: str, payload: object) -> None:
        if pid != self._pid:  # what this process committed has rung here
            self.ring(*str(payload).split())

    async def _notify(self) -> None:
        connection: asyncpg.Connection[Any] | None = None
        try:
            while self._wanted.is_set():
                self._wanted.clear()
                kinds, self._kinds = " ".join(sorted(self._kinds)), set()
                connection = await self._send(connection, kinds)
                if not self._wanted.is_set():
                    self._told.set()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._wanted.wait(), 30)
                await asyncio.sleep(self.DEBOUNCE_SECONDS)
        except _UNREACHABLE:
            pass  # the worker's slow poll finds the work; the next commit tries again
        finally:
            if connection is not None:
                connection.terminate()

    async def _send(self, connection: "asyncpg.Connection[Any] | None", kinds: str) -> "asyncpg.Connection[Any]":
        """Sends one NOTIFY; over a new connection when the one at hand did not survive a restart of the database."""
        if connection is not None:
            try:
                await connection.execute(f"notify {self.CHANNEL}, '{kinds}'")
                return connection
            except _UNREACHABLE:
                connection.terminate()
        connection = await asyncpg.connect(self._url, timeout=5)
        self._pid = connection.get_server_pid()
        await connection.execute(f"notify {self.CHANNEL}, '{kinds}'")
        return connection

    async def watch(self, stop: asyncio.Event) -> None:
        """Listens for other processes' NOTIFY until `stop`; reconnects for ever."""
        while not stop.is_set():
            try:
                connection = await asyncpg.connect(self._url, timeout=5)
                await connection.add_listener(self.CHANNEL, self._heard)
                self.ring()
                while not stop.is_set() and not connection.is_closed():
                    with suppress(TimeoutError):
                        await asyncio.wait_for(stop.wait(), 1)
                connection.terminate()
            except _UNREACHABLE:
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), 0.5)

    async def close(self) -> None:
        """Ends the notifying task, once it has told of the last commit: a command ends right after its only one."""
        if self._task is not None:
            told = asyncio.create_task(self._told.wait())
            await asyncio.wait({told, self._task}, timeout=1, return_when=asyncio.FIRST_COMPLETED)
            told.cancel()
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task


class _Single(asyncpg.Connection):
    """A connection that only ever runs one statement at a time, so that there is nothing to reset between two."""

    def get_reset_query(self) -> str:
        """No statement: a reset would be a second round trip for every read."""
        return ""


_POOLS = {
    "reads": {"default_transaction_read_only": "on"},
    "writes": {},
    "counts": {"synchronous_commit": "off"},
    "claims": {"plan_cache_mode": "force_custom_plan"},
}
"""The pools for single statements, each opened when it is first used."""


def _replace_closed(connection: Any, *_: object) -> None:
    """Has the pool open another connection in the place of one that the server has closed.

    asyncpg hears of that without asking; a ping would be three round trips before each transaction.
    """
    if connection.driver_connection.is_closed():
        raise DisconnectionError("the server closed the connection")


PREPARED = 400
"""Statements that a connection keeps prepared. Billing has more than SQLAlchemy's 100, and prepared a fifth anew."""


class Database:
    """A service's database: transactions, the wake-up, and a ping.

    It has `2 * pool_size` connections for transactions at most, and opens them when they are needed.
    """

    def __init__(self, url: str, *, name: str, pool_size: int = 20) -> None:
        options = {
            "application_name": name, "lock_timeout": "5000", "statement_timeout": "30000", "timezone": "UTC",
            # Compiling a claim took 1.7 seconds, which a wrong estimate is enough for; running it takes milliseconds.
            "jit": "off",
            # Those that a busy moment opened: the ones in use are taken last in, first out.
            "idle_session_timeout": "300000",
        }  # fmt: skip
        self.engine = create_async_engine(
            url,
            # No overflow: such a connection ends with its first transaction, and took ten times as long to open.
            pool_size=2 * pool_size,
            max_overflow=0,
            pool_use_lifo=True,
            pool_timeout=10,
            # Values of a statement that failed would stand in the log: addresses, cards, sealed secrets.
            hide_parameters=True,
            connect_args={
                "server_settings": options,
                "timeout": 5,
                "command_timeout": 60,
                "prepared_statement_cache_size": PREPARED,
            },
        )
        listen(self.engine.sync_engine, "checkout", _replace_closed)
        self._address = url.replace("postgresql+asyncpg://", "postgresql://")
        self._pools: dict[str, asyncio.Future[asyncpg.Pool[Any]]] = {}
        self._options = options
        self._pool_size = pool_size
        self.wakeup = Wakeup(self._address)

    async def fetchrow(self, statement: str, *values: Any) -> Any:
        """One row of a statement that only reads, on asyncpg and outside of any transaction: for hot reads.

        `values` stand for `$1`, `$2`, …; raises what asyncpg raises.
        """
        return await self._fetchrow("reads", statement, values)

    async def write(self, statement: str, *values: Any) -> Any:
        """One row of one statement that writes and records no event: a transaction by itself, as durable as any."""
        return await self._fetchrow("writes", statement, values)

    async def count(self, statement: str, *values: Any) -> Any:
        """As `write`, without waiting for the disk: for counts, of which a power cut may lose the last second."""
        return await self._fetchrow("counts", statement, values)

    async def claim(self, statement: str, *values: Any) -> list[Any]:
        """The rows of one statement that takes work in hand: a transaction by itself, planned as by `plan_anew`."""
        rows: list[Any] = await (await self._pool("claims")).fetch(statement, *values, timeout=30)
        return rows

    async def _fetchrow(self, kind: str, statement: str, values: Sequence[Any]) -> Any:
        return await (await self._pool(kind)).fetchrow(statement, *values, timeout=30)

    async def _pool(self, kind: str) -> "asyncpg.Pool[Any]":
        opening = self._pools.get(kind)
        if opening is None or (opening.done() and opening.exception() is not None):
            opening = self._pools[kind] = asyncio.ensure_future(self._open(_POOLS[kind]))
        return await asyncio.shield(opening)

    async def _open(self, options: dict[str, str]) -> "asyncpg.Pool[Any]":
        pool = asyncpg.create_pool(
            self._address,
            min_size=1,
            max_size=self._pool_size,
            connection_class=_Single,
            server_settings={**self._options, **options},
            timeout=5,
        )
        return await pool

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """One transaction: committed when the block ends, rolled back when it raises."""
        async with open_session(self.engine) as session:
            yield session
            await self.commit(session)

    async def commit(self, session: AsyncSession) -> None:
        """Writes the recorded events into the outbox, commits, and then wakes the worker."""
        recorded = await outbox.flush(session)
        await session.commit()
        kinds: list[Committed] = ["events"] if recorded else []
        if session.info.pop("wake", False):
            kinds.append("work")
        elif session.info.pop("ring", False):
            self.wakeup.ring("work")
        if kinds:
            self.wakeup.wake(*kinds)

    async def ping(self) -> None:
        """Raises unless the database answers."""
        async with self.engine.connect() as connection:
            await connection.execute(text("select 1"))

    async def close(self) -> None:
        """Closes every connection."""
        await self.wakeup.close()
        for opening in self._pools.values():
            if opening.done() and opening.exception() is None:
                opening.result().terminate()
        await self.engine.dispose()


_ANEW = text("set local plan_cache_mode = force_custom_plan")


async def driver_of(session: AsyncSession) -> Any:
    """asyncpg's connection inside the session's transaction, for a statement that otherwise runs by itself."""
    connection = await (await session.connection()).get_raw_connection()
    return connection.driver_connection


async def plan_anew(session: AsyncSession) -> None:
    """Has PostgreSQL plan each statement of this transaction for the tables as they are now: some milliseconds each.

    For statements that claim from a queue, which is empty at one moment and full at the next. A plan that was made (and
    is kept) while its table was empty walks a full one from end to end for each of its rows, until the next ANALYZE.
    """
    await session.execute(_ANEW)


def wake(session: AsyncSession, *, here: bool = False) -> None:
    """Asks for the worker to be woken after the commit, for work that is due now but has no event.

    With `here` only this process is: it is the one that has room for the work.
    """
    session.info["ring" if here else "wake"] = True


@cache
def _projecting(model: type[Projection], names: tuple[str, ...]) -> TextClause:
    """The statement that writes rows of these columns, however many: they are one JSON array.

    SQLAlchemy took 1.7 ms to compile each row of several; this is compiled once, and prepared by PostgreSQL.
    """
    table = model.__table__.name
    pairs = ", ".join(f"'{name}', told.\"{name}\"" for name in names)
    columns = ", ".join(f'"{name}"' for name in names)
    changed = ", ".join(f'"{name}" = excluded."{name}"' for name in (*names, "checksum"))
    return text(f"""
        insert into {table} as present ({columns}, checksum)
        select {columns}, md5(jsonb_strip_nulls(jsonb_build_object({pairs}))::text)
        from jsonb_populate_recordset(null::{table}, cast(:rows as jsonb)) as told
        order by id
        on conflict (id) do update set {changed} where present.sequence < excluded.sequence
        returning id
    """)


async def project(session: AsyncSession, model: type[Projection], event: Event[Any], **values: Any) -> bool:
    """Writes an event into its projection, unless a later event was there before. Returns whether it was written."""
    return bool(await project_all(session, model, [(event, values)]))


async def project_all(
    session: AsyncSession, model: type[Projection], rows: Sequence[tuple[Event[Any], Mapping[str, Any]]]
) -> set[UUID]:
    """Writes several events into a projection as `project` does, in one statement; `rows` are events with values.

    Returns the ids of the rows that were written: a later event was there before the others.
    """
    latest: dict[UUID, dict[str, Any]] = {}
    for event, values in rows:
        if event.subject not in latest or latest[event.subject]["sequence"] < event.sequence:
            latest[event.subject] = {"id": event.subject, "sequence": event.sequence, **values}
    written = list(latest.values())
    statement = _projecting(model, tuple(written[0]))
    return set((await session.execute(statement, {"rows": to_json(written).decode()})).scalars())


Found = TypeVar("Found")


async def awaited(find: Callable[[], Awaitable[Found | None]], *, seconds: float = 1.0) -> Found | None:
    """Asks `find` until it answers, for at most `seconds`: the bounded wait for a projection that is on its way."""
    deadline = asyncio.get_running_loop().time() + seconds
    pause = 0.005
    while True:
        found = await find()
        if found is not None or asyncio.get_running_loop().time() + pause > deadline:
            return found
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, 0.05)


UNREACHABLE = (OSError, TimeoutError, PoolTimeout, asyncpg.InterfaceError)
"""What is raised where the database is away, or gives no connection in time."""
CONFLICTS = {"40001", "40P01", "55P03"}
"""PostgreSQL's codes where another transaction was in the way."""


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = getattr(seen, "orig", None) or seen.__cause__


def sqlstate(error: BaseException) -> str:
    """PostgreSQL's code for an error, or an empty string."""
    return next((str(state) for cause in _causes(error) if (state := getattr(cause, "sqlstate", None))), "")


def is_transient(error: BaseException) -> bool:
    """Whether the same work may succeed a moment later: the database is away, or another transaction was in the way."""
    state = sqlstate(error)
    if state[:2] in {"08", "40", "53", "57"} or state == "55P03":
        return True
    if any(isinstance(cause, DBAPIError) and cause.connection_invalidated for cause in _causes(error)):
        return True
    return not state and any(isinstance(cause, UNREACHABLE) for cause in _causes(error))
