"""Housekeeping: prepares the outbox's partitions, drops those past their retention, and deletes old rows in pages.

Every step is one short transaction, and what is left to do is read from the tables: after a kill, or beside another
worker, the next step goes on. No step locks `outbox` for longer than the detach of a partition takes, which changes
the catalog and no rows, and none makes a writer wait for longer than `DETACH_WAIT`.
"""

import asyncio
import re
import time
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from servicekit import clock
from servicekit.database import Sessions, sqlstate
from servicekit.timers import Timer, is_stopping

log = structlog.get_logger()

PAGE = 1_000
"""Rows that one transaction looks at, and deletes or moves at most: some milliseconds, and a megabyte of WAL."""
LONGEST_PAUSE_SECONDS = 1.0
"""Between two pages it rests for as long as the last one took, but at most this, and leaves the disk to writers."""
INBOX_RETENTION = timedelta(days=30)
"""Longer than any redelivery: a dead letter may be redriven weeks later (NServiceBus keeps 7 days)."""
UNKNOWN_RETENTION = timedelta(days=7)
"""Of messages that were left to a newer release: after a rollback nobody takes them, until it is deployed again."""
KEPT_AT = datetime(1970, 1, 1, tzinfo=UTC)
"""The `created_at` of what outlives the retention: that of the partition `outbox_kept`. The payload has its instant."""
DETACH_WAIT = timedelta(milliseconds=50)
"""How long a detach waits for the transactions that use the outbox; who comes meanwhile waits behind it."""
DETACH_TRIES = 10
DETACH_PAUSE_SECONDS = 1.0
_LOCK_NOT_AVAILABLE = "55P03"
_MONTH = re.compile(r"outbox_\d{4}_\d{2}")


class Housekeeping:
    """The housekeeping of one service's database. `outbox_retention` is that of published events."""

    def __init__(self, outbox_retention: timedelta) -> None:
        self._retention = outbox_retention
        self._looked_at: dict[str, int] = {}
        """By month, the last row that this process looked at. After a restart the month is looked through again."""

    def timer(self) -> Timer:
        """The worker's timer."""
        return Timer("housekeeping", self.work, every=timedelta(hours=1))

    async def work(self, sessions: Sessions) -> int:
        """Does a page of each kind of work. Returns how much it did; 0 when nothing is left, or another is at it."""
        began = time.monotonic()
        now = clock.wall()
        oldest = now - self._retention
        async with sessions() as session:
            if await _is_alone(session):
                for months in (0, 1):
                    await session.execute(_PREPARE, {"instant": now, "months": months})
        done = 0
        for table, condition, instant in (
            ("inbox", "handled_at < :instant order by handled_at", now - INBOX_RETENTION),
            ("retries", "attempts = 0 and due_at < :instant order by due_at", now - UNKNOWN_RETENTION),
            ("idempotency_keys", "expires_at < :instant order by expires_at", now),
        ):
            async with sessions() as session:
                done += await delete_page(session, table, condition, instant=instant)
        done += await self._clear_default(sessions, oldest)
        for month in await self._months(sessions, oldest):
            done += await self._drop(sessions, month)
        if done:
            await asyncio.sleep(min(time.monotonic() - began, LONGEST_PAUSE_SECONDS))
        return done

    async def _months(self, sessions: Sessions, oldest: datetime) -> list[str]:
        """The tables of months that ended before `oldest`, attached or (after a kill) detached already."""
        async with sessions() as session:
            return list((await session.execute(_MONTHS, {"oldest": oldest})).scalars())

    async def _clear_default(self, sessions: Sessions, oldest: datetime) -> int:
        """Deletes a page of old events of the default partition, which has months that were not prepared in time."""
        async with sessions() as session:
            if not await _is_alone(session):
                return 0
            return int((await session.execute(_CLEAR, {"oldest": oldest, "page": PAGE, "at": KEPT_AT})).scalar_one())

    async def _drop(self, sessions: Sessions, month: str) -> int:
        """The next step for a month: moves a page of what is kept, or detaches it, or drops the detached table."""
        assert _MONTH.fullmatch(month)
        async with sessions() as session:
            if not await _is_alone(session):
                return 0
            is_attached = (await session.execute(_IS_ATTACHED, {"month": month})).scalar_one_or_none()
            if is_attached is None:  # another worker has dropped it meanwhile
                return 1
            after = self._looked_at.get(month, 0)
            values = {"after": after, "page": PAGE, "at": KEPT_AT}
            last = (await session.execute(text(_MOVE.replace("<month>", month)), values)).scalar_one()
            if last is None and not is_attached:
                await session.execute(text(f"drop table {month}"))
        if last is not None:
            self._looked_at[month] = last
            return 1
        if is_attached:
            return await self._detach(sessions, month)
        self._looked_at.pop(month, None)
        log.info("outbox.dropped", month=month)
        return 1

    async def _detach(self, sessions: Sessions, month: str) -> int:
        """Detaches a month of which nothing is kept any more. Returns 0 where the next hour has to try again."""
        for _ in range(DETACH_TRIES):
            try:
                async with sessions() as session:
                    return await _try_detach(session, month)
            except DBAPIError as error:
                if sqlstate(error) != _LOCK_NOT_AVAILABLE:
                    raise
            if is_stopping():
                break
            await asyncio.sleep(DETACH_PAUSE_SECONDS)
        log.warning("outbox.not_detached", month=month, reason="the outbox is in use; the next hour tries again")
        return 0


