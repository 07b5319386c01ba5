"""Copies kept equal to their owner's: digests out, drift back, and what differs is told again.

A service declares what others copy from it (`own`) and what it copies (`keep`). The owner says a digest every few
minutes; who keeps a copy compares in a timer, never in the flow of events; the owner answers drift with the latest
events out of its outbox, and the flow's own handlers write them. A copy is known to be what its event wrote by its
`checksum`, so that an edit by hand is drift too.
"""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

import structlog
from contracts.event import NIL, Event, EventClass
from contracts.projections import Digest, Drift, Range, Replay
from contracts.registry import BY_ROUTING_KEY
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from servicekit import clock, metrics, outbox, telemetry
from servicekit.consumers import Consumers, Message
from servicekit.database import Database, Sessions, is_transient, wake
from servicekit.timers import Timer

log = structlog.get_logger()

RANGE = 200
"""Resources in one range of a digest, and events in one answer."""
RANGES = 4_000
"""At most; beyond 800,000 resources the ranges grow instead."""
DISTRUSTED_AT_ONCE = 1_000
"""Copies in one transaction of a rebuild."""
SETTLING = timedelta(seconds=10)
"""What changed so lately is left out of a digest: its news may still be on its way."""
RECENT = 10_000
_PATIENCE = text("set local statement_timeout = '10min'")
_OLDEST = text("select xid(pg_snapshot_xmin(pg_current_snapshot()))::text")
_SUM = "coalesce(sum(('x' || substr(md5(%s::text || ':' || %s), 1, 15))::bit(60)::bigint), 0)::text"
_CHECKSUM = "md5(jsonb_strip_nulls(to_jsonb(copy) - 'checksum')::text)"

repaired = telemetry.counter(metrics.COPIES_REPAIRED)


