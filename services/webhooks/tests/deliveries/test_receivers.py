"""What receivers may do, and what is done then: each row here is a promise of docs/guides/receiving-webhooks.md."""

import asyncio
import base64
import gzip
import hashlib
import hmac
import json
from datetime import datetime, timedelta
from email.utils import format_datetime

import pytest
from aiohttp import web
from contracts.identity import Organization, OrganizationCreatedV1
from contracts.webhooks import WebhookEndpointDisabledV1
from polar.v2026_10.webhooks import validate_event
from servicekit import clock, ids
from sqlalchemy import text
from standardwebhooks import Webhook
from webhooks.deliveries.courier import Courier
from webhooks.deliveries.timers import archive_payloads, hold_unheard
from webhooks.redeliveries import operations
from webhooks.redeliveries.timers import work_off_redeliveries

HUNDRED_MB = 100 * 1024 * 1024


@pytest.fixture
def event(client):
    """The one event there is, as the API shows it."""

    async def event():
        (found,) = (await client.get("/v1/webhooks/events")).json()["items"]
        return found

    return event


def seconds_until(instant):
    return (datetime.fromisoformat(instant) - clock.now()).total_seconds()


@pytest.mark.parametrize("status", [301, 302, 307, 308, 400, 401, 404, 408, 500, 502, 503])
async def test_failures_and_redirects_are_tried_again_where_they_were_sent(
    endpoint, receiver, tell, deliver, event, status
):
    headers = {"Location": receiver.url.replace("/hook", "/elsewhere")}
    receiver.answers = [web.Response(status=status, headers=headers, text="see there")]
    await tell()
    assert await deliver() == 1
    shown = await event()
    assert (shown["last_http_code"], shown["last_response"], shown["succeeded"]) == (status, "see there", None)
    assert 4 < seconds_until(shown["next_attempt_at"]) <= 6
    clock.move(timedelta(seconds=7))
    assert await deliver() == 1
    assert (await event())["succeeded"] is True
    assert [path for path, _ in receiver.paths] == ["/hook", "/hook"]


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
async def test_any_2xx_takes_it(endpoint, receiver, tell, deliver, event, status):
    receiver.answers = [web.Response(status=status)]
    await tell()
    await deliver()
    assert (await event())["succeeded"] is True


async def test_a_receiver_that_stalls_is_given_up_after_the_timeout(
    endpoint, receiver, tell, settings, database, event
):
    await tell()
    receiver.held.clear()
    async with Courier(settings.model_copy(update={"webhook_timeout_seconds": 0.3}), database) as courier:
        await courier.claim_due(database.transaction)
        await courier.settle()
    shown = await event()
    assert (shown["last_http_code"], shown["attempts"], shown["succeeded"]) == (None, 1, None)
    assert shown["last_response"].startswith("TimeoutError")


async def test_429_with_retry_after_waits_as_long_as_it_asks_and_rests_the_endpoint(
    endpoint, receiver, tell, deliver, event
):
    receiver.answers = [web.Response(status=429, headers={"Retry-After": "120"})]
    await tell()
    assert await deliver() == 1
    assert 119 < seconds_until((await event())["next_attempt_at"]) <= 120
    await tell()
    assert await deliver() == 0, "another event for the endpoint waits too"
    clock.move(timedelta(seconds=61))
    assert await deliver() == 1, "for a minute at most"
    clock.move(timedelta(seconds=60))
    assert await deliver() == 1


@pytest.mark.parametrize(
    ("given", "waited"),
    [("90000000", 86400), ("0", 5), ("-5", 5), ("soon", 5), ("9" * 400, 86400), ("date", 3600)],
)
async def test_retry_after_is_bounded(endpoint, receiver, tell, deliver, event, given, waited):
    value = format_datetime(clock.now() + timedelta(hours=1), usegmt=True) if given == "date" else given
    receiver.answers = [web.Response(status=503, headers={"Retry-After": value})]
    await tell()
    await deliver()
    assert waited - 2 < seconds_until((await event())["next_attempt_at"]) <= waited * 1.2 + 1


async def test_a_body_that_breaks_off_does_not_undo_its_status(endpoint, receiver, tell, deliver, event):
    async def breaking(request):
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        await response.prepare(request)
        await response.write(b"half of")
        request.transport.close()
        return response

    receiver.handler = breaking
    await tell()
    await deliver()
    shown = await event()
    assert (shown["succeeded"], shown["last_http_code"], shown["last_response"]) == (True, 200, "half of")