async def delete_page(session: AsyncSession, table: str, condition: str, **values: object) -> int:
    """Deletes up to `PAGE` rows under a condition, which may be followed by an order. Returns how many.

    Rows that another transaction has locked are left to it, or to the next page.
    """
    statement = text(f"""
        delete from {table} where ctid = any(array(
            select ctid from {table} where {condition} limit :page for update skip locked
        ))
    """)
    done = await session.execute(statement, {**values, "page": PAGE})
    return int(done.rowcount)  # type: ignore[attr-defined]


async def _is_alone(session: AsyncSession) -> bool:
    """Takes the lock of every worker's housekeeping, until the end of the transaction, unless another has it."""
    return bool((await session.execute(_ALONE)).scalar_one())


async def _try_detach(session: AsyncSession, month: str) -> int:
    """Raises where a transaction uses the outbox for longer than `DETACH_WAIT`.

    The relay is kept out first, since its transactions last as long as the broker takes. The commit does not wait for
    the disk: a detach that a power cut loses is done again.
    """
    if not await _is_alone(session):
        return 0
    await session.execute(_PAUSE_RELAY)
    milliseconds = int(DETACH_WAIT.total_seconds() * 1000)
    await session.execute(_BRIEFLY, {"wait": f"{milliseconds}ms"})
    await session.execute(text(f"alter table outbox detach partition {month}"))
    return 1


_ALONE = text("select pg_try_advisory_xact_lock(hashtextextended('housekeeping', 0))")
_PREPARE = text("select outbox_prepare(:instant, :months)")
_PAUSE_RELAY = text("select pg_advisory_xact_lock(hashtext('outbox-relay'))")
_BRIEFLY = text("select set_config('lock_timeout', :wait, true), set_config('synchronous_commit', 'off', true)")
_MONTHS = text("""
    select relname from pg_class
    where relnamespace = (select relnamespace from pg_class where oid = 'outbox'::regclass)
      and relkind = 'r' and relname ~ '^outbox_[0-9]{4}_[0-9]{2}$'
      and (to_date(substr(relname, 8), 'YYYY_MM') + interval '1 month') at time zone 'UTC' < :oldest
    order by relname
""")
_IS_ATTACHED = text("select relispartition from pg_class where oid = to_regclass(:month)")
_KEEP = """
    insert into outbox_kept (
        id, created_at, event_id, routing_key, source, subject, sequence, organization_id, payload, published_at,
        retry_at
    )
    select
        id, cast(:at as timestamptz), event_id, routing_key, source, subject, sequence, organization_id, payload,
        published_at, retry_at
    from moved
"""
_FORGET_EARLIER = """
    delete from outbox_kept earlier using moved
    where earlier.subject = moved.subject and earlier.sequence < moved.sequence and earlier.published_at is not null
"""
_IS_KEPT = """
    page.published_at is null or exists (
        select from outbox_sequences last where last.subject = page.subject and last.value = page.sequence
    )
"""
"""A resource's latest event, of which its copies are rebuilt, and what was never published."""
_MOVE = f"""
    with page as materialized (
        select id, created_at, subject, sequence, published_at from <month> where id > :after order by id limit :page
    ), moved as (
        delete from <month> gone using page
        where gone.id = page.id and gone.created_at = page.created_at and ({_IS_KEPT})
        returning gone.*
    ), kept as ({_KEEP}), forgotten as ({_FORGET_EARLIER})
    select max(id) from page
"""
_CLEAR = text(f"""
    with page as (
        delete from outbox_default where (id, created_at) in (
            select id, created_at from outbox_default where created_at < :oldest order by id limit :page
        )
        returning *
    ), moved as (
        select * from page where {_IS_KEPT}
    ), kept as ({_KEEP}), forgotten as ({_FORGET_EARLIER})
    select count(*) from page
""")
