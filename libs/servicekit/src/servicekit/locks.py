"""Rows that are locked are read as they are under the lock, whatever the session had read before."""

from typing import Any

from sqlalchemy import Text, cast, func, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import Session
from sqlalchemy.util import immutabledict

EMPTY: immutabledict[str, Any] = immutabledict()


class FreshSession(Session):
    """A session in which `SELECT … FOR UPDATE` and `FOR SHARE` refresh the objects that it holds already.

    SQLAlchemy keeps what an object held when the session first read it, even when a later statement waited for a lock
    and read a newer row: a decision would be made from the old one (for example "pending" of an order that somebody
    else has paid meanwhile). Changes that wait for a flush are written before, inside of `no_autoflush` as well, so
    that the refresh loses none.

    What no session can refresh: columns that were selected alone, rows that were read before the lock and are not
    selected with it, and the unlocked entities of a statement that locks `of` others. PostgreSQL reads only the locked
    rows anew after it has waited; read the rest again with a statement of its own.
    """

    def execute(self, statement: Any, *arguments: Any, execution_options: Any = EMPTY, **options: Any) -> Any:
        """Executes a statement; see the class for what a lock does."""
        given = self._reading_anew(statement, execution_options)
        return super().execute(statement, *arguments, execution_options=given, **options)

    def scalars(self, statement: Any, *arguments: Any, execution_options: Any = EMPTY, **options: Any) -> Any:
        """Executes a statement, and returns the first column of its rows."""
        given = self._reading_anew(statement, execution_options)
        return super().scalars(statement, *arguments, execution_options=given, **options)

    def scalar(self, statement: Any, *arguments: Any, execution_options: Any = EMPTY, **options: Any) -> Any:
        """Executes a statement, and returns the first column of its first row."""
        given = self._reading_anew(statement, execution_options)
        return super().scalar(statement, *arguments, execution_options=given, **options)

    def refresh(self, instance: object, *arguments: Any, **options: Any) -> None:
        """Reads an object anew, after what waits for a flush is written: SQLAlchemy's own drops those changes."""
        self.flush()
        super().refresh(instance, *arguments, **options)

    def _reading_anew(self, statement: Any, options: Any) -> Any:
        # Not by an event: with one, SQLAlchemy prepares every statement twice.
        if getattr(statement, "_for_update_arg", None) is None:
            return options
        if not self.autoflush:
            self.flush()
        return {**options, "populate_existing": True}


def open_session(engine: AsyncEngine) -> AsyncSession:
    """A session on which decisions behind a lock are made from the rows that were read under it."""
    return AsyncSession(engine, sync_session_class=FreshSession, expire_on_commit=False)


async def one_at_a_time(session: AsyncSession, *names: str) -> None:
    """Lets transactions that give the same name come one after the other, each until its end.

    For what has no row to lock yet. What is decided is read after it. The names are taken in one order everywhere, so
    that two transactions with several of them never wait for each other.
    """
    name = func.unnest(cast(sorted(set(names)), ARRAY(Text))).column_valued("name")
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))