async def test_a_hundred_megabytes_are_not_read(endpoint, receiver, tell, deliver, event):
    sent = 0

    async def endless(request):
        nonlocal sent
        response = web.StreamResponse(headers={"Content-Length": str(HUNDRED_MB)})
        await response.prepare(request)
        while sent < HUNDRED_MB:
            await response.write(b"x" * 65536)
            sent += 65536
        return response

    receiver.handler = endless
    await tell()
    await deliver()
    shown = await event()
    assert (shown["succeeded"], shown["last_response"]) == (True, "x" * 2048)
    assert sent < 20 * 1024 * 1024, "beyond what the sockets' buffers hold, nothing was taken"


async def test_a_compressed_bomb_stays_packed(endpoint, receiver, tell, deliver, event):
    packed = gzip.compress(b"\x00" * HUNDRED_MB, 1)
    receiver.answers = [web.Response(body=packed, headers={"Content-Encoding": "gzip"})]
    await tell()
    await deliver()
    assert (await event())["succeeded"] is True
    assert len((await event())["last_response"]) <= 2048


async def test_nobody_listening_and_nonsense_are_failures(client, endpoint, receiver, tell, deliver, event):
    server = await asyncio.start_server(lambda reader, writer: writer.write(b"HELO\r\n\r\n"), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    await client.patch(f"/v1/webhooks/endpoints/{endpoint['id']}", json={"url": f"http://127.0.0.1:{port}/"})
    await tell()
    await deliver()
    assert (await event())["last_http_code"] is None
    server.close()
    clock.move(timedelta(seconds=7))
    await deliver()
    shown = await event()
    assert (shown["attempts"], shown["succeeded"]) == (2, None)
    assert "Connect" in shown["last_response"]


async def test_410_disables_at_once_and_what_happens_meanwhile_is_held(
    client, endpoint, receiver, tell, deliver, database
):
    path = f"/v1/webhooks/endpoints/{endpoint['id']}"
    receiver.answers = [web.Response(status=410)]
    await tell()
    assert await deliver() == 1
    shown = (await client.get(path)).json()
    assert (shown["enabled"], shown["disabled_reason"]) == (False, "It answered 410 Gone.")
    later = await tell()
    clock.move(timedelta(days=1))
    assert await hold_unheard(database.transaction) == 2
    assert await deliver() == 0
    held = (await client.get("/v1/webhooks/events?held=true")).json()["items"]
    assert [(one["succeeded"], one["next_attempt_at"]) for one in held] == [(None, None)] * 2
    assert (await client.patch(path, json={"enabled": True})).json()["disabled_reason"] is None
    assert await work_off_redeliveries(database.transaction) == 0
    assert await deliver() == 0, "enabling alone sends nothing of what was held"
    await client.post("/v1/webhooks/redeliveries", json={"endpoint_id": endpoint["id"], "status": ["held"]})
    assert await work_off_redeliveries(database.transaction) == 1
    assert await deliver() == 2
    told = [json.loads(body)["data"]["id"] for _, body in receiver.requests]
    assert told[-1] == str(later.subject)
    assert len({headers["webhook-id"] for headers, _ in receiver.requests}) == 2


@pytest.mark.parametrize(("choice", "sent", "skipped"), [("send", 3, 0), ("keep", 0, 0), ("skip", 0, 3)])
async def test_enabling_is_a_choice_about_what_was_held(
    client, endpoint, receiver, tell, deliver, database, choice, sent, skipped
):
    path = f"/v1/webhooks/endpoints/{endpoint['id']}"
    await client.patch(path, json={"enabled": False})
    for _ in range(3):
        await tell()
    await hold_unheard(database.transaction)
    await client.patch(path, json={"enabled": True, "held_events": choice})
    while await work_off_redeliveries(database.transaction):
        pass
    assert await deliver() == sent
    found = (await client.get("/v1/webhooks/events?skipped=true")).json()["items"]
    assert len(found) == skipped
    assert all("enabled again" in one["skipped_reason"] for one in found)


async def test_failing_for_long_disables_with_a_mail_and_an_event(
    client, bus, endpoint, receiver, tell, deliver, database, settings, organization_id
):
    now = clock.now()
    fields = {"created_at": now, "modified_at": None, "slug": "acme", "avatar_url": None, "website": None}
    acme = Organization.model_validate(
        {**fields, "id": organization_id, "name": "Acme", "email": "ops@example.com", "locale": "de"}
    )
    await bus.deliver(
        OrganizationCreatedV1(subject=organization_id, organization_id=organization_id, time=now, data=acme)
    )
    watching = {"url": receiver.url, "events": ["webhook_endpoint.disabled"]}
    watcher = (await client.post("/v1/webhooks/endpoints", json=watching)).json()
    receiver.answers = [web.Response(status=500) for _ in range(100)]
    path = f"/v1/webhooks/endpoints/{endpoint['id']}"
    for _ in range(settings.webhook_disable_after - 1):
        await tell()
    await deliver()
    shown = (await client.get(path)).json()
    assert (shown["enabled"], shown["failures"]) == (True, settings.webhook_disable_after - 1)
    clock.move(timedelta(hours=1))
    await deliver()
    assert (await client.get(path)).json()["enabled"] is True, "an hour is no reason yet"
    clock.move(timedelta(hours=11, minutes=1))
    await deliver()
    shown = (await client.get(path)).json()
    assert shown["enabled"] is False
    assert "attempts in a row failed" in shown["disabled_reason"]
    async with database.transaction() as session:
        ((recipient, subject, body),) = (
            await session.execute(text("select recipient, subject, body from mails"))
        ).all()
    assert (recipient, subject) == ("ops@example.com", "Ein Webhook-Endpunkt von Acme wurde abgeschaltet")
    assert endpoint["url"] in body
    assert "Versuche hintereinander sind fehlgeschlagen" in body
    (said,) = await bus.recorded(WebhookEndpointDisabledV1)
    assert endpoint["secret"] not in said.to_bytes().decode()
    receiver.answers = []
    await bus.deliver(said)
    receiver.requests.clear()
    assert await deliver() == 1
    ((_, body),) = receiver.requests
    payload = json.loads(body)
    assert (payload["type"], payload["data"]["id"]) == ("webhook_endpoint.disabled", endpoint["id"])
    assert watcher["secret"] not in body.decode()


async def test_one_success_clears_the_record(client, endpoint, receiver, tell, deliver):
    receiver.answers = [web.Response(status=500) for _ in range(5)]
    for _ in range(5):
        await tell()
    await deliver()
    path = f"/v1/webhooks/endpoints/{endpoint['id']}"
    assert (await client.get(path)).json()["failures"] == 5
    clock.move(timedelta(seconds=7))
    await deliver()
    assert (await client.get(path)).json()["failures"] == 0


async def test_a_replaced_secret_signs_beside_the_new_one_for_a_while(client, endpoint, receiver, tell, deliver):
    path = f"/v1/webhooks/endpoints/{endpoint['id']}"
    reset = (await client.patch(f"{path}/secret", json={"overlap_seconds": 3600})).json()
    assert 3590 < seconds_until(reset["previous_secret_until"]) <= 3600
    await tell()
    await deliver()
    headers, body = receiver.requests[-1]
    lowered = {name.lower(): value for name, value in headers.items()}
    assert len(headers["webhook-signature"].split(" ")) == 2
    for secret in (endpoint["secret"], reset["secret"]):
        assert Webhook(secret).verify(body, lowered)
    assert headers["X-Polar-Signature"] == hmac.new(reset["secret"].encode(), body, hashlib.sha256).hexdigest()
    assert validate_event(body, headers, endpoint["secret"]).type == "benefit.created"
    clock.move(timedelta(seconds=3601))
    await tell()
    await deliver()
    headers, body = receiver.requests[-1]
    assert len(headers["webhook-signature"].split(" ")) == 1
    assert (await client.get(path)).json()["previous_secret_until"] is None
    now = (await client.patch(f"{path}/secret", json={"overlap_seconds": 0})).json()
    assert now["previous_secret_until"] is None
    await tell()
    await deliver()
    headers, body = receiver.requests[-1]
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    key = base64.b64decode(now["secret"].removeprefix("whsec_"))
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}", "the one that became known signs nothing any more"


