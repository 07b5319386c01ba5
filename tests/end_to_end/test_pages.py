"""What the pages of a purchase need, through the gateway: live news, the order, its benefits, and the portal."""

import asyncio
import json
import os

from servicekit.testing import eventually


async def test_a_page_follows_a_purchase_to_its_license_key(shop, nobody):
    checkout = await shop.checkout(f"new-{os.urandom(6).hex()}@example.com")
    client = f"/v1/checkouts/client/{checkout['client_secret']}"
    assert checkout["payment_processor_metadata"]["publishable_key"]

    async def bought():
        """The keys of the stream until the order and the subscription are there."""
        seen = []
        async with nobody.stream("GET", f"{client}/stream") as answer:
            assert answer.status_code == 200
            assert answer.headers["content-type"].startswith("text/event-stream")
            async for line in answer.aiter_lines():
                if line.startswith("data: "):
                    message = json.loads(line[6:])
                    seen.append(message["key"])
                    listening.set()
                if {"checkout.order_created", "checkout.subscription_created"} <= set(seen):
                    return seen
        raise AssertionError(f"the stream ended after {seen}")

    listening = asyncio.Event()
    reading = asyncio.create_task(bought())
    async with asyncio.timeout(60):
        await listening.wait()
        confirmed = (await nobody.post(f"{client}/confirm", json={"confirmation_token_id": "pm_card_visa"})).json()
        assert confirmed["status"] == "confirmed", confirmed
        assert "checkout.updated" in await reading
    seen = (await nobody.get(client)).json()
    assert (seen["status"], seen["organization"]["id"]) == ("completed", shop.organization_id)
    order = (await nobody.get(f"{client}/order")).json()
    assert order["total_amount"] == checkout["total_amount"]
    receipt = await nobody.get(f"{client}/order/receipt", follow_redirects=True)
    assert receipt.content.startswith(b"%PDF-")

    async def key():
        items = (await nobody.get(order["benefits_url"])).json()["items"]
        return next((item["license_key"]["key"] for item in items if item["license_key"]), None)

    license_key = await eventually(key, seconds=60, what="the license key")
    wish = {"key": license_key, "organization_id": shop.organization_id}
    asked = await nobody.post("/v1/customer-portal/license-keys/validate", json=wish)
    assert asked.status_code == 200

    async def orders():
        headers = {"Authorization": f"Bearer {confirmed['customer_session_token']}"}
        answer = await nobody.get("/v1/customer-portal/orders/", headers=headers)
        return answer.json()["items"] if answer.status_code == 200 else None

    found = await eventually(orders, seconds=60, what="the session")
    assert [one["id"] for one in found] == [order["id"]]
    preview = await nobody.get(
        f"/v1/customer-portal/subscriptions/{order['subscription']['id']}/cancel-preview",
        headers={"Authorization": f"Bearer {confirmed['customer_session_token']}"},
    )
    assert (preview.status_code, preview.json()["cancel_at_period_end"]) == (200, True)


async def test_a_second_buyer_of_an_address_ends_the_session_of_the_first(shop, nobody):
    email = f"typed-{os.urandom(6).hex()}@example.com"
    free = await shop.call(
        "POST", "/v1/products/",
        {"name": "Free", "prices": [{"amount_type": "free", "price_currency": "usd"}]},
    )  # fmt: skip

    async def bought():
        opened = await shop.call(
            "POST", "/v1/checkouts/", {"products": [free["id"]], "customer_email": email}, status=201
        )
        answer = await nobody.post(f"/v1/checkouts/client/{opened['client_secret']}/confirm", json={})
        return answer.json()["customer_session_token"]

    first = await bought()
    asked = {"Authorization": f"Bearer {first}"}

    async def status():
        return (await nobody.get("/v1/customer-portal/customers/me", headers=asked)).status_code

    await eventually(status, until=lambda code: code == 200, seconds=60)
    assert await bought() is None
    await eventually(status, until=lambda code: code == 401, seconds=60)


async def test_browsers_of_any_origin_read_answers_and_refusals(nobody):
    headers = {"Origin": "https://a-shop.example", "Access-Control-Request-Method": "PATCH"}
    for path in ("/v1/checkouts/client/polar_c_x", "/v1/customer-portal/orders/"):
        preflight = await nobody.options(path, headers=headers)
        assert (preflight.status_code, preflight.headers["access-control-allow-origin"]) == (200, "*")
        refused = await nobody.get(path, headers={"Origin": "https://a-shop.example"})
        assert refused.status_code in (401, 404)
        assert refused.headers["access-control-allow-origin"] == "*"
        assert "access-control-allow-credentials" not in refused.headers
    path = "/v1/customer-portal/customers/me/email-update"
    assert (await nobody.get(f"{path}/check", params={"token": "x"})).status_code == 401
