"""Test clocks over HTTP, and the rounds with the services."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from contracts.event import Event
from contracts.identity import TestClockAdvancedV1
from contracts.registry import EVENTS
from contracts.test_clocks import ClockReport, Seen
from identity.organization_access_tokens import operations as tokens
from identity.organizations import operations as organizations
from identity.test_clocks.operations import SERVICES, take_report
from identity.test_clocks.timers import ask_again
from servicekit import auth, clock, ids
from servicekit.auth import Verifier
from servicekit.database import Database
from servicekit.testing.harness import PUBLIC_KEY, SECRET, Bus, signed_headers

JANUARY, FEBRUARY = datetime(2027, 1, 31, 9, tzinfo=UTC), datetime(2027, 2, 28, 9, tzinfo=UTC)
MARCH = "2027-03-01T00:00:00Z"
REPORTS = {event.source.strip("/"): event for event in EVENTS if event.name.endswith(".clock_reported")}


class Rounds:
    """The other services, as this test has them answer."""

    def __init__(self, client: httpx.AsyncClient, database: Database, bus: Bus, organization_id: UUID) -> None:
        self.client, self.database, self.bus, self.organization_id = client, database, bus, organization_id
        self.headers = signed_headers(organization_id, "organizations:write", is_test=True)

    async def create(self, at: datetime = JANUARY) -> Any:
        body = {"name": "Renewals", "frozen_time": at.isoformat()}
        answer = await self.client.post("/v1/test-clocks/", json=body, headers=self.headers)
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def get(self, id: str) -> Any:
        return (await self.client.get(f"/v1/test-clocks/{id}", headers=self.headers)).json()

    async def advance(self, id: str, to: str = MARCH) -> httpx.Response:
        path = f"/v1/test-clocks/{id}/advance"
        return await self.client.post(path, json={"frozen_time": to}, headers=self.headers)

    async def asked(self) -> Any:
        events: list[TestClockAdvancedV1] = await self.bus.recorded(TestClockAdvancedV1)
        return events[-1].data

    async def answer(self, *services: str, **fields: Any) -> None:
        """Lets services answer the present round; all of them when none is named."""
        asked = await self.asked()
        for service in services or SERVICES:
            said = {"clock_id": asked.clock_id, "round": asked.round, "instant": asked.instant, "recorded": [],
                    "unhandled": [], "next_due_at": None, **fields}  # fmt: skip
            contract: type[Event[Any]] = REPORTS[service]
            common = {"subject": ids.uuid7(), "organization_id": self.organization_id, "time": clock.wall()}
            await self.bus.deliver(contract(**common, data=ClockReport.model_validate(said)))


@pytest.fixture
def rounds(client: httpx.AsyncClient, database: Database, bus: Bus, organization_id: UUID) -> Rounds:
    return Rounds(client, database, bus, organization_id)


async def test_a_clock_is_ready_when_every_service_stands_at_it(rounds: Rounds) -> None:
    made = await rounds.create()
    assert (made["status"], made["frozen_time"]) == ("advancing", "2027-01-31T09:00:00Z")
    *others, last = SERVICES
    await rounds.answer(*others)
    shown = await rounds.get(made["id"])
    assert (shown["status"], shown["waiting_for"]) == ("advancing", [f"{last} has not answered"])
    await rounds.answer(last)
    shown = await rounds.get(made["id"])
    assert (shown["status"], shown["waiting_for"]) == ("ready", [])


async def test_it_stops_at_every_instant_at_which_something_is_due(rounds: Rounds) -> None:
    id = (await rounds.create())["id"]
    await rounds.answer()
    assert (await rounds.advance(id)).json()["status"] == "advancing"
    assert (await rounds.asked()).instant == JANUARY, "first everything settles where it stands"
    await rounds.answer("billing", next_due_at=FEBRUARY)
    await rounds.answer(*(service for service in SERVICES if service != "billing"))
    assert (await rounds.asked()).instant == FEBRUARY
    shown = await rounds.get(id)
    assert (shown["present_time"], shown["frozen_time"]) == ("2027-02-28T09:00:00Z", MARCH)
    told = Seen(source="/billing", id=ids.uuid7(), key="order.paid.v1")
    await rounds.answer("billing", recorded=[told])
    await rounds.answer(*(service for service in SERVICES if service != "billing"))
    asked = await rounds.asked()
    assert (asked.instant, asked.seen) == (FEBRUARY, [told]), "who has not handled it?"
    await rounds.answer("billing", recorded=[told])
    await rounds.answer(*(service for service in SERVICES if service != "billing"))
    assert (await rounds.asked()).instant == datetime(2027, 3, 1, tzinfo=UTC)
    await rounds.answer()
    shown = await rounds.get(id)
    assert (shown["status"], shown["present_time"]) == ("ready", MARCH)


async def test_it_waits_for_what_is_not_handled_and_says_so(rounds: Rounds, database: Database) -> None:
    id = (await rounds.create())["id"]
    before = (await rounds.asked()).round
    await rounds.answer("webhooks", unhandled=["order.paid.v1 in webhooks.events"])
    await rounds.answer(*(service for service in SERVICES if service != "webhooks"))
    shown = await rounds.get(id)
    assert shown["status"] == "advancing"
    assert "order.paid.v1 in webhooks.events is not handled" in shown["waiting_for"]
    assert await ask_again(database.transaction) == 0, "nothing new: no hurry"
    clock.move(timedelta(seconds=1))
    assert await ask_again(database.transaction) == 1
    assert (await rounds.asked()).round == before + 1
    await rounds.answer()
    assert (await rounds.get(id))["status"] == "ready"


async def test_a_late_answer_is_left_out(rounds: Rounds, database: Database) -> None:
    id = (await rounds.create())["id"]
    asked = await rounds.asked()
    late = {"clock_id": asked.clock_id, "round": asked.round - 1, "instant": asked.instant, "recorded": [],
            "unhandled": [], "next_due_at": None}  # fmt: skip
    async with database.transaction() as session:
        await take_report(session, "webhooks", ClockReport.model_validate(late))
    await rounds.answer(*(service for service in SERVICES if service != "webhooks"))
    assert (await rounds.get(id))["status"] == "advancing"


async def test_what_a_clock_refuses(rounds: Rounds, client: httpx.AsyncClient, stranger: httpx.AsyncClient) -> None:
    live = await client.post("/v1/test-clocks/", json={"frozen_time": MARCH})
    assert (live.status_code, live.json()["error"]) == (403, "NotInTestMode")
    for body in ({}, {"frozen_time": "soon"}, {"frozen_time": "2027-01-01T00:00:00"}, {"frozen_time": "2150-01-01Z"},
                 {"frozen_time": "2019-12-31T00:00:00Z"}, {"frozen_time": MARCH, "name": ""}):  # fmt: skip
        answer = await client.post("/v1/test-clocks/", json=body, headers=rounds.headers)
        assert answer.status_code == 422, body
    id = (await rounds.create())["id"]
    again = await client.post("/v1/test-clocks/", json={"frozen_time": MARCH}, headers=rounds.headers)
    assert (again.status_code, again.json()["error"]) == (409, "TestClockExists")
    busy = await rounds.advance(id)
    assert (busy.status_code, busy.json()["error"]) == (409, "TestClockAdvancing")
    await rounds.answer()
    for to in ("2027-01-31T09:00:00Z", "2026-01-01T00:00:00Z", "2029-02-02T00:00:00Z"):
        refused = await rounds.advance(id, to)
        assert (refused.status_code, refused.json()["detail"][0]["loc"]) == (422, ["body", "frozen_time"]), to
    foreign = signed_headers(ids.uuid7(), "organizations:write", is_test=True)
    for method, path in (("GET", ""), ("POST", "/advance"), ("DELETE", "")):
        body = {"frozen_time": MARCH} if method == "POST" else None
        answer = await stranger.request(method, f"/v1/test-clocks/{id}{path}", json=body, headers=foreign)
        assert answer.status_code == 404, (method, path)
    listed = await stranger.get("/v1/test-clocks/", headers=foreign)
    assert listed.json()["items"] == []


async def test_a_deleted_clock_is_gone_and_another_may_be_made(rounds: Rounds, client: httpx.AsyncClient) -> None:
    id = (await rounds.create())["id"]
    assert (await client.delete(f"/v1/test-clocks/{id}", headers=rounds.headers)).status_code == 204
    assert (await rounds.asked()).is_deleted
    await rounds.answer()
    assert (await client.get(f"/v1/test-clocks/{id}", headers=rounds.headers)).status_code == 404
    made = await rounds.create(JANUARY - timedelta(days=300))
    listed = (await client.get("/v1/test-clocks/", headers=rounds.headers)).json()
    assert [one["id"] for one in listed["items"]] == [made["id"]]


@pytest.mark.parametrize("is_test", [True, False])
async def test_the_principal_says_whether_the_organization_is_in_test_mode(
    client: httpx.AsyncClient, database: Database, is_test: bool
) -> None:
    async with database.transaction() as session:
        made = await organizations.create(session, "Acme", "acme", is_test=is_test)
        _, token = await tokens.create(session, SECRET, made.id, "first", ["organizations:read"])
    answer = await client.get("/internal/authenticate", headers={"Authorization": f"Bearer {token}"})
    assert Verifier(PUBLIC_KEY).verify(answer.headers[auth.HEADER]).is_test is is_test
