"""A test clock moves time for one organization in every service, and is ready when all has settled everywhere."""

import asyncio
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.end_to_end.conftest import caller
from tests.end_to_end.support import TimeShop


@pytest.fixture(scope="module")
async def timed(stack) -> AsyncIterator[TimeShop]:
    """A shop in test mode, with a clock that stands at the end of a January."""
    made = stack.create_organization("Time", f"time-{os.urandom(4).hex()}", is_test=True)
    async with caller(made["access_token"]) as api:
        shop = TimeShop(api, made["organization_id"])
        async with shop.serving():
            await shop.open()
            await shop.start(datetime(2027, 1, 31, 9, tzinfo=UTC))
            yield shop


async def bought(timed):
    answer = await timed.confirm(await timed.checkout())
    assert answer.status_code == 200, answer.text
    await timed.settle()
    return answer.json()


async def test_what_is_made_is_dated_by_the_clock(timed):
    at = timed.shown
    ids = await bought(timed)
    order = await timed.call("GET", f"/v1/orders/{ids['order_id']}")
    subscription = await timed.call("GET", f"/v1/subscriptions/{ids['subscription_id']}")
    assert order["created_at"] == subscription["current_period_start"] == at
    assert subscription["current_period_end"] == "2027-02-28T09:00:00Z"
    (grant,) = await timed.items("benefit-grants", subscription_id=ids["subscription_id"])
    assert grant["granted_at"] == at
    heard = timed.of(ids["order_id"], "order.paid")
    assert [one["timestamp"] for one in heard] == [at], "and its webhook has arrived before it was settled"


async def test_an_advance_moves_every_service(timed):
    left_open = await timed.checkout()
    ids = await bought(timed)
    path = f"/v1/subscriptions/{ids['subscription_id']}"
    await timed.call("PATCH", path, {"cancel_at_period_end": True})
    (grant,) = await timed.items("benefit-grants", subscription_id=ids["subscription_id"])
    key = await timed.call("GET", f"/v1/license-keys/{grant['properties']['license_key_id']}")
    wish = {"key": key["key"], "organization_id": timed.organization_id}
    await timed.call("POST", "/v1/customer-portal/license-keys/validate", wish)
    due = (await timed.call("GET", path))["current_period_end"]
    await timed.advance(datetime.fromisoformat(due) + timedelta(days=1))
    assert (await timed.call("GET", f"/v1/checkouts/{left_open['id']}"))["status"] == "expired"
    ended = await timed.call("GET", path)
    assert (ended["status"], ended["ended_at"]) == ("canceled", due), "at its own instant"
    (grant,) = await timed.items("benefit-grants", subscription_id=ids["subscription_id"])
    assert (grant["is_granted"], grant["revoked_at"]) == (False, due)
    heard = timed.of(grant["id"], "benefit_grant.revoked")
    assert [one["timestamp"] for one in heard] == [due]
    await timed.call("POST", "/v1/customer-portal/license-keys/validate", wish, status=404)


async def test_it_waits_for_slow_and_failing_webhooks(timed):
    """A receiver that takes its time, and one that refuses at first: the retry comes due on the clock."""
    timed.delay = 0.7
    ids = await bought(timed)
    assert timed.of(ids["order_id"], "order.paid"), "ready came before the webhook"
    timed.delay = 0.0
    timed.refusals = 1
    before = len(timed.of(timed.product["id"], "product.updated"))
    product = await timed.call("PATCH", f"/v1/products/{timed.product['id']}", {"name": "Pro, again"})
    await timed.settle()
    assert len(timed.of(product["id"], "product.updated")) == before
    await timed.advance(timed.now + timedelta(hours=1))
    assert len(timed.of(product["id"], "product.updated")) == before + 1


async def test_it_says_which_service_it_waits_for(timed, stack):
    await asyncio.to_thread(stack.kill, "benefits.worker")
    try:
        path = f"/v1/test-clocks/{timed.clock['id']}"
        to = {"frozen_time": (timed.now + timedelta(days=2)).isoformat()}
        await timed.call("POST", f"{path}/advance", to)
        async with asyncio.timeout(60):
            while (shown := await timed.call("GET", path))["waiting_for"] != ["benefits has not answered"]:
                assert shown["status"] == "advancing"
                await asyncio.sleep(0.1)
    finally:
        await asyncio.to_thread(stack.restart, "benefits.worker")
    await timed.ready()


async def test_others_keep_the_machine_s_time(timed, shop):
    answer = await shop.confirm(await shop.checkout())
    await shop.settled(answer.json())
    order = await shop.call("GET", f"/v1/orders/{answer.json()['order_id']}")
    assert abs(datetime.fromisoformat(order["created_at"]) - datetime.now(UTC)) < timedelta(minutes=5)
    refused = await shop.api.post("/v1/test-clocks/", json={"frozen_time": "2027-01-01T00:00:00Z"})
    assert (refused.status_code, refused.json()["error"]) == (403, "NotInTestMode")
