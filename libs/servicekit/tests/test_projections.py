"""Copies against their owner's digests. The sample owns notes and keeps copies of organizations; here it does both."""

import asyncio
import json
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from contracts import checkout, identity
from contracts.event import NIL
from contracts.registry import BY_ROUTING_KEY
from servicekit import clock, ids, outbox
from servicekit.consumers import Consumers
from servicekit.database import Database
from servicekit.housekeeping import Housekeeping
from servicekit.projections import RANGE, SETTLING, Projections
from servicekit.testing.harness import Bus
from sqlalchemy import text


class Sample:
    """The owner (notes, told of as organizations) and the keeper (copies) in one database, and the wire between."""

    def __init__(self, database: Database, notes: Any, copies: Any, flow: Consumers, build: Any) -> None:
        self.database, self.build = database, build
        self.projections = Projections("sample", checkout.CheckoutDriftedV1)
        own = identity.OrganizationDigestedV1, identity.OrganizationReplayedV1
        self.projections.own("organization", notes, *own, copied_by=["checkout"])
        self.flow = Consumers("sample.organizations")
        self.flow.handlers.update(flow.handlers)
        self.projections.keep("organization", copies, self.flow)
        self.timers = self.projections.timers(timedelta(seconds=60))
        self.at = 0

    async def rows(self, statement: str, **values: Any) -> list[Any]:
        async with self.database.transaction() as session:
            result = await session.execute(text(statement), values)
            return list(result.all()) if result.returns_rows else []

    async def own(self, name: str, *, id: UUID | None = None, told: bool = True) -> UUID:
        """The owner has one more (or says something new of one), and its event, which arrives where `told`."""
        id = id or ids.uuid7()
        async with self.database.transaction() as session:
            await session.execute(
                text("""
                    insert into notes (id, organization_id, created_at, text, size, metadata)
                    values (:id, :id, :now, :name, 1, '{}') on conflict (id) do update set text = :name
                """),
                {"id": id, "now": clock.now(), "name": name},
            )
            outbox.record(session, self.build(name, subject=id, updated=True))
        if not told:
            await self.rows("update outbox set published_at = :now", now=clock.now())
        return id

    async def deliver(self) -> list[str]:
        """Hands on everything that was recorded and not handed on yet. Returns the types."""
        rows = await self.rows(
            "update outbox set published_at = :now where published_at is null returning id, routing_key, payload",
            now=clock.now(),
        )
        bus = Bus(self.database, [self.flow, self.projections.replays])
        for row in sorted(rows):
            await bus.deliver(BY_ROUTING_KEY[row.routing_key].from_bytes(row.payload))
        return [row.routing_key for row in sorted(rows)]

    async def interval(self) -> list[str]:
        """One interval: a digest, the comparison, and every question and answer that follows."""
        clock.move(timedelta(seconds=70))
        types: list[str] = []
        for _ in range(5):
            for timer in self.timers:
                await timer.work(self.database.transaction)
            arrived = await self.deliver()
            types += arrived
            if not arrived:
                break
        return types

    async def names(self) -> dict[UUID, str]:
        return {row.id: row.name for row in await self.rows("select id, name from copies")}


@pytest.fixture
async def sample(database: Database, notes: Any, copies: Any, flow: Consumers, organization_event: Any) -> Sample:
    return Sample(database, notes, copies, flow, organization_event)


async def test_equal_copies_are_left_alone(sample: Sample) -> None:
    for number in range(3):
        await sample.own(f"n{number}")
    await sample.deliver()
    assert await sample.interval() == ["organization.digested.v1"]
    assert (await sample.rows("select differing, rounds, repaired from projection_checks")) == [(0, 0, 0)]


