"""`/v1/subscriptions/`: cancel, take back, end, and the periods in between."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from billing.subscriptions.models import next_period_end
from billing.subscriptions.timers import end_canceled_subscriptions
from hypothesis import given
from hypothesis import strategies as st
from servicekit import clock


@pytest.fixture
async def subscription(client, bus, purchased):
    event = purchased()
    await bus.deliver(event)
    answer = await client.get(f"/v1/subscriptions/{event.data.subscription_id}")
    return answer.json()


async def said(bus):
    return [name for name in await bus.names() if name.startswith("subscription.")][3:]


async def test_a_subscription_is_shown(client, subscription):
    assert (subscription["status"], subscription["amount"]) == ("active", 9900)
    assert subscription["price_id"] == subscription["prices"][0]["id"]
    assert subscription["metadata"] == {"source": "website"}
    listed = await client.request("GET", "/v1/subscriptions/", json={"active": True, "page": 1, "limit": 10})
    assert listed.json()["items"] == [subscription]
    listed = await client.get("/v1/subscriptions/", params={"active": False})
    assert listed.json()["items"] == []
    listed = await client.get("/v1/subscriptions/", params={"customer_id": subscription["customer_id"]})
    assert listed.json()["pagination"]["total_count"] == 1


async def test_lists_by_when_it_began_and_was_canceled(client, subscription):
    await client.post(f"/v1/subscriptions/{subscription['id']}/cancel", json={"reason": "too_expensive"})
    canceled = (await client.get(f"/v1/subscriptions/{subscription['id']}")).json()
    began, ended = canceled["started_at"], canceled["canceled_at"]

    async def count(**query):
        answer = await client.get("/v1/subscriptions/", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()["pagination"]["total_count"]

    later, earlier = "2099-01-01T00:00:00Z", "2020-01-01T00:00:00Z"
    assert await count(started_after=began, started_before=began) == 1
    assert await count(canceled_at_after=ended, canceled_at_before=ended) == 1
    for name in ("started", "canceled_at"):
        assert await count(**{f"{name}_after": later}) == 0
        assert await count(**{f"{name}_before": earlier}) == 0
    assert await count(customer_cancellation_reason=canceled["customer_cancellation_reason"]) == 1
    assert await count(customer_cancellation_reason="unused") == 0
    refused = await client.get("/v1/subscriptions/", params={"customer_cancellation_reason": "bored"})
    assert refused.json()["detail"][0]["loc"][:2] == ["query", "customer_cancellation_reason"]


@pytest.mark.parametrize("seats", [True, "3", 3.5, [3]])
async def test_seats_are_an_integer(client, subscription, seats):
    answer = await client.patch(f"/v1/subscriptions/{subscription['id']}", json={"seats": seats})
    assert answer.status_code == 422, answer.text
    assert answer.json()["detail"][0]["loc"][:2] == ["body", "seats"]


async def test_cancel_at_the_period_s_end(client, bus, subscription, database):
    path = f"/v1/subscriptions/{subscription['id']}"
    answer = await client.post(f"{path}/cancel", json={"cancel_at_period_end": True, "reason": "customer_request"})
    body = answer.json()
    assert (answer.status_code, body["status"], body["cancel_at_period_end"]) == (200, "active", True)
    assert body["customer_cancellation_reason"] == "other"
    assert body["customer_cancellation_comment"] == "customer_request"
    assert body["ends_at"] == body["current_period_end"]
    again = await client.post(f"{path}/cancel", json={})
    assert (again.status_code, again.json()["error"]) == (403, "AlreadyCanceledSubscription")
    taken_back = (await client.patch(path, json={"cancel_at_period_end": False})).json()
    assert (taken_back["cancel_at_period_end"], taken_back["ends_at"]) == (False, None)
    assert (await client.patch(path, json={"cancel_at_period_end": True})).status_code == 200
    assert await end_canceled_subscriptions(database.transaction) == 0
    clock.move(timedelta(days=32))
    done = await asyncio.gather(*(end_canceled_subscriptions(database.transaction) for _ in range(3)))
    assert sorted(done) == [0, 0, 1]
    ended = (await client.get(path)).json()
    assert ended["status"] == "canceled"
    assert ended["ended_at"] is not None
    assert await said(bus) == [
        "subscription.updated", "subscription.canceled", "subscription.updated", "subscription.uncanceled",
        "subscription.updated", "subscription.canceled", "subscription.updated", "subscription.revoked",
    ]  # fmt: skip
    assert (await client.patch(path, json={"cancel_at_period_end": False})).status_code == 403


@pytest.mark.parametrize("way", ["delete", "patch", "cancel"])
async def test_end_now(client, bus, subscription, way):
    path = f"/v1/subscriptions/{subscription['id']}"
    if way == "delete":
        answer = await client.delete(path)
    elif way == "patch":
        answer = await client.patch(path, json={"revoke": True})
    else:
        answer = await client.post(f"{path}/cancel", json={"cancel_at_period_end": False})
    assert (answer.status_code, answer.json()["status"]) == (200, "canceled")
    assert await said(bus) == ["subscription.updated", "subscription.canceled", "subscription.revoked"]
    answer = await client.delete(path)
    assert (answer.status_code, answer.json()["error"]) == (403, "AlreadyCanceledSubscription")


async def test_ten_at_once_cancel_once(client, bus, subscription):
    path = f"/v1/subscriptions/{subscription['id']}"
    answers = await asyncio.gather(*(client.delete(path) for _ in range(10)))
    assert sorted(answer.status_code for answer in answers) == [200] + [403] * 9
    assert (await said(bus)).count("subscription.revoked") == 1


async def test_bad_changes(client, stranger, subscription, bus):
    path = f"/v1/subscriptions/{subscription['id']}"
    for change in (
        {"product_id": subscription["product_id"]},
        {"revoke": False},
        {"revoke": True, "cancel_at_period_end": True},
        {"customer_cancellation_reason": "boredom"},
        {"cancel_at_period_end": False, "customer_cancellation_reason": "unused"},
        {"pause_at_period_end": True, "customer_cancellation_comment": "ignored otherwise"},
        {"metadata": {"a": []}},
    ):
        assert (await client.patch(path, json=change)).status_code == 422, change
    for method, body in (("PATCH", {"revoke": True}), ("DELETE", None)):
        assert (await stranger.request(method, path, json=body)).status_code == 404
    assert (await stranger.post(f"{path}/cancel", json={})).status_code == 404
    assert await said(bus) == []


def at(*date):
    return datetime(*date, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("start", "interval", "count", "ends"),
    [
        (at(2026, 1, 31), "month", 1, [at(2026, 2, 28), at(2026, 3, 31), at(2026, 4, 30)]),
        (at(2028, 1, 31), "month", 1, [at(2028, 2, 29), at(2028, 3, 31)]),
        (at(2028, 2, 29), "year", 1, [at(2029, 2, 28), at(2030, 2, 28), at(2031, 2, 28), at(2032, 2, 29)]),
        (at(2026, 11, 30), "month", 3, [at(2027, 2, 28), at(2027, 5, 30)]),
        (at(2026, 3, 28), "day", 1, [at(2026, 3, 29), at(2026, 3, 30)]),
        (at(2026, 12, 28), "week", 2, [at(2027, 1, 11)]),
    ],
)
def test_periods_come_back_to_the_anchor_day(start, interval, count, ends):
    seen, now = [], start
    for _ in ends:
        now = next_period_end(now, interval, count, start.day)
        seen.append(now)
    assert seen == ends


@given(st.datetimes(datetime(2000, 1, 1), datetime(2099, 12, 31)), st.integers(1, 24))
def test_a_period_never_shrinks_to_nothing(start, count):
    start = start.replace(tzinfo=UTC)
    end = next_period_end(start, "month", count, start.day)
    assert timedelta(days=28 * count) <= end - start <= timedelta(days=31 * count)
