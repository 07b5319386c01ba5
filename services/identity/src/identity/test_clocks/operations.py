"""Making a clock, moving it, and following what the services answer."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID

from contracts.registry import EVENTS
from contracts.test_clocks import ClockReport
from servicekit import clock, ids, outbox
from servicekit.auth import Principal, owned_by
from servicekit.errors import Conflict, InvalidInput, NotPermitted, ResourceNotFound
from servicekit.lists import Page, fetch_page
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from identity.test_clocks import events
from identity.test_clocks.models import TestClock, TestClockReport
from identity.test_clocks.rounds import Answer, following, is_quiet
from identity.test_clocks.schemas import TestClockCreate, TestClockRead

SERVICES = tuple(sorted(event.source.strip("/") for event in EVENTS if event.name.endswith(".clock_reported")))
"""Who must answer a round."""
ASK_AGAIN = timedelta(milliseconds=200)
EARLIEST = datetime(2020, 1, 1, tzinfo=UTC)
LATEST = datetime(2100, 1, 1, tzinfo=UTC)


class NotInTestMode(NotPermitted):
    """Only the time of an organization in test mode can be moved."""

    __test__: ClassVar[bool] = False


class TestClockExists(Conflict):
    """The organization has a clock already."""

    __test__: ClassVar[bool] = False


async def create(session: AsyncSession, principal: Principal, wish: TestClockCreate) -> TestClockRead:
    """Makes the organization's clock; it is ready when every service stands at it.

    Raises `NotInTestMode`, `TestClockExists`, or `InvalidInput` for an instant outside of 2020 to 2100.
    """
    organization_id = principal.organization(wish.organization_id)
    if not principal.is_test:
        raise NotInTestMode("Only an organization in test mode may have a test clock")
    _ensure_possible(wish.frozen_time)
    values = {
        "id": ids.uuid7(),
        "organization_id": organization_id,
        "created_at": clock.wall(),
        "name": wish.name,
        "frozen_time": wish.frozen_time,
        "present_time": wish.frozen_time,
        "status": "advancing",
        "round": 0,
        "seen": [],
    }
    written = insert(TestClock).values(values).on_conflict_do_nothing().returning(TestClock)
    made = (await session.execute(written)).scalar_one_or_none()
    if made is None:
        raise TestClockExists("The organization has a test clock; delete it first")
    _ask(session, made, [])
    return _read(made, [])


async def get(session: AsyncSession, principal: Principal, clock_id: UUID) -> TestClockRead:
    """Raises `ResourceNotFound`."""
    made = await _find(session, principal, clock_id)
    return _read(made, await _reports(session, made))


async def list_clocks(session: AsyncSession, principal: Principal, page: Page) -> tuple[list[TestClockRead], int]:
    """The caller's clocks that are not deleted, the newest first."""
    statement = select(TestClock).where(owned_by(principal, TestClock), TestClock.deleted_at.is_(None))
    found, total = await fetch_page(session, statement, page, [TestClock.created_at.desc(), TestClock.id.desc()])
    return [_read(made, await _reports(session, made)) for made in found], total


async def advance(session: AsyncSession, principal: Principal, clock_id: UUID, to: datetime) -> TestClockRead:
    """Sets the clock going. First everything settles where it stands; then it goes from one due instant to the next.

    Raises `ResourceNotFound`, `TestClockAdvancing`, or `InvalidInput` for an instant that it cannot go to.
    """
    _ensure_possible(to)
    made = await _find(session, principal, clock_id, lock=True)
    made.advance(to, clock.wall())
    _ask(session, made, [])
    return _read(made, [])


async def delete(session: AsyncSession, principal: Principal, clock_id: UUID) -> None:
    """Gives the organization back to the machine's clock; what was made stays as it is. Raises `ResourceNotFound`."""
    made = await _find(session, principal, clock_id, lock=True)
    made.deleted_at = made.modified_at = clock.wall()
    made.ask_at = None
    _ask(session, made, [])


