"""Work that waits is a row with `due_at`; a timer claims due rows with SKIP LOCKED, so that many workers may run."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import TIMESTAMP, ColumnElement, Select, and_, column, literal_column, select, table
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg

from servicekit import clock, metrics, telemetry
from servicekit.database import Database, Sessions, is_transient
from servicekit.outside import asking

log = structlog.get_logger()
_done = telemetry.counter(metrics.TIMER_DONE)
_failed = telemetry.counter(metrics.TIMER_FAILED)

done: Counter[str] = Counter()
"""How much each timer of this process has done since it started; the worker shows it."""

Work = Callable[[Sessions], Awaitable[int]]
"""Claims and does some of what is due; returns how much it did. It is called again at once until it returns 0."""

CLOCKS = table("clocks", column("organization_id"), column("instant"), column("is_deleted"))
"""The kit's table of organizations that have a test clock, as far as this module reads it."""
_PRESENT: ColumnElement[datetime] = literal_column("$1::timestamptz", TIMESTAMP(timezone=True))
_DIALECT = PGDialect_asyncpg()  # type: ignore[no-untyped-call]
_FOLLOWED = select(CLOCKS.c.organization_id).where(~CLOCKS.c.is_deleted)

Waiting = dict[str, tuple[Any, Any]]
"""Where work waits, by its name: the column of its instant, and that of its organization."""
_noted: ContextVar[Waiting | None] = ContextVar("noted", default=None)
_looking: ContextVar[bool] = ContextVar("looking", default=False)
_stop: ContextVar[asyncio.Event | None] = ContextVar("stop", default=None)

Conditions = Sequence[Any]
"""Of a claim, in SQLAlchemy's words."""
Look = Callable[[Database], Awaitable[bool]]
"""Says whether there may be work, by one statement outside of any transaction."""


def is_stopping() -> bool:
    """Whether the worker ends: work that goes on for long takes up nothing new, and finishes what it has in hand."""
    stop = _stop.get()
    return stop is not None and stop.is_set()


def due(due_at: Any, organization_id: Any) -> ColumnElement[bool]:
    """The condition under which a row's work is due: `due_at` has come on the clock of its organization.

    By the machine's clock it leaves out organizations with a test clock; at a test clock it is narrowed to the
    organization of that clock.
    """
    noted = _noted.get()
    if noted is not None:
        # With its values: an instant may be counted from a column, for example three days before it and seven.
        wanted = select(due_at, organization_id).compile()
        noted[f"{wanted} {wanted.params}"] = due_at, organization_id
    if _looking.get():
        return and_(due_at <= _PRESENT, organization_id.not_in(_FOLLOWED))
    standing = clock.standing()
    if standing is None:
        return and_(due_at <= clock.now(), organization_id.not_in(_FOLLOWED))
    return and_(due_at <= standing.instant, organization_id == standing.organization_id)


def waiting(first: Any, conditions: Callable[[], Conditions]) -> Look:
    """A look for the rows that a claim would find: those under its own conditions, which name `due`.

    They are compiled once, to a statement whose only parameter is the present. It is ordered by the column `first`, as
    the claim is, so that PostgreSQL takes the same index whatever it believes of how many rows wait.
    """
    mark = _looking.set(True)
    try:
        statement: Select[Any] = select(literal_column("1")).where(*conditions()).order_by(first).limit(1)
    finally:
        _looking.reset(mark)
    return look(str(statement.compile(dialect=_DIALECT, compile_kwargs={"literal_binds": True})))


def look(statement: str) -> Look:
    """A look by a statement that gives a row when there may be work; `$1`, if it has one, is the present."""
    values = (clock.now,) if "$1" in statement else ()

    async def is_any(database: Database) -> bool:
        return await database.fetchrow(statement, *(value() for value in values)) is not None

    return is_any


@contextmanager
def noting() -> Iterator[Waiting]:
    """Notes where the work inside looks for what is due."""
    found: Waiting = {}
    mark = _noted.set(found)
    try:
        yield found
    finally:
        _noted.reset(mark)


@dataclass(frozen=True)
class Timer:
    """One kind of due work. It is looked for every `every`, and with `on_wake` also right after work was committed.

    It claims through `due`, so that it also runs for each test clock, unless it does not follow them: what the suite
    does for itself, and what waits for the outside, which knows no other time than the machine's.
    """

    name: str
    work: Work
    every: timedelta = timedelta(seconds=1)
    on_wake: bool = False
    follows_clocks: bool = True
    ready: Look | None = None
    """Without it the work itself looks. An idle worker does little else: a look costs a tenth of a transaction that
    finds nothing.
    """

    async def run(self, database: Database, stop: asyncio.Event) -> None:
        """Works until `stop`; an error is logged and the work tried again when its turn comes."""
        woken = database.wakeup.listen("work") if self.on_wake else asyncio.Event()
        _stop.set(stop)
        while not stop.is_set():
            woken.clear()
            count = 0
            try:
                # Work may take the clock of the organization whose row it claimed: it must not keep it for the next.
                with clock.standing_at(None):
                    if self.ready is None or await self.ready(database):
                        count = await asking(lambda: self.work(database.transaction), rounds=100)
                if count:
                    done[self.name] += count
                    _done.add(count, {"timer": self.name})
            except Exception as error:
                _failed.add(1, {"timer": self.name})
                if is_transient(error):
                    log.warning("timer.postponed", timer=self.name, reason=repr(error)[:300])
                else:
                    log.error("timer.failed", timer=self.name, exc_info=error)
            if not count:
                await first_of(woken, stop, seconds=self.every.total_seconds())


async def first_of(*events: asyncio.Event, seconds: float) -> None:
    """Waits for the first of the events, for at most `seconds`."""
    waits = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
            with suppress(asyncio.CancelledError):
                await wait