async def test_deselected_and_deleted_types_are_skipped_and_say_so(client, endpoint, receiver, tell, deliver, database):
    path = f"/v1/webhooks/endpoints/{endpoint['id']}"
    receiver.answers = [web.Response(status=500)]
    await tell()
    await deliver()
    await client.patch(path, json={"events": ["benefit.updated"]})
    (shown,) = (await client.get("/v1/webhooks/events?skipped=true")).json()["items"]
    assert (shown["next_attempt_at"], shown["succeeded"]) == (None, None)
    assert "does not ask" in shown["skipped_reason"]
    clock.move(timedelta(days=3))
    assert await deliver() == 0
    await tell(2)
    await client.delete(path)
    await hold_unheard(database.transaction)
    found = (await client.get("/v1/webhooks/events?skipped=true")).json()["items"]
    assert {one["skipped_reason"] for one in found} == {shown["skipped_reason"], "The endpoint was deleted."}
    assert await deliver() == 0


async def test_a_replay_that_is_asked_for_in_mid_delivery_is_not_lost(
    client, endpoint, receiver, tell, courier, database, deliver
):
    await tell()
    receiver.held.clear()
    await courier.claim_due(database.transaction)
    while not receiver.requests:
        await asyncio.sleep(0.01)
    (event,) = (await client.get("/v1/webhooks/events")).json()["items"]
    clock.move(timedelta(milliseconds=1))
    assert (await client.post(f"/v1/webhooks/events/{event['id']}/redeliver")).status_code == 202
    receiver.held.set()
    await courier.settle()
    assert await deliver() == 1
    assert len(receiver.requests) == 2


