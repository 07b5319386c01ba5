"""`/v1/checkouts/`: opening, reading, changing and expiring."""

from datetime import timedelta

import pytest
from checkout.checkouts.timers import expire_checkouts
from contracts.checkout import CheckoutCreatedV1, CheckoutExpiredV1
from servicekit import clock, ids

from services.checkout.tests.support import confirmed, opened

pytestmark = pytest.mark.usefixtures("known_seller")

SDK = {"Polar-Version": "2026-10"}


async def test_a_checkout_is_opened_and_told_of(client, sell, bus):
    product = await sell()
    checkout = await opened(client, product, metadata={"source": "pricing"}, success_url="https://example.com/ok")
    assert (checkout["status"], checkout["amount"], checkout["total_amount"]) == ("open", 9900, 9900)
    assert checkout["customer_email"] == "Ada@Example.com"
    assert checkout["url"].startswith("https://shop.example/checkout/polar_c_")
    assert checkout["product"]["name"] == "Pro Plan"
    assert (checkout["is_payment_required"], checkout["order_id"]) == (True, None)
    assert (await client.get(f"/v1/checkouts/{checkout['id']}")).json() == checkout
    (event,) = await bus.recorded(CheckoutCreatedV1)
    assert str(event.subject) == checkout["id"]


async def test_a_product_known_a_moment_later_is_waited_for(client, sell):
    import asyncio

    price_id, product_id = ids.uuid7(), ids.uuid7()
    opening = asyncio.create_task(
        client.post("/v1/checkouts/", json={"product_price_id": str(price_id), "customer_email": "ada@example.com"})
    )
    await asyncio.sleep(0)
    await sell(id=product_id, price_id=price_id)
    assert (await opening).status_code == 201


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"product_price_id": str(ids.uuid7())}, "product_price_id"),
        ({"product_price_id": "x"}, "product_price_id"),
        ({"product_price_id": None}, "body"),
        ({"products": []}, "products"),
        ({"customer_email": "nobody"}, "customer_email"),
        ({"customer_email": "a\u0000@example.com"}, "body"),
        ({"success_url": "javascript:alert(1)"}, "success_url"),
        ({"metadata": {"a": {"b": 1}}}, "a"),
        ({"customer_billing_address": {"country": "XX"}}, "country"),
        ({"discount_id": str(ids.uuid7())}, "discount_id"),
        ({"discount_code": "NONE"}, "discount_code"),
        ({"customer_id": str(ids.uuid7())}, "customer_id"),
    ],
)
async def test_bad_wishes_name_their_field(client, sell, bus, changes, field):
    product = await sell()
    before = len(await bus.all())
    body = {"product_price_id": str(product.prices[0].id), "customer_email": "ada@example.com", **changes}
    answer = await client.post("/v1/checkouts/", json=body)
    assert answer.status_code in {400, 422}, answer.text
    if answer.status_code == 422:
        assert any(field in problem["loc"] for problem in answer.json()["detail"]), answer.text
    assert len(await bus.all()) == before


async def test_an_archived_product_is_not_sold(client, sell):
    product = await sell()
    checkout = await opened(client, product)
    await sell(sequence=2, id=product.id, price_id=product.prices[0].id, is_archived=True)
    answer = await client.post("/v1/checkouts/", json={"products": [str(product.id)]})
    assert answer.status_code == 422
    answer = await confirmed(client, checkout)
    assert answer.status_code == 422, answer.text
    assert (await client.get(f"/v1/checkouts/{checkout['id']}")).json()["status"] == "open"


async def test_lists_filter_sort_and_page(client, stranger, sell):
    first, second = await sell(), await sell(interval=None)
    checkouts = [await opened(client, product) for product in (first, second, second)]
    listed = (await client.get("/v1/checkouts/", params={"product_id": str(second.id), "limit": 1, "page": 2})).json()
    assert [item["id"] for item in listed["items"]] == [checkouts[1]["id"]]
    assert listed["pagination"]["total_count"] == 2
    assert listed["pagination"]["max_page"] == 2
    answer = await client.request("GET", "/v1/checkouts/", json={"status": "completed"})
    assert answer.json()["items"] == []
    assert (await confirmed(client, checkouts[0])).status_code == 200
    answer = await client.request("GET", "/v1/checkouts/", json={"status": "completed"})
    assert [item["status"] for item in answer.json()["items"]] == ["completed"]
    answer = await client.get("/v1/checkouts/", params={"status": "succeeded"}, headers=SDK)
    assert [item["status"] for item in answer.json()["items"]] == ["succeeded"]
    assert (await stranger.get("/v1/checkouts/")).json()["items"] == []


async def test_a_stranger_finds_nothing(client, stranger, sell):
    product = await sell()
    checkout = await opened(client, product)
    path = f"/v1/checkouts/{checkout['id']}"
    assert (await stranger.get(path)).status_code == 404
    assert (await stranger.patch(path, json={"customer_name": "Eve"})).status_code == 404
    assert (await confirmed(stranger, checkout)).status_code == 404
    body = {"product_price_id": str(product.prices[0].id), "customer_email": "eve@example.com"}
    assert (await stranger.post("/v1/checkouts/", json=body)).status_code == 422


async def test_the_buyer_sees_and_changes_through_the_secret(client, sell, app):
    import httpx

    product, other = await sell(), await sell()
    checkout = await opened(client, product, metadata={"internal": "x"}, customer_metadata={"vip": True})
    path = f"/v1/checkouts/client/{checkout['client_secret']}"
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://test") as buyer:
        seen = (await buyer.get(path)).json()
        assert seen["id"] == checkout["id"]
        assert "metadata" not in seen
        assert "customer_metadata" not in seen
        changed = await buyer.patch(path, json={"customer_name": "Ada", "customer_email": "ada@lovelace.example"})
        assert (changed.status_code, changed.json()["customer_name"]) == (200, "Ada")
        refused = await buyer.patch(path, json={"product_id": str(other.id)})
        assert refused.status_code == 422
        assert (await buyer.get("/v1/checkouts/client/polar_c_nothing")).status_code == 404
        assert (await buyer.get(f"/v1/checkouts/{checkout['id']}")).status_code == 401


async def test_a_checkout_that_is_left_expires(client, sell, bus, database, settings, sandbox):
    product = await sell()
    checkout = await opened(client, product)
    assert await expire_checkouts(database.transaction, settings) == 0
    clock.move(timedelta(days=2))
    answer = await confirmed(client, checkout)
    assert (answer.status_code, answer.json()["error"]) == (410, "ExpiredCheckoutError")
    assert await expire_checkouts(database.transaction, settings) == 1
    assert await expire_checkouts(database.transaction, settings) == 0
    (event,) = await bus.recorded(CheckoutExpiredV1)
    assert (event.data.status, event.data.url.startswith("https://shop.example/")) == ("expired", True)
    assert (await client.get(f"/v1/checkouts/client/{checkout['client_secret']}")).status_code == 410
    assert sandbox.summary()["payment_intents"] == 0
