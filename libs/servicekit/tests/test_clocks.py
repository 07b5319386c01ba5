"""Test clocks in one service: who stands where, what is due when, and what is reported."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from contracts.identity import OrganizationCreatedV1, TestClockAdvancedV1
from contracts.metering import MeteringClockReportedV1
from contracts.test_clocks import ClockMoved, Seen
from servicekit import clock, ids, outbox
from servicekit.clock import Standing
from servicekit.clocks import Clocks
from servicekit.consumers import Consumers, Message, Retry
from servicekit.database import Database
from servicekit.testing.harness import Bus, signed_headers
from servicekit.timers import Timer, due
from sqlalchemy import DateTime, select, text, type_coerce, update

JANUARY = datetime(2027, 1, 31, 9, tzinfo=UTC)
MARCH = datetime(2027, 3, 1, tzinfo=UTC)


class Follower:
    """The sample following clocks: its flows, and a timer that doubles the size of every note whose time has come."""

    def __init__(self, database: Database, notes: Any) -> None:
        self.database, self.notes = database, notes
        self.clocks = Clocks("metering", MeteringClockReportedV1)
        self.heard: list[tuple[str, datetime]] = []
        self.flow = Consumers("sample.heard")
        self.flow.on(OrganizationCreatedV1)(self.note)
        self.timers = [Timer("double", self.double)]
        self.runs: list[datetime] = []
        self.rounds = 0

    async def note(self, event: Any, session: Any) -> None:
        self.heard.append((event.data.name, clock.now()))
        if event.data.name == "later":
            raise Retry(timedelta(hours=1), "not yet")

    async def double(self, sessions: Any) -> int:
        async with sessions() as session:
            is_due = due(self.notes.created_at, self.notes.organization_id)
            done = await session.execute(
                update(self.notes).where(is_due, self.notes.size == 1).values(size=2).returning(self.notes.text)
            )
            found = done.scalars().all()
            self.runs += [clock.now()] * len(found)
            return len(found)

    async def hear(self, organization_id: UUID, instant: datetime, clock_id: UUID, **fields: Any) -> None:
        self.rounds += 1
        fields.setdefault("round", self.rounds)
        moved = ClockMoved(clock_id=clock_id, instant=instant, **fields)
        event = TestClockAdvancedV1(
            subject=clock_id, organization_id=organization_id, time=clock.wall(), data=moved
        )  # fmt: skip
        await Bus(self.database, [self.clocks.flow]).deliver(event)

    async def note_due(self, organization_id: UUID, at: datetime, words: str = "x") -> None:
        async with self.database.transaction() as session:
            row = {"text": words, "size": 1, "user_metadata": {}, "created_at": at}
            session.add(self.notes(organization_id=organization_id, **row))

    async def tend(self, organization_id: UUID) -> Any:
        """Tends the clock once. Returns what was reported, if anything was."""
        if not await self.clocks.tend(self.database, [self.flow], self.timers, organization_id):
            return None
        bodies = await self.rows("select payload from outbox where routing_key like '%reported%' order by id")
        return MeteringClockReportedV1.from_bytes(bodies[-1].payload).data

    async def rows(self, statement: str, **values: Any) -> Any:
        async with self.database.transaction() as session:
            return (await session.execute(text(statement), values)).all()


@pytest.fixture
def follower(database: Database, notes: Any) -> Follower:
    return Follower(database, notes)


async def test_work_comes_due_on_the_clock_of_its_organization(follower: Follower) -> None:
    """By the machine's clock what has no test clock; at a test clock what is its own, and at its instant."""
    mine, other = ids.uuid7(), ids.uuid7()
    await follower.hear(mine, JANUARY, ids.uuid7())
    past = clock.wall() - timedelta(days=1)
    for organization_id in (mine, other):
        await follower.note_due(organization_id, past, "past")
        await follower.note_due(organization_id, JANUARY, "january")
        await follower.note_due(organization_id, MARCH, "march")
    assert await follower.double(follower.database.transaction) == 1
    by_wall = await follower.rows("select organization_id, text from notes where size = 2")
    assert by_wall == [(other, "past")]
    with clock.standing_at(Standing(mine, JANUARY)):
        assert await follower.double(follower.database.transaction) == 2
    doubled = await follower.rows("select text from notes where size = 2 and organization_id = :o order by 1", o=mine)
    assert [row.text for row in doubled] == ["january", "past"]


