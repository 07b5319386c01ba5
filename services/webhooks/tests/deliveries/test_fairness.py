"""Several workers, endpoints that are slow, dead or loud: who is not concerned does not notice."""

import asyncio
import json
import random
from collections import defaultdict
from uuid import UUID

import pytest
from aiohttp import web
from servicekit import ids
from sqlalchemy import text
from webhooks.deliveries.courier import Courier
from webhooks.deliveries.lanes import AFTER_TIMEOUT, PER_ENDPOINT, RATE, Lanes
from webhooks.deliveries.operations import Answer

PATIENCE = 120.0
LOUD = 1_000
"""Events of an endpoint that others must not wait for."""


async def work(courier, database, done):
    """What the worker's timer does, until `done`."""
    while not done():
        if not await courier.deliver_due(database.transaction):
            await asyncio.sleep(0.005)


@pytest.fixture
def endpoints(client, receiver):
    async def make(*names):
        made = {}
        for name in names:
            url = receiver.url.replace("/hook", f"/{name}")
            body = {"url": url, "events": ["benefit.created", "benefit.updated"]}
            made[name] = (await client.post("/v1/webhooks/endpoints", json=body)).json()
        return made

    return make


async def test_order_about_each_resource_with_three_workers(endpoint, receiver, tell, settings, database):
    """Each worker claims as it likes, answers come when they will: first attempts about a resource stay in order."""
    resources = [ids.uuid7() for _ in range(12)]
    told = [(resource, sequence) for sequence in range(1, 9) for resource in resources]
    for resource, sequence in told:
        await tell(sequence, id=resource)
    first: dict[str, list[int]] = defaultdict(list)
    seen: set[str] = set()

    async def answering(request):
        headers, body = next(
            (headers, body) for headers, body in reversed(receiver.requests)
            if headers["webhook-id"] == request.headers["webhook-id"]
        )  # fmt: skip
        if headers["webhook-id"] not in seen:
            seen.add(headers["webhook-id"])
            data = json.loads(body)["data"]
            first[data["id"]].append(int(data["description"].split()[1]))
        await asyncio.sleep(random.random() * 0.02)
        return web.Response(status=random.choice([200, 200, 500]))

    receiver.handler = answering
    async with (
        Courier(settings, database) as one,
        Courier(settings, database) as two,
        Courier(settings, database) as three,
    ):
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(
                *(work(courier, database, lambda: len(seen) == len(told)) for courier in (one, two, three))
            )
    assert dict(first) == {str(resource): list(range(1, 9)) for resource in resources}


async def test_a_failing_resource_holds_nothing_back(endpoint, receiver, tell, settings, database):
    """The first event about one resource stalls: the second about it waits, everything about others goes."""
    stalled = ids.uuid7()
    await tell(1, id=stalled)
    await tell(2, id=stalled)
    others = [(await tell()).subject for _ in range(20)]
    gate = asyncio.Event()
    arrived: list[tuple[str, int]] = []

    async def answering(request):
        data = json.loads(await request.read())["data"]
        arrived.append((data["id"], int(data["description"].split()[1])))
        if data["id"] == str(stalled) and data["description"].startswith("number 1"):
            await gate.wait()
        return web.Response(text="OK")

    receiver.handler = answering
    async with Courier(settings, database) as courier:
        async with asyncio.timeout(PATIENCE):
            await work(courier, database, lambda: len(arrived) == 21)
        assert {id for id, _ in arrived} == {str(stalled), *map(str, others)}
        assert (str(stalled), 2) not in arrived
        gate.set()
        async with asyncio.timeout(PATIENCE):
            await work(courier, database, lambda: (str(stalled), 2) in arrived)


async def test_dead_and_loud_endpoints_do_not_delay_the_others(endpoints, receiver, settings, database):
    """Two workers with 24 places each; a dead endpoint and one with 1,000 events wait before ten quiet ones come."""
    made = await endpoints("dead", "loud", *(f"quiet{number}" for number in range(10)))
    await fill(database, made["dead"]["id"], 300)
    await fill(database, made["loud"]["id"], LOUD)
    arrived: dict[str, int] = {}
    in_hand: dict[str, int] = defaultdict(int)
    most: dict[str, int] = defaultdict(int)
    loud = [0]
    gate = asyncio.Event()

    async def answering(request):
        name = request.path.strip("/")
        in_hand[name] += 1
        most[name] = max(most[name], in_hand[name])
        try:
            if name == "dead":
                await gate.wait()
            loud[0] += name == "loud"
            arrived.setdefault(name, loud[0])
            await asyncio.sleep(0.01)
            return web.Response(text="OK")
        finally:
            in_hand[name] -= 1

    receiver.handler = answering
    small = settings.model_copy(update={"webhook_concurrency": 24})
    quiet = [name for name in made if name.startswith("quiet")]
    async with Courier(small, database) as one, Courier(small, database) as two:
        ended = False
        workers = [asyncio.create_task(work(courier, database, lambda: ended)) for courier in (one, two)]
        async with asyncio.timeout(PATIENCE):
            while not (in_hand["dead"] and in_hand["loud"]):
                await asyncio.sleep(0.005)
        for name in quiet:
            await fill(database, made[name]["id"], 1)
        async with asyncio.timeout(PATIENCE):
            while not all(name in arrived for name in quiet):
                await asyncio.sleep(0.005)
        ended = True
        gate.set()
        await asyncio.gather(*workers)
    assert max(arrived[name] for name in quiet) < LOUD, "before the loud one had all of its own"
    assert most["dead"] <= 2 * PER_ENDPOINT
    assert most["loud"] <= 2 * PER_ENDPOINT


async def fill(database, endpoint_id, count):
    """So many events for an endpoint, due now, about a resource each."""
    statement = text("""
        insert into webhook_events (id, organization_id, created_at, endpoint_id, event_id, type, api_version,
            resource_id, sequence, payload, correlation_id, due_at, attempts)
        select gen_random_uuid(), e.organization_id, e.created_at, e.id, gen_random_uuid(), 'benefit.created',
            '2026-10', gen_random_uuid(), 1, '{"data":{}}', gen_random_uuid(), e.created_at, 0
        from webhook_endpoints e, generate_series(1, :count) where e.id = :id
    """)
    async with database.transaction() as session:
        await session.execute(statement, {"id": UUID(endpoint_id), "count": count})


def test_places_are_given_by_what_an_endpoint_has_shown():
    lanes = Lanes(16)
    quick, slow, fresh = ids.uuid7(), ids.uuid7(), ids.uuid7()
    for id in (quick, slow):
        lanes.take(id)
    lanes.put_down(quick, Answer(200, "", 20))
    lanes.put_down(slow, Answer(None, "", 10_000, timed_out=True))
    rooms = {id: (free, proven) for id, free, proven, _ in lanes.room().lanes}
    assert rooms == {quick: (PER_ENDPOINT, True), slow: (AFTER_TIMEOUT, False)}
    for _ in range(12):
        lanes.take(fresh)
    room = lanes.room()
    assert (room.total, room.unproven) == (4, 0), "three quarters are as much as unproven endpoints may have together"
    assert fresh in lanes.full


def test_an_endpoint_gets_no_more_than_its_rate():
    lanes = Lanes(1000)
    id = ids.uuid7()
    for _ in range(int(RATE)):
        lanes.take(id)
        lanes.put_down(id, Answer(200, "", 1))
    (shown,) = lanes.room().lanes
    assert shown[1] <= 2, "what was refilled while the test ran"
    assert id not in lanes.full, "it waits for the time, not for what it has in hand"