@dataclass(frozen=True)
class Owned:
    """A resource that others keep copies of. Its table's rows are what the digest speaks of."""

    resource: str
    table: str
    digested: EventClass
    replayed: EventClass

    @property
    def subject(self) -> UUID:
        """Digests and answers are numbered apart from the resources they speak of."""
        return uuid5(NAMESPACE_URL, f"{self.digested.source}/{self.resource}")

    async def say_due(self, sessions: Sessions, every: timedelta) -> None:
        """Says a digest unless one was said within `every`, however many workers there are."""
        async with sessions() as session:
            said = await session.execute(_SAID, {"subject": self.subject, "due": clock.wall() - every})
            if said.first() is None:
                await self.say(session)

    async def say(self, session: AsyncSession) -> None:
        """Records the digest; nothing while more changes at once than a digest can leave out."""
        await session.execute(_PATIENCE)
        now = clock.wall()
        joined = f"{self.table} as own join outbox_sequences as said on said.subject = own.id"
        lately = text(f"select own.id from {joined} where said.changed_at > :settled limit {RECENT + 1}")
        recent = (await session.execute(lately, {"settled": now - SETTLING})).scalars().all()
        if len(recent) > RECENT:
            log.warning("digest.skipped", resource=self.resource, reason=f"more than {RECENT} changed at once")
            return
        total = (await session.execute(text(f"select count(*) from {self.table}"))).scalar_one()
        digest = text(f"""
            select min(id::text)::uuid as first, count(*) as count, {_SUM % ("id", "value")} as checksum
            from (
                select own.id, said.value, (row_number() over (order by own.id) - 1) / :size as number
                from {joined} where own.id <> all(cast(:recent as uuid[]))
            ) numbered group by number order by number
        """)
        size = max(RANGE, -(-total // RANGES))
        rows = (await session.execute(digest, {"recent": list(recent), "size": size})).mappings().all()
        ranges = [Range.model_validate(dict(row)) for row in rows] or [Range(first=NIL, count=0, checksum="0")]
        ranges[0].first = NIL
        self._record(session, self.digested, Digest(ranges=ranges, recent=list(recent), settled_at=now - SETTLING))

    async def answer(self, session: AsyncSession, drift: Drift) -> None:
        """Tells again what the asker has not or has otherwise, and names what it has and the owner does not know.

        What changed since the digest is left out: a consumer with a backlog would be given all of it twice.
        """
        if drift.first is None:
            await self.say(session)
            return
        held = {copy.id: copy.sequence for copy in drift.copies}
        owned = text(f"""
            select own.id, said.value,
                   cast(:settled_at as timestamptz) is null or said.changed_at <= :settled_at as settled
            from {self.table} as own join outbox_sequences as said on said.subject = own.id
            where own.id >= :first and (cast(:until as uuid) is null or own.id < :until) order by own.id
        """)
        values = {"first": drift.first, "until": drift.until, "settled_at": drift.settled_at}
        rows = (await session.execute(owned, values)).all()
        known = {row.id for row in rows}
        differing = [row.id for row in rows if row.settled and held.get(row.id) != row.value]
        unknown = [id for id in held if id not in known]
        for start in range(0, max(len(differing), 1), RANGE):
            wanted = {"subjects": differing[start : start + RANGE], "kind": f"{self.resource}.%"}
            bodies = (await session.execute(_LATEST, wanted)).scalars().all()
            events = [bytes(body).decode() for body in bodies]
            self._record(session, self.replayed, Replay(queue=drift.queue, events=events, unknown=unknown))
            unknown = []

    def _record(self, session: AsyncSession, contract: EventClass, data: Digest | Replay) -> None:
        event = contract(subject=self.subject, organization_id=NIL, time=clock.wall(), data=data)
        outbox.record(session, event)


@dataclass(eq=False)
class Kept:
    """Copies of another service's resource: `table` has `id`, `sequence` and `checksum`, and `flow` writes it."""

    resource: str
    table: str
    flow: Consumers
    drifted: EventClass
    _unchecked_from: str | None = None
    """The transaction that was the oldest at this process's last check: what no later one wrote is as it was."""

    async def hear(self, event: Event[Any], session: AsyncSession) -> None:
        """Keeps the digest for the timer that compares, unless a later one is there."""
        digest = {"resource": self.resource, "sequence": event.sequence, "digest": event.data.model_dump_json()}
        await session.execute(_HEARD, digest)
        wake(session)

    async def compare(self, sessions: Sessions) -> int:
        """Compares with the latest digest, unless it was, and says where the copies differ. Returns 0."""
        async with sessions() as session:
            waiting = (await session.execute(_WAITING, {"resource": self.resource})).first()
            if waiting is None:
                return 0
            await session.execute(_PATIENCE)
            unchecked_from = await self._distrust(session)
            digest = Digest.model_validate(waiting.digest)
            differing = await self._differing(session, digest)
            for position in differing:
                await self._tell(session, digest, position)
            state = {"resource": self.resource, "sequence": waiting.sequence, "now": clock.wall()}
            await session.execute(_COMPARED, {**state, "differing": len(differing)})
        self._unchecked_from = unchecked_from
        return 0

    async def _distrust(self, session: AsyncSession) -> str:
        """Marks what is not what its event wrote, so that it counts as missing. Returns from where to check next time.

        A process checks every row once, and then those written since. All of 50,000 took a second, in every service
        that keeps customers at the same moment.
        """
        unchecked_from: str = (await session.execute(_OLDEST)).scalar_one()
        written_since = "cast(:since as text) is null or age(xmin) <= age(cast(cast(:since as text) as xid))"
        wrong = f"sequence > 0 and ({written_since}) and checksum <> {_CHECKSUM}"
        marked = text(f"update {self.table} as copy set sequence = -1 where {wrong}")
        await session.execute(marked, {"since": self._unchecked_from})
        return unchecked_from

    async def _differing(self, session: AsyncSession, digest: Digest) -> list[int]:
        """The positions of the ranges whose copies are not as the digest says."""
        firsts = [own.first for own in digest.ranges]
        statement = text(f"""
            select width_bucket(id, cast(:firsts as uuid[])) - 1 as position, count(*), {_SUM % ("id", "sequence")}
            from {self.table} where sequence <> 0 and id <> all(cast(:recent as uuid[])) group by 1
        """)
        rows = await session.execute(statement, {"firsts": firsts, "recent": digest.recent})
        held = {position: (count, checksum) for position, count, checksum in rows}
        return [
            position
            for position, own in enumerate(digest.ranges)
            if held.get(position, (0, "0")) != (own.count, own.checksum)
        ]

    async def _tell(self, session: AsyncSession, digest: Digest, position: int) -> None:
        ranges = digest.ranges
        first = ranges[position].first
        until = ranges[position + 1].first if position + 1 < len(ranges) else None
        statement = text(f"""
            select id, sequence from {self.table}
            where sequence <> 0 and id >= :first and (cast(:until as uuid) is null or id < :until) order by id
        """)
        rows = (await session.execute(statement, {"first": first, "until": until})).mappings().all()
        self.ask(session, first, until, [dict(row) for row in rows], digest.settled_at)

    def ask(
        self,
        session: AsyncSession,
        first: UUID | None = None,
        until: UUID | None = None,
        copies: Sequence[Any] = (),
        settled_at: datetime | None = None,
    ) -> None:
        """Records the question to the owner; without a range, the wish for a digest."""
        fields = {"resource": self.resource, "queue": self.flow.queue, "first": first, "until": until}
        data = Drift.model_validate({**fields, "copies": list(copies), "settled_at": settled_at})
        subject = uuid5(NAMESPACE_URL, f"{self.drifted.source}/{self.flow.queue}")
        outbox.record(session, self.drifted(subject=subject, organization_id=NIL, time=clock.wall(), data=data))

    async def apply(self, event: Event[Any], session: AsyncSession) -> None:
        """Writes what the owner told again through the flow's own handlers; what it does not know is removed.

        The events' own ids are not in the inbox: what is told again was perhaps handled before, and then undone.
        """
        replay: Replay = event.data
        if replay.queue != self.flow.queue:
            return
        if not replay.events and not replay.unknown:
            await session.execute(_EQUAL, {"resource": self.resource})
            return
        found: list[UUID] = []
        for body in replay.events:
            key = str(json.loads(body)["type"]).removeprefix("polar.")
            message = Message.read(body.encode(), key)
            if message.event is None or key not in self.flow.handlers:
                log.error("projection.unreadable", resource=self.resource, reason=message.problem or key)
                continue
            if await self._write(message.event, session):
                found.append(message.event.subject)
        if replay.unknown:
            gone = text(f"delete from {self.table} where id = any(:ids) and sequence <> 0 returning id")
            found += (await session.execute(gone, {"ids": replay.unknown})).scalars().all()
        if found:
            sample = [str(id) for id in found[:5]]
            log.error("projection.repaired", resource=self.resource, copies=len(found), sample=sample)
            repaired.add(len(found), {"resource": self.resource, "queue": self.flow.queue})
            state = {"resource": self.resource, "count": len(found), "now": clock.wall()}
            await session.execute(_REPAIRED, state)

    async def _write(self, event: Event[Any], session: AsyncSession) -> bool:
        """Whether the event was news to its copy. One that cannot be handled does not hold the others back."""
        present = text(f"select sequence from {self.table} where id = :id")
        before = (await session.execute(present, {"id": event.subject})).scalar_one_or_none()
        recorded = len(session.info.get("events", ()))
        try:
            async with session.begin_nested():
                await self.flow.call(event, session)
        except Exception as error:
            if is_transient(error):
                raise
            del session.info.get("events", [])[recorded:]
            log.error("projection.not_repaired", resource=self.resource, id=str(event.subject), exc_info=error)
            return False
        return before is None or before < event.sequence

    async def distrust_page(self, session: AsyncSession, after: UUID, *, empty: bool) -> UUID | None:
        """Marks a page of copies as unknown (they still serve), or with `empty` removes it, in the order of their ids.

        Returns the last id that it looked at, None when there was none behind `after`.
        """
        page = text(f"select id from {self.table} where id > :after order by id limit {DISTRUSTED_AT_ONCE}")
        ids: Sequence[UUID] = (await session.execute(page, {"after": after})).scalars().all()
        change = f"delete from {self.table}" if empty else f"update {self.table} set sequence = -1"
        await session.execute(text(f"{change} where id = any(:ids) and sequence <> 0"), {"ids": list(ids)})
        return ids[-1] if ids else None

    async def missing(self, session: AsyncSession, since: datetime) -> int | None:
        """Copies that still have to be told again; None until a digest was compared after `since`; 0 when equal."""
        waiting = (await session.execute(text(f"select count(*) from {self.table} where sequence = -1"))).scalar_one()
        state = (await session.execute(_STATE, {"resource": self.resource, "since": since})).first()
        if waiting:
            return int(waiting)
        return None if state is None or state.differing else 0


class Projections:
    """What a service's copies are, on both sides. `drifted` is the event in which it says that its copies differ."""

    def __init__(self, service: str, drifted: EventClass | None = None) -> None:
        self.replays = Consumers(f"{service}.replays")
        """The flow in which those who keep copies ask; among the worker's flows where the service owns something."""
        self.kept: list[Kept] = []
        self._drifted = drifted
        self._owned: dict[str, Owned] = {}

    def own(
        self, resource: str, model: type[Any], digested: EventClass, replayed: EventClass, *, copied_by: Sequence[str]
    ) -> None:
        """Others keep copies of this resource, whose rows are the model's."""
        self._owned[resource] = Owned(resource, model.__tablename__, digested, replayed)
        for service in copied_by:
            asking = BY_ROUTING_KEY[f"{service}.drifted.v1"]
            if asking.routing_key() not in self.replays.handlers:
                self.replays.on(asking)(self._answer)

    async def _answer(self, event: Event[Any], session: AsyncSession) -> None:
        owned = self._owned.get(event.data.resource)
        if owned is not None:
            await owned.answer(session, event.data)

    def keep(self, resource: str, model: type[Any], flow: Consumers) -> None:
        """The flow keeps copies of this resource in the model's table. Raises `ValueError` without `drifted`."""
        if self._drifted is None:
            raise ValueError("say in which event this service tells that its copies differ")
        kept = Kept(resource, model.__tablename__, flow, self._drifted)
        self.kept.append(kept)
        flow.on(BY_ROUTING_KEY[f"{resource}.digested.v1"])(kept.hear)
        flow.on(BY_ROUTING_KEY[f"{resource}.replayed.v1"])(kept.apply)

    def timers(self, every: timedelta) -> list[Timer]:
        """Of the worker: what is owned is digested every `every`; what is kept is compared when a digest arrives."""
        owned = list(self._owned.values())
        subjects = [one.subject for one in owned]

        async def is_any_unsaid(database: Database) -> bool:
            row = await database.fetchrow(_SAID_OF, subjects, clock.wall() - every)
            return bool(row["said"] < len(subjects))

        async def say(sessions: Sessions) -> int:
            await asyncio.gather(*(one.say_due(sessions, every) for one in owned))
            return 0

        async def is_any_waiting(database: Database) -> bool:
            return await database.fetchrow(_ANY_WAITING) is not None

        async def compare(sessions: Sessions) -> int:
            return sum(await asyncio.gather(*(one.compare(sessions) for one in self.kept)))

        found = []
        if owned:
            found.append(Timer("digests", say, every=every / 4, ready=is_any_unsaid))
        if self.kept:
            found.append(Timer("comparisons", compare, every=every / 4, on_wake=True, ready=is_any_waiting))
        return found

    async def rebuild(self, sessions: Sessions, *, empty: bool) -> datetime:
        """Has every copy told again. Returns the instant from which `missing` speaks of it.

        In pages, so that the flows that write copies go on beside it; after a kill the command is given again.
        """
        for kept in self.kept:
            after: UUID | None = NIL
            while after is not None:
                async with sessions() as session:
                    after = await kept.distrust_page(session, after, empty=empty)
                    if after is None:
                        kept.ask(session)
        return clock.wall()

    async def missing(self, sessions: Sessions, since: datetime, *, has_stopped: bool = False) -> dict[str, int | None]:
        """What `Kept.missing` says of each resource; where it says None, another digest is asked for.

        And, when nothing comes any more, where it says that some are to come: the last digest left those out that had
        changed a moment before it.
        """
        found: dict[str, int | None] = {}
        async with sessions() as session:
            for kept in self.kept:
                found[kept.resource] = await kept.missing(session, since)
                if found[kept.resource] is None or (found[kept.resource] and has_stopped):
                    kept.ask(session)
        return found


_SAID = text("select 1 from outbox_sequences where subject = :subject and changed_at > :due")
_SAID_OF = "select count(*) as said from outbox_sequences where subject = any($1) and changed_at > $2"
_LATEST = text("""
    select distinct on (subject) payload from outbox
    where subject = any(:subjects) and routing_key like :kind order by subject, sequence desc
""")
_HEARD = text("""
    insert into projection_checks as present (resource, sequence, digest)
    values (:resource, :sequence, cast(:digest as jsonb))
    on conflict (resource) do update set sequence = excluded.sequence, digest = excluded.digest
    where present.sequence < excluded.sequence
""")
_WAITING = text("""
    select sequence, digest from projection_checks
    where resource = :resource and sequence > compared_sequence
      and pg_try_advisory_xact_lock(hashtext('projection ' || resource))
""")
_ANY_WAITING = "select 1 from projection_checks where sequence > compared_sequence limit 1"
_COMPARED = text("""
    update projection_checks set compared_sequence = :sequence, compared_at = :now, differing = :differing,
        rounds = case when :differing = 0 then 0 else rounds + 1 end
    where resource = :resource
""")
_EQUAL = text("""
    update projection_checks set differing = differing - 1, rounds = case when differing = 1 then 0 else rounds end
    where resource = :resource and differing > 0
""")
"""The owner found nothing in a range that seemed to differ."""
_REPAIRED = text("""
    update projection_checks set repaired = repaired + :count, repaired_at = :now where resource = :resource
""")
_STATE = text("select differing from projection_checks where resource = :resource and compared_at > :since")