async def test_a_deleted_clock_gives_the_organization_back_to_the_machine(follower: Follower) -> None:
    organization_id, clock_id = ids.uuid7(), ids.uuid7()
    await follower.hear(organization_id, JANUARY, clock_id)
    await follower.note_due(organization_id, clock.wall() - timedelta(days=1))
    assert await follower.double(follower.database.transaction) == 0
    await follower.hear(organization_id, JANUARY, clock_id, is_deleted=True)
    assert await follower.double(follower.database.transaction) == 1
    assert await follower.tend(organization_id) is None
    await follower.hear(organization_id, MARCH, clock_id, round=1)  # an old word, told again by hand
    assert (await follower.rows("select is_deleted from clocks")) == [(True,)]


async def test_an_event_is_handled_at_the_clock_of_its_organization(
    follower: Follower, organization_event: Callable[..., Any]
) -> None:
    bus = Bus(follower.database, [follower.flow])
    behind, ahead, plain = (organization_event(name) for name in ("behind", "ahead", "plain"))
    await follower.hear(behind.organization_id, MARCH, ids.uuid7())
    behind.clock_time = JANUARY  # told again later: the clock stands elsewhere by now
    ahead.clock_time = MARCH  # it moved at the producer first
    await bus.deliver(behind, ahead, plain)
    assert follower.heard[:2] == [("behind", MARCH), ("ahead", MARCH)]
    assert abs(follower.heard[2][1] - clock.wall()) < timedelta(minutes=1)


async def test_what_is_recorded_at_a_clock_carries_both_times(
    follower: Follower, organization_event: Callable[..., Any]
) -> None:
    event, other = organization_event(), organization_event()
    async with follower.database.transaction() as session:
        with clock.standing_at(Standing(event.organization_id, JANUARY)):
            outbox.record(session, event, other)
    row, elsewhere = await follower.rows("select payload, created_at from outbox order by id")
    written = OrganizationCreatedV1.from_bytes(row.payload)
    assert written.clock_time == JANUARY
    assert written.recorded_time is not None
    assert abs(written.recorded_time - clock.wall()) < timedelta(minutes=1)
    assert row.created_at < JANUARY, "the outbox goes by the machine's clock"
    assert OrganizationCreatedV1.from_bytes(elsewhere.payload).clock_time is None


async def test_a_request_stands_at_the_clock_only_in_test_mode(
    follower: Follower, client: httpx.AsyncClient, organization_id: UUID
) -> None:
    await follower.hear(organization_id, JANUARY, ids.uuid7())
    for name, is_test in (("test", True), ("live", False)):
        headers = signed_headers(organization_id, "notes:write", is_test=is_test)
        answer = await client.post("/v1/notes/", json={"text": name}, headers=headers)
        assert answer.status_code == 201
    rows = dict(await follower.rows("select text, created_at from notes"))
    assert rows["test"] == JANUARY
    assert rows["live"] != JANUARY, "the principal says that it has no clock, so none was looked for"


async def test_a_round_is_answered_with_what_was_done_and_what_waits(
    follower: Follower, organization_event: Callable[..., Any]
) -> None:
    told = organization_event("told")
    organization_id, clock_id = told.organization_id, ids.uuid7()
    await follower.hear(organization_id, JANUARY, clock_id)
    await follower.note_due(organization_id, JANUARY)
    await follower.note_due(organization_id, MARCH)
    await follower.note_due(ids.uuid7(), JANUARY + timedelta(days=1), "of another organization")
    report = await follower.tend(organization_id)
    assert (report.clock_id, report.round, report.instant) == (clock_id, 1, JANUARY)
    assert (report.recorded, report.unhandled, report.next_due_at) == ([], [], MARCH)
    assert follower.runs == [JANUARY]
    assert await follower.tend(organization_id) is None, "the round is answered"

    async with follower.database.transaction() as session:
        outbox.record(session, told)
    seen = [Seen(source=told.source, id=told.id, key=told.routing_key())]
    await follower.hear(organization_id, JANUARY, clock_id, seen=seen)
    report = await follower.tend(organization_id)
    assert (report.recorded, report.unhandled) == (seen, ["organization.created.v1 in sample.heard"])
    await Bus(follower.database, [follower.flow]).deliver(told)
    await follower.hear(organization_id, JANUARY, clock_id, seen=seen)
    report = await follower.tend(organization_id)
    assert (report.recorded, report.unhandled) == (seen, [])

    await follower.hear(organization_id, MARCH, clock_id)
    report = await follower.tend(organization_id)
    assert (report.recorded, report.next_due_at) == ([], None), "at another instant it counts anew"
    assert follower.runs == [JANUARY, MARCH]