@pytest.mark.parametrize("is_first", [True, False])
@pytest.mark.parametrize(
    "plant",
    [
        "update copies set name = 'edited'",
        "update copies set name = 'edited', sequence = 99",
        "update copies set sequence = 1",
        "delete from copies",
        "insert into copies (id, sequence, name) values (gen_random_uuid(), 3, 'stranger')",
    ],
)
async def test_drift_planted_by_hand_is_repaired(sample: Sample, plant: str, is_first: bool) -> None:
    """By the first check, which reads every row, and by those that read what was written since the one before."""
    one = await sample.own("first")
    await sample.own("second", id=one)
    two = await sample.own("other")
    await sample.deliver()
    if not is_first:
        assert await sample.interval() == ["organization.digested.v1"]
    await sample.rows(plant)
    assert await sample.interval() == [
        "organization.digested.v1", "checkout.drifted.v1", "organization.replayed.v1",
    ]  # fmt: skip
    assert await sample.names() == {one: "second", two: "other"}
    assert await sample.interval() == ["organization.digested.v1"]
    ((differing, rounds, repaired),) = await sample.rows("select differing, rounds, repaired from projection_checks")
    assert (differing, rounds) == (0, 0)
    assert repaired >= 1


async def test_an_event_that_never_arrived_is_told_again(sample: Sample) -> None:
    one = await sample.own("before")
    await sample.deliver()
    await sample.own("after", id=one, told=False)
    assert await sample.names() == {one: "before"}
    await sample.interval()
    assert await sample.names() == {one: "after"}


async def test_what_changed_a_moment_ago_is_not_drift(sample: Sample) -> None:
    await sample.own("settled")
    await sample.deliver()
    clock.move(SETTLING * 7)
    late = await sample.own("on its way", told=False)
    for timer in sample.timers:
        await timer.work(sample.database.transaction)
    await sample.deliver()
    for timer in sample.timers:
        await timer.work(sample.database.transaction)
    assert await sample.deliver() == []
    assert late not in await sample.names()


async def test_copies_ahead_of_a_digest_and_a_backlog_behind_it_are_no_drift(sample: Sample) -> None:
    """A queue may be minutes behind: what it will bring is not told a second time, and nobody is woken."""
    await sample.own("settled")
    await sample.deliver()
    clock.move(SETTLING * 7)
    for timer in sample.timers:
        await timer.work(sample.database.transaction)
    assert await sample.deliver() == ["organization.digested.v1"]
    await sample.own("ahead")
    await sample.deliver()
    behind = await sample.own("behind", told=False)
    clock.move(SETTLING * 3)
    for timer in sample.timers:
        await timer.work(sample.database.transaction)
    assert await sample.deliver() == ["checkout.drifted.v1"]
    assert await sample.rows("select differing, rounds from projection_checks") == [(1, 1)]
    assert await sample.deliver() == ["organization.replayed.v1"]
    assert await sample.rows("select differing, rounds, repaired from projection_checks") == [(0, 0, 0)]
    assert behind not in await sample.names()


async def test_many_ranges_are_told_again_in_answers_of_bounded_size(sample: Sample) -> None:
    count = 3 * RANGE + 7
    async with sample.database.transaction() as session:
        for number in range(count):
            id = ids.uuid7()
            await session.execute(
                text("insert into notes values (:id, :id, :now, null, :name, 1, '{}')"),
                {"id": id, "now": clock.now(), "name": f"n{number}"},
            )
            outbox.record(session, sample.build(f"n{number}", subject=id))
    await sample.rows("update outbox set published_at = :now", now=clock.now())
    types = await sample.interval()
    assert types.count("checkout.drifted.v1") == 4
    assert len(await sample.names()) == count
    sizes = [
        len(json.loads(row.payload)["data"]["events"])
        for row in await sample.rows("select payload from outbox where routing_key = 'organization.replayed.v1'")
    ]
    assert sorted(sizes) == [7, RANGE, RANGE, RANGE]


async def test_one_that_cannot_be_handled_does_not_hold_the_others_back(sample: Sample) -> None:
    await sample.own("poison", told=False)
    fine = await sample.own("fine", told=False)
    await sample.interval()
    assert await sample.names() == {fine: "fine"}
    await sample.interval()
    ((rounds,),) = await sample.rows("select rounds from projection_checks")
    assert rounds == 2, "the invariant tells of it"