async def test_old_payloads_are_archived_and_cannot_be_sent(client, endpoint, receiver, tell, deliver, database, event):
    await tell()
    await deliver()
    clock.move(timedelta(days=91))
    fresh = await tell()
    assert await archive_payloads(database.transaction) == 1
    assert await archive_payloads(database.transaction) == 0
    new, old = (await client.get("/v1/webhooks/events")).json()["items"]
    assert (old["payload"], old["is_archived"], old["succeeded"]) == (None, True, True)
    assert new["payload"]["data"]["id"] == str(fresh.subject)
    (delivery,) = (await client.get("/v1/webhooks/deliveries")).json()["items"]
    assert delivery["webhook_event"]["payload"] is None
    refused = await client.post(f"/v1/webhooks/events/{old['id']}/redeliver")
    assert (refused.status_code, refused.json()["error"]) == (409, "WebhookEventArchived")
    await client.post("/v1/webhooks/redeliveries", json={"status": ["succeeded"]})
    await work_off_redeliveries(database.transaction)
    assert await deliver() == 1, "only the one that waits anyway"


async def test_redelivery_by_filter(client, stranger, endpoint, receiver, tell, deliver, database, settings):
    receiver.answers = [web.Response(status=404) for _ in range(2)]
    settings_of_one = settings.model_copy(update={"webhook_retry_delays_seconds": ()})
    for _ in range(4):
        await tell()
    async with Courier(settings_of_one, database) as courier:
        while await courier.claim_due(database.transaction):
            await courier.settle()
    wish = {
        "endpoint_id": endpoint["id"],
        "status": ["failed"],
        "http_code_class": "4xx",
        "event_type": ["benefit.created"],
    }
    assert (await stranger.post("/v1/webhooks/redeliveries", json=wish)).status_code == 404
    answer = await client.post("/v1/webhooks/redeliveries", json=wish)
    assert answer.status_code == 202, answer.text
    path = f"/v1/webhooks/redeliveries/{answer.json()['id']}"
    while await work_off_redeliveries(database.transaction):
        pass
    assert await deliver() == 2
    shown = (await client.get(path)).json()
    assert (shown["events_count"], shown["finished_at"] is not None) == (2, True)
    assert (await stranger.get(path)).status_code == 404
    assert (await stranger.get("/v1/webhooks/redeliveries")).json()["items"] == []
    assert [one["id"] for one in (await client.get("/v1/webhooks/redeliveries")).json()["items"]] == [shown["id"]]
    for narrowed in (
        {"event_type": ["order.paid"]},
        {"start_timestamp": "2099-01-01T00:00:00Z"},
        {"http_code_class": "5xx"},
    ):
        await client.post("/v1/webhooks/redeliveries", json={"status": ["succeeded", "failed"], **narrowed})
    while await work_off_redeliveries(database.transaction):
        pass
    assert await deliver() == 0
    for wrong in ({"status": []}, {"status": ["odd"]}, {"event_type": ["odd"]}, {"start_timestamp": 5}):
        assert (await client.post("/v1/webhooks/redeliveries", json=wrong)).status_code == 422
    assert (await client.post("/v1/webhooks/redeliveries", json={"endpoint_id": str(ids.uuid7())})).status_code == 404


async def test_many_pages_of_a_redelivery(client, endpoint, receiver, tell, database, bus, organization_id):
    await tell()
    clones = """
        insert into webhook_events (id, organization_id, created_at, endpoint_id, event_id, type, api_version,
            resource_id, sequence, payload, correlation_id, attempts)
        select gen_random_uuid(), organization_id, created_at, endpoint_id, gen_random_uuid(), type, api_version,
            gen_random_uuid(), sequence, payload, correlation_id, 10
        from webhook_events, generate_series(1, 1200)
    """
    async with database.transaction() as session:
        await session.execute(text(clones))
    answer = await client.post("/v1/webhooks/redeliveries", json={})
    rounds = 0
    while await work_off_redeliveries(database.transaction):
        rounds += 1
    assert rounds == 3
    assert operations.PAGE == 500
    shown = (await client.get(f"/v1/webhooks/redeliveries/{answer.json()['id']}")).json()
    assert shown["events_count"] == 1200