async def test_a_message_that_waits_for_something_is_not_handled(
    follower: Follower, organization_event: Callable[..., Any]
) -> None:
    event = organization_event("later")
    await follower.hear(event.organization_id, JANUARY, ids.uuid7())
    message = Message.read(event.to_bytes(), event.routing_key())
    async with follower.database.transaction() as session:
        await follower.flow.store_retry(message, Retry(timedelta(hours=1), "not yet"), session)
    seen = [Seen(source=event.source, id=event.id, key=event.routing_key())]
    clock_id = (await follower.rows("select clock_id from clocks"))[0].clock_id
    await follower.hear(event.organization_id, JANUARY, clock_id, seen=seen)
    assert (await follower.tend(event.organization_id)).unhandled == ["organization.created.v1 in sample.heard"]


async def test_what_was_handled_is_looked_up_before_the_timers_run(
    follower: Follower, organization_event: Callable[..., Any]
) -> None:
    """Else an event that is handled meanwhile could leave work behind that the answer denies."""
    event = organization_event("told")
    await follower.hear(event.organization_id, JANUARY, ids.uuid7())
    clock_id = (await follower.rows("select clock_id from clocks"))[0].clock_id

    async def meanwhile(sessions: Any) -> int:
        await Bus(follower.database, [follower.flow]).deliver(event)
        return await follower.double(sessions)

    follower.timers = [Timer("meanwhile", meanwhile)]
    seen = [Seen(source=event.source, id=event.id, key=event.routing_key())]
    await follower.hear(event.organization_id, JANUARY, clock_id, seen=seen)
    assert (await follower.tend(event.organization_id)).unhandled
    assert follower.heard, "it was handled in the meantime"


async def test_one_worker_tends_a_clock_at_a_time(follower: Follower) -> None:
    organization_id = ids.uuid7()
    await follower.hear(organization_id, JANUARY, ids.uuid7())

    async def nested(sessions: Any) -> int:
        assert await follower.clocks.tend(follower.database, [], [], organization_id) is False
        return await follower.double(sessions)

    follower.timers = [Timer("nested", nested)]
    assert await follower.tend(organization_id) is not None


async def test_a_timer_that_claims_past_the_clock_is_refused(follower: Follower) -> None:
    organization_id = ids.uuid7()
    await follower.hear(organization_id, JANUARY, ids.uuid7())

    async def work(sessions: Any) -> int:
        return 0

    follower.timers = [Timer("own", work, follows_clocks=False)]
    assert await follower.tend(organization_id) is not None
    follower.timers = [Timer("past", work)]
    await follower.hear(organization_id, JANUARY, (await follower.rows("select clock_id from clocks"))[0].clock_id)
    with pytest.raises(RuntimeError, match=r"past follows test clocks but does not claim through timers\.due"):
        await follower.tend(organization_id)


async def test_instants_counted_from_one_column_are_kept_apart(follower: Follower) -> None:
    """Work three days before an instant and seven days before it waits at two instants."""
    organization_id = ids.uuid7()
    await follower.hear(organization_id, JANUARY, ids.uuid7())
    await follower.note_due(organization_id, MARCH)

    async def remind(sessions: Any) -> int:
        async with sessions() as session:
            for days in (7, 3):
                before = type_coerce(follower.notes.created_at - timedelta(days=days), DateTime(timezone=True))
                await session.execute(select(follower.notes).where(due(before, follower.notes.organization_id)))
        return 0

    follower.timers = [Timer("remind", remind)]
    assert (await follower.tend(organization_id)).next_due_at == MARCH - timedelta(days=7)
