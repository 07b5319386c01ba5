"""Deliveries: signed for three kinds of receivers, in order, repeated until taken, with one id for ever."""

import asyncio
import hashlib
import hmac
import json
from datetime import timedelta

from aiohttp import web
from servicekit import clock, ids
from servicekit.testing import eventually
from standardwebhooks import Webhook
from webhooks.deliveries.courier import Courier


async def test_three_kinds_of_receivers_can_verify(endpoint, receiver, tell, deliver):
    from polar.v2026_10.webhooks import validate_event

    event = await tell()
    assert await deliver() == 1
    ((headers, body),) = receiver.requests
    secret = endpoint["secret"]
    assert Webhook(secret).verify(body, {name.lower(): value for name, value in headers.items()})
    payload = validate_event(body, headers, secret)
    assert (payload.type, payload.data.id) == ("benefit.created", str(event.subject))
    assert headers["X-Polar-Signature"] == hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    assert json.loads(body)["data"]["description"] == "number 1 – ünïcode"


async def test_history_replay_and_attempts(client, stranger, endpoint, receiver, tell, deliver):
    await tell()
    receiver.answers = [web.Response(status=500, text="no" * 3000)]
    await deliver()
    clock.move(timedelta(seconds=10))
    await deliver()
    query = {"webhook_endpoint_id": endpoint["id"], "page": 1, "limit": 50}
    (event,) = (await client.request("GET", "/v1/webhooks/events", json=query)).json()["items"]
    assert (event["event_type"], event["last_http_code"], event["last_response"]) == ("benefit.created", 200, "OK")
    assert event["payload"]["type"] == "benefit.created"
    assert event["succeeded_at"] is not None
    deliveries = (await client.get("/v1/webhooks/deliveries")).json()["items"]
    assert [(delivery["succeeded"], delivery["http_code"]) for delivery in deliveries] == [(True, 200), (False, 500)]
    assert len(deliveries[1]["response"]) == 2048
    assert json.loads(deliveries[0]["webhook_event"]["payload"]) == event["payload"]
    failed = (await client.get("/v1/webhooks/deliveries", params={"http_code_class": "5xx"})).json()
    for query, count in (("benefit.CREATED", 2), ("nonono", 1), ("nothing of it", 0)):
        listed = (await client.get("/v1/webhooks/deliveries", params={"query": query})).json()
        assert listed["pagination"]["total_count"] == count
    assert failed["pagination"]["total_count"] == 1
    for verb in ("replay", "redeliver"):
        path = f"/v1/webhooks/events/{event['id']}/{verb}"
        assert (await stranger.post(path)).status_code == 404
        answer = await client.post(path)
        assert answer.status_code == 202
        assert answer.json() in (None, {"status": "queued"})
        assert await deliver() == 1
    assert {headers["webhook-id"] for headers, _ in receiver.requests} == {event["id"]}
    assert len({body for _, body in receiver.requests}) == 1
    assert (await stranger.get("/v1/webhooks/events")).json()["items"] == []
    assert (await stranger.get("/v1/webhooks/deliveries")).json()["items"] == []
    assert (await client.post(f"/v1/webhooks/events/{ids.uuid7()}/replay")).status_code == 404


async def test_repeated_on_a_schedule_then_given_up(client, endpoint, receiver, tell, deliver, settings):
    await tell()
    receiver.answers = [web.Response(status=503) for _ in range(20)]
    began, waits = clock.now(), []
    for _ in range(30):
        await deliver()
        (event,) = (await client.get("/v1/webhooks/events")).json()["items"]
        if event["next_attempt_at"] is None:
            break
        waits.append(event["next_attempt_at"])
        clock.move(timedelta(days=2))
    assert len(receiver.requests) == len(settings.webhook_retry_delays_seconds) + 1 == 10
    assert event["succeeded"] is False
    assert clock.now() > began
    await client.post(f"/v1/webhooks/events/{event['id']}/replay")
    receiver.answers = []
    assert await deliver() == 1
    assert (await client.get("/v1/webhooks/events")).json()["items"][0]["succeeded"] is True


async def test_nothing_is_due_early_and_retry_after_is_heeded(endpoint, receiver, tell, deliver):
    await tell()
    receiver.answers = [web.Response(status=429, headers={"Retry-After": "3600"}), web.Response(status=302)]
    await deliver()
    clock.move(timedelta(seconds=3500))
    assert await deliver() == 0
    clock.move(timedelta(seconds=101))
    assert await deliver() == 1
    clock.move(timedelta(seconds=60))
    assert await deliver() == 1
    assert len(receiver.requests) == 3


async def test_first_attempts_leave_in_order(endpoint, receiver, tell, courier, deliver, database):
    first, other = ids.uuid7(), ids.uuid7()
    for sequence in (2, 3, 1):
        await tell(sequence, id=first)
    receiver.answers = [web.Response(status=500)]
    receiver.held.clear()
    assert await courier.claim_due(database.transaction) == 1
    await tell(1, id=other)
    assert await courier.claim_due(database.transaction) == 1
    assert await courier.claim_due(database.transaction) == 0
    receiver.held.set()
    await courier.settle()
    await deliver()
    seen = [json.loads(body)["data"] for _, body in receiver.requests]
    assert [data["description"][7] for data in seen if data["id"] == str(first)] == ["1", "2", "3"]
    clock.move(timedelta(minutes=1))
    assert await deliver() == 1


async def test_an_endpoint_is_told_once_of_an_event(client, endpoint, receiver, bus, tell, deliver):
    event = await tell()
    await bus.deliver(event)
    assert await deliver() == 1
    assert (await client.get("/v1/webhooks/events")).json()["pagination"]["total_count"] == 1


async def test_two_couriers_never_send_one_event_twice(endpoint, receiver, tell, settings, database):
    for _ in range(30):
        await tell()
    async with Courier(settings, database) as first, Courier(settings, database) as second:

        async def work(courier):
            while await courier.claim_due(database.transaction):
                await asyncio.sleep(0)

        while len(receiver.requests) < 30:
            await asyncio.gather(work(first), work(second))
    assert len({headers["webhook-id"] for headers, _ in receiver.requests}) == len(receiver.requests) == 30


async def test_a_worker_that_dies_with_a_delivery_leaves_it_to_another(endpoint, receiver, tell, settings, database):
    await tell()
    receiver.held.clear()
    dying = Courier(settings, database)
    await dying.__aenter__()
    await dying.claim_due(database.transaction)
    await eventually(lambda: asyncio.sleep(0, receiver.requests), until=len)
    for task in list(dying._tasks):
        task.cancel()
    await dying.__aexit__()
    receiver.held.set()
    async with Courier(settings, database) as heir:
        assert await heir.claim_due(database.transaction) == 0
        clock.move(timedelta(seconds=31))
        assert await heir.claim_due(database.transaction) == 1
        await heir.settle()
    assert len({headers["webhook-id"] for headers, _ in receiver.requests}) == 1


async def test_nobody_there(client, receiver, tell, deliver):
    body = {"url": "http://127.0.0.1:1/none", "events": ["benefit.created"]}
    await client.post("/v1/webhooks/endpoints", json=body)
    await tell()
    await deliver()
    (delivery,) = (await client.get("/v1/webhooks/deliveries")).json()["items"]
    assert (delivery["succeeded"], delivery["http_code"]) == (False, None)
    assert "Connect" in delivery["response"]


async def test_other_organizations_and_other_types_are_not_told(endpoint, receiver, tell, deliver):
    await tell(owner=ids.uuid7())
    assert await deliver() == 0