async def test_a_rebuild_gives_the_same_content(sample: Sample) -> None:
    for number in range(5):
        await sample.own(f"n{number}")
    await sample.deliver()
    before = await sample.rows("select * from copies order by id")
    for empty in (False, True):
        since = await sample.projections.rebuild(sample.database.transaction, empty=empty)
        assert len(await sample.names()) == (0 if empty else 5)
        missing = sample.projections.missing
        assert await missing(sample.database.transaction, since) != {"organization": 0}
        await sample.interval()
        await sample.interval()
        assert await missing(sample.database.transaction, since) == {"organization": 0}
        assert await sample.rows("select * from copies order by id") == before


async def test_a_rebuild_does_not_wait_for_the_next_interval_for_what_changed_a_moment_ago(sample: Sample) -> None:
    """The first digest leaves it out; when nothing comes any more, another is asked for."""
    await sample.own("settled")
    clock.move(SETTLING * 3)
    await sample.own("new")
    await sample.deliver()
    before = await sample.rows("select * from copies order by id")
    since = await sample.projections.rebuild(sample.database.transaction, empty=False)

    async def answered() -> None:
        for _ in range(4):
            await sample.deliver()
            await sample.timers[1].work(sample.database.transaction)

    await answered()
    missing = sample.projections.missing
    assert await missing(sample.database.transaction, since) == {"organization": 1}
    clock.move(SETTLING)
    await answered()
    assert await missing(sample.database.transaction, since) == {"organization": 1}, "nobody asked"
    assert await missing(sample.database.transaction, since, has_stopped=True) == {"organization": 1}
    await answered()
    assert await sample.rows("select * from copies order by id") == before
    clock.move(SETTLING)
    await missing(sample.database.transaction, since)
    await answered()
    assert await missing(sample.database.transaction, since) == {"organization": 0}


async def test_two_workers_say_one_digest_and_compare_once(sample: Sample) -> None:
    await sample.own("one")
    await sample.deliver()
    clock.move(timedelta(seconds=70))
    say, compare = sample.timers
    await say.work(sample.database.transaction)
    await say.work(sample.database.transaction)
    assert await sample.deliver() == ["organization.digested.v1"]
    await sample.rows("delete from copies")
    await asyncio.gather(*(compare.work(sample.database.transaction) for _ in range(2)))
    assert await sample.deliver() == ["checkout.drifted.v1"]


async def test_an_answer_to_another_queue_is_not_ours(sample: Sample) -> None:
    one = await sample.own("one")
    await sample.deliver()
    replay = {"queue": "benefits.organizations", "events": [], "unknown": [one]}
    event = identity.OrganizationReplayedV1(
        subject=ids.uuid7(), organization_id=NIL, time=clock.now(), data=identity.Replay.model_validate(replay)
    )
    await Bus(sample.database, [sample.flow]).deliver(event)
    assert one in await sample.names()


async def test_the_latest_event_and_the_unpublished_outlive_the_retention(sample: Sample) -> None:
    start = clock.now()
    await sample.rows("select outbox_prepare(:now, 0)", now=start)
    one = await sample.own("first")
    await sample.own("second", id=one)
    await sample.rows("update outbox set published_at = :now", now=start)
    waiting = await sample.own("waiting")
    await sample.own("waiting still", id=waiting)
    clock.move(timedelta(days=70))
    keeper = Housekeeping(timedelta(days=30))
    while await keeper.work(sample.database.transaction):
        pass
    assert (await sample.rows("select count(*) from outbox_kept"))[0].count == 3
    kept = await sample.rows("select subject, sequence, published_at is null as waits from outbox order by id")
    assert [tuple(row) for row in kept] == [(one, 2, False), (waiting, 1, True), (waiting, 2, True)]
    await sample.interval()
    assert await sample.names() == {one: "second", waiting: "waiting still"}