async def take_report(session: AsyncSession, service: str, report: ClockReport) -> None:
    """Keeps a service's answer; the last one of a round decides how the clock goes on. Late answers are left out."""
    statement = select(TestClock).where(TestClock.id == report.clock_id, TestClock.deleted_at.is_(None))
    made = (await session.execute(statement.with_for_update())).scalar_one_or_none()
    if made is None or made.round != report.round or made.status == "ready":
        return
    values = {
        "round": report.round,
        "recorded": [seen.model_dump(mode="json") for seen in report.recorded],
        "unhandled": report.unhandled,
        "next_due_at": report.next_due_at,
    }
    kept = insert(TestClockReport).values(clock_id=made.id, service=service, **values)
    await session.execute(kept.on_conflict_do_update(index_elements=["clock_id", "service"], set_=values))
    answers = [one for one in await _reports(session, made) if one.round == made.round]
    if {one.service for one in answers} == set(SERVICES):
        _go_on(session, made, answers)


async def ask_again(session: AsyncSession, made: TestClock) -> None:
    """Puts the last round's question once more, with what is seen by now."""
    _ask(session, made, made.seen)


def _go_on(session: AsyncSession, made: TestClock, reports: Sequence[TestClockReport]) -> None:
    answers = [
        Answer(frozenset(UUID(event["id"]) for event in one.recorded), bool(one.unhandled), one.next_due_at)
        for one in reports
    ]
    known = {UUID(event["id"]) for event in made.seen}
    if not is_quiet(known, answers):
        seen = [event for one in reports for event in one.recorded]
        if {UUID(event["id"]) for event in seen} == known:
            # Nothing new: somebody is still at work, or waits for something. No need to hurry.
            made.ask_at = clock.wall() + ASK_AGAIN
        else:
            _ask(session, made, seen)
    elif made.present_time == made.frozen_time:
        made.status, made.seen, made.modified_at = "ready", [], clock.wall()
    else:
        made.present_time = following(made.present_time, made.frozen_time, answers)
        _ask(session, made, [])


def _ask(session: AsyncSession, made: TestClock, seen: list[Any]) -> None:
    made.round += 1
    made.seen, made.ask_at = seen, None
    outbox.record(session, events.test_clock_advanced(made))


def _ensure_possible(instant: datetime) -> None:
    if not EARLIEST <= instant <= LATEST:
        raise InvalidInput(("body", "frozen_time"), "Should be between the years 2020 and 2100")


async def _find(session: AsyncSession, principal: Principal, clock_id: UUID, *, lock: bool = False) -> TestClock:
    statement = select(TestClock).where(
        owned_by(principal, TestClock), TestClock.id == clock_id, TestClock.deleted_at.is_(None)
    )
    made = (await session.execute(statement.with_for_update() if lock else statement)).scalar_one_or_none()
    if made is None:
        raise ResourceNotFound()
    return made


async def _reports(session: AsyncSession, made: TestClock) -> list[TestClockReport]:
    statement = select(TestClockReport).where(TestClockReport.clock_id == made.id)
    found = await session.execute(statement.execution_options(populate_existing=True))
    return list(found.scalars())


def _read(made: TestClock, reports: Sequence[TestClockReport]) -> TestClockRead:
    waiting: list[str] = []
    if made.status == "advancing":
        present = {one.service: one for one in reports if one.round == made.round}
        waiting = [f"{service} has not answered" for service in SERVICES if service not in present]
        unhandled = {what for one in reports if one.round >= made.round - 1 for what in one.unhandled}
        waiting += [f"{what} is not handled" for what in sorted(unhandled)]
    fields = ("id", "created_at", "modified_at", "organization_id", "name", "frozen_time", "present_time", "status")
    return TestClockRead(**{name: getattr(made, name) for name in fields}, waiting_for=waiting)
