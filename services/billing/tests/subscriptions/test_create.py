"""`POST /v1/subscriptions/`: free products, given by the merchant."""

import asyncio

import pytest
from servicekit import ids


@pytest.fixture
async def customer(client):
    body = {"email": "ada@example.com", "name": "Ada", "external_id": "ada"}
    return (await client.post("/v1/customers/", json=body)).json()


async def test_a_free_product_is_given(client, bus, announced, customer):
    free = await announced(0, name="Free")
    before = len(await bus.names())
    wish = {"product_id": str(free.id), "external_customer_id": "ada", "metadata": {"why": "friend"}}
    answer = await client.post("/v1/subscriptions/", json=wish)
    body = answer.json()
    assert (answer.status_code, body["status"], body["amount"], body["metadata"]) == (
        201,
        "active",
        0,
        wish["metadata"],
    )
    assert body["customer_id"] == customer["id"]
    assert (await bus.names())[before:] == [
        "subscription.created", "order.created", "order.updated", "order.paid", "subscription.active",
        "subscription.updated", "customer.state_changed",
    ]  # fmt: skip
    (order,) = (await client.get("/v1/orders/")).json()["items"]
    assert (order["billing_reason"], order["status"], order["total_amount"]) == ("subscription_create", "paid", 0)
    assert (await client.get(f"/v1/subscriptions/{body['id']}")).json() == body


async def test_two_at_once_make_one(client, announced, customer):
    free = await announced(0)
    wish = {"product_id": str(free.id), "customer_id": customer["id"]}
    answers = await asyncio.gather(*(client.post("/v1/subscriptions/", json=wish) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [201] + [422] * 4


async def test_several_where_the_organization_allows_them(client, announced, customer, seller):
    free = await announced(0)
    await seller(subscription_settings={"allow_multiple_subscriptions": True})
    wish = {"product_id": str(free.id), "customer_id": customer["id"]}
    for _ in range(2):
        assert (await client.post("/v1/subscriptions/", json=wish)).status_code == 201


async def test_refusals_name_the_field(client, announced, customer, stranger):
    free, paid = await announced(0), await announced(500)
    once = await announced(0, recurring_interval=None, is_recurring=False)
    archived = await announced(0, is_archived=True)
    for field, wish in (
        ("product_id", {"product_id": str(paid.id), "customer_id": customer["id"]}),
        ("product_id", {"product_id": str(once.id), "customer_id": customer["id"]}),
        ("product_id", {"product_id": str(archived.id), "customer_id": customer["id"]}),
        ("product_id", {"product_id": str(ids.uuid7()), "customer_id": customer["id"]}),
        ("customer_id", {"product_id": str(free.id)}),
        ("customer_id", {"product_id": str(free.id), "customer_id": str(ids.uuid7())}),
        ("external_customer_id", {"product_id": str(free.id), "external_customer_id": "nobody"}),
        ("external_customer_id", {
            "product_id": str(free.id), "customer_id": customer["id"], "external_customer_id": "ada",
        }),
        ("metadata", {"product_id": str(free.id), "customer_id": customer["id"], "metadata": []}),
    ):  # fmt: skip
        answer = await client.post("/v1/subscriptions/", json=wish)
        assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["body", field]), wish
    answer = await stranger.post("/v1/subscriptions/", json={"product_id": str(free.id), "customer_id": customer["id"]})
    assert answer.status_code == 422
