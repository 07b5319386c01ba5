"""Attempts that may fail only so often, such as payments by card: counted in the transaction that begins them.

`reserve` writes the attempt before it is made, under a lock for each mark that it is counted by, so that what is begun
at the same time is counted too. It counts as a failure until `succeeded` releases it. A service declares the table with
`Attempt`, and runs `forget` as a timer: what an address did is kept for an hour.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Index, delete, func, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from servicekit import clock
from servicekit.database import Sessions
from servicekit.errors import ServiceError
from servicekit.locks import one_at_a_time

KEPT = timedelta(hours=1)
"""For how long an attempt is kept; no bound looks further back."""
BATCH = 1000


class TooManyAttempts(ServiceError):
    """Too many attempts have failed lately. `Retry-After` says in how many seconds the next one is taken."""

    status_code = 429


class Attempt:
    """The columns of a table of attempts: one row for each mark by which an attempt is counted."""

    id: Mapped[UUID] = mapped_column(primary_key=True)
    mark: Mapped[str] = mapped_column(primary_key=True)
    """What it is counted by: `address 81.2.69.142`."""
    outcome: Mapped[str]
    """open, failed or succeeded. What is open counts as failed."""
    attempted_at: Mapped[datetime]
    """By the machine's clock: strangers do not live by an organization's test clock."""

    @declared_attr.directive
    def __table_args__(cls) -> tuple[Any, ...]:
        name: str = cls.__tablename__  # type: ignore[attr-defined]
        return (
            Index(f"{name}_mark_idx", "mark", "outcome", "attempted_at"),
            Index(f"{name}_attempted_at_idx", "attempted_at"),
        )


@dataclass(frozen=True)
class Bound:
    """At most `most` failures of one mark `within` a time of at most `KEPT`."""

    mark: str
    most: int
    within: timedelta = KEPT


@dataclass(frozen=True)
class Rate:
    """How the attempts under one mark ended within `KEPT`."""

    failed: int
    succeeded: int

    def exceeds(self, percent: int, least: int) -> bool:
        """Whether more than `percent` of at least `least` attempts failed."""
        total = self.failed + self.succeeded
        return total >= least and self.failed * 100 > total * percent


async def reserve(
    session: AsyncSession, table: type[Any], id: UUID, bounds: Sequence[Bound], refusal: str, also: Iterable[str] = ()
) -> None:
    """Begins an attempt, once, counted by the marks of `bounds`, and by those of `also`, which are not bounded.

    Call it before the other locks of the transaction, and `ensure_below` first where the answer can be given without
    them. Raises `TooManyAttempts` with the text of `refusal`.
    """
    await one_at_a_time(session, *(f"attempts of {bound.mark}" for bound in bounds))
    await ensure_below(session, table, id, bounds, refusal)
    marks = sorted({*(bound.mark for bound in bounds), *also})
    rows = [{"id": id, "mark": mark, "outcome": "open", "attempted_at": clock.wall()} for mark in marks]
    await session.execute(insert(table).values(rows).on_conflict_do_nothing())


async def ensure_below(
    session: AsyncSession, table: type[Any], id: UUID, bounds: Sequence[Bound], refusal: str
) -> None:
    """For an attempt that may have begun before: then it is not counted against itself.

    Raises `TooManyAttempts` where a mark has as many failures, and attempts under way, as it may have.
    """
    now = clock.wall()
    counted = select(table.mark, table.attempted_at).where(
        table.mark.in_([bound.mark for bound in bounds]),
        table.outcome.in_(("open", "failed")),
        table.id != id,
        table.attempted_at > now - max(bound.within for bound in bounds),
    )
    rows = (await session.execute(counted.order_by(table.attempted_at.desc()))).all()
    waits = []
    for bound in bounds:
        recent = [row.attempted_at for row in rows if row.mark == bound.mark and row.attempted_at > now - bound.within]
        if len(recent) >= bound.most:
            waits.append(recent[bound.most - 1] + bound.within - now)
    if waits:
        seconds = max(1, math.ceil(max(waits).total_seconds()))
        raise TooManyAttempts(refusal, headers={"Retry-After": str(seconds)})


async def failed(session: AsyncSession, table: type[Any], id: UUID) -> None:
    """An attempt has failed: it goes on counting."""
    await session.execute(update(table).where(table.id == id).values(outcome="failed"))


async def failed_again(
    session: AsyncSession, table: type[Any], id: UUID, again: UUID, also: Iterable[str], *, leaving_out: str
) -> None:
    """Counts a further failure in the name of an attempt, once for each `again`, by its marks and those of `also`.

    Marks that begin with `leaving_out` are the first attempt's alone.
    """
    mine = select(table.mark).where(table.id == id, ~table.mark.startswith(leaving_out))
    marks = sorted({*(await session.execute(mine)).scalars(), *also})
    rows = [{"id": again, "mark": mark, "outcome": "failed", "attempted_at": clock.wall()} for mark in marks]
    await session.execute(insert(table).values(rows).on_conflict_do_nothing())


async def succeeded(session: AsyncSession, table: type[Any], id: UUID) -> None:
    """An attempt has succeeded, whatever was noted of it before, or was not made: it counts no more."""
    await session.execute(update(table).where(table.id == id).values(outcome="succeeded"))


async def rate(session: AsyncSession, table: type[Any], mark: str, percent: int, least: int) -> Rate:
    """How the attempts under a mark ended, counted as far as `Rate.exceeds` needs it for these two numbers."""
    since = clock.wall() - KEPT
    of_mark = (table.mark == mark, table.attempted_at > since)
    failures = select(func.count()).where(*of_mark, table.outcome == "failed")
    bad: int = (await session.execute(failures)).scalar_one()
    enough = max(bad * (100 - percent) // percent + 1, least - bad)
    some = select(table.id).where(*of_mark, table.outcome == "succeeded").limit(enough).subquery()
    good: int = (await session.execute(select(func.count()).select_from(some))).scalar_one() if bad else 0
    return Rate(bad, good)


async def forget(sessions: Sessions, table: type[Any]) -> int:
    """A timer's work: deletes a batch of attempts that no bound counts any more. Returns how many rows."""
    async with sessions() as session:
        old = select(table.id, table.mark).where(table.attempted_at <= clock.wall() - KEPT).limit(BATCH)
        keys = [tuple(row) for row in await session.execute(old.with_for_update(skip_locked=True))]
        if keys:
            await session.execute(delete(table).where(tuple_(table.id, table.mark).in_(keys)))
    return len(keys)
