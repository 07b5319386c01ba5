"""Purchases through the gateway: sold once, whatever is asked at once or repeated."""

import asyncio
import os

import httpx
from servicekit.testing import eventually


async def stripe(stack, path):
    async with httpx.AsyncClient() as http:
        return (await http.get(f"{stack.stripe_url}{path}", headers={"Authorization": "Bearer sk_test_reader"})).json()


async def test_a_subscription_is_sold(shop, receiver):
    checkout = await shop.checkout()
    answer = await shop.confirm(checkout)
    assert answer.status_code == 200, answer.text
    await shop.settled(answer.json())
    assert receiver.refused == 0
    (grant,) = await shop.items("benefit-grants", subscription_id=answer.json()["subscription_id"])
    key = await shop.call("GET", f"/v1/license-keys/{grant['properties']['license_key_id']}")
    wish = {"key": key["key"], "organization_id": shop.organization_id}
    assert (await shop.call("POST", "/v1/customer-portal/license-keys/validate", wish))["status"] == "granted"
    revoked = await shop.call("DELETE", f"/v1/subscriptions/{answer.json()['subscription_id']}")
    assert revoked["status"] == "canceled"
    await receiver.arrived("benefit_grant.revoked", grant["id"])
    await shop.call("POST", "/v1/license-keys/validate", wish, status=404)


async def test_one_confirm_sent_twenty_times(shop, stack):
    checkout = await shop.checkout()
    answers = await asyncio.gather(*(shop.confirm(checkout) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["order_id"] for answer in answers}) == 1
    await shop.settled(answers[0].json())
    intents = (await stripe(stack, "/v1/payment_intents?limit=100"))["data"]
    assert len([intent for intent in intents if intent["metadata"].get("checkout_id") == checkout["id"]]) == 1


async def test_a_discount_for_ten_and_a_hundred_buyers(shop):
    discount = await shop.call(
        "POST",
        "/v1/discounts/",
        {"name": "First ten", "type": "percentage", "basis_points": 5000, "duration": "once", "max_redemptions": 10},
    )
    checkouts = []
    for start in range(0, 100, 20):
        checkouts += await asyncio.gather(
            *(shop.checkout(discount_id=discount["id"]) for _ in range(start, start + 20))
        )

    async def confirm(checkout):
        # A busy service says with `Retry-After` to ask again: for a moment it has no connection, or the row is locked.
        return await eventually(
            lambda: shop.confirm(checkout), until=lambda answer: "retry-after" not in answer.headers
        )

    answers = await asyncio.gather(*map(confirm, checkouts))
    codes = [answer.status_code for answer in answers]
    assert codes.count(200) == 10, sorted(codes)
    assert codes.count(403) == 90, {answer.text for answer in answers if answer.status_code not in {200, 403}}
    assert (await shop.call("GET", f"/v1/discounts/{discount['id']}"))["redemptions_count"] == 10

    async def orders():
        return await shop.items("orders", discount_id=discount["id"])

    assert len(await eventually(orders, until=lambda found: len(found) >= 10, seconds=60)) == 10


async def test_two_checkouts_of_one_new_buyer(shop):
    email = f"twin-{os.urandom(6).hex()}@example.com"
    first, second = await asyncio.gather(shop.checkout(email), shop.checkout(email.upper()))
    answers = await asyncio.gather(shop.confirm(first), shop.confirm(second))
    won, lost = sorted(zip(answers, (first, second), strict=True), key=lambda pair: pair[0].status_code)
    assert [answer.status_code for answer in answers if answer.status_code != 200] == [403], "one for each customer"
    assert lost[0].json()["error"] == "AlreadyActiveSubscriptionError"
    customer_id = won[0].json()["customer_id"]
    path = f"/v1/organizations/{shop.organization_id}"
    await shop.call("PATCH", path, {"subscription_settings": {"allow_multiple_subscriptions": True}})

    async def allowed():
        return (await shop.confirm(lost[1])).status_code == 200

    await eventually(allowed, seconds=60, what="a second subscription")
    await shop.call("PATCH", path, {"subscription_settings": {"allow_multiple_subscriptions": False}})
    assert (await shop.call("GET", f"/v1/checkouts/{lost[1]['id']}"))["customer_id"] == customer_id

    async def orders():
        return await shop.items("orders", customer_id=customer_id)

    await eventually(orders, until=lambda found: len(found) == 2, seconds=60)
    assert [customer["id"] for customer in await shop.items("customers", email=email)] == [customer_id]


async def test_a_declined_card(shop):
    discount = await shop.call(
        "POST", "/v1/discounts/", {"name": "Once", "type": "percentage", "basis_points": 1000, "max_redemptions": 1}
    )
    checkout = await shop.checkout(discount_id=discount["id"])
    answer = await shop.confirm(checkout, "pm_card_chargeDeclined")
    assert (answer.status_code, answer.json()["decline_code"]) == (400, "generic_decline")
    assert (await shop.call("GET", f"/v1/checkouts/{checkout['id']}"))["status"] == "open"
    assert (await shop.call("GET", f"/v1/discounts/{discount['id']}"))["redemptions_count"] == 0
    answer = await shop.confirm(checkout)
    assert answer.status_code == 200
    await shop.settled(answer.json())


async def test_a_repeated_idempotency_key(shop):
    headers = {"Idempotency-Key": os.urandom(8).hex()}
    body = {"email": f"key-{os.urandom(6).hex()}@example.com"}
    answers = await asyncio.gather(*(shop.api.post("/v1/customers/", json=body, headers=headers) for _ in range(5)))
    assert {answer.status_code for answer in answers} <= {201, 409}
    again = await shop.api.post("/v1/customers/", json=body, headers=headers)
    assert again.status_code == 201
    assert len(await shop.items("customers", email=body["email"])) == 1
    other = await shop.api.post("/v1/customers/", json={"email": "other@example.com"}, headers=headers)
    assert other.status_code == 422
