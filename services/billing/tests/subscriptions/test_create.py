"""A free product may be given without a checkout."""

from contracts.catalog import ProductCreatedV1
from servicekit import clock, ids


async def known(bus, purchased, **changes):
    told = purchased(**changes).data.product
    event = ProductCreatedV1(subject=told.id, organization_id=told.organization_id, time=clock.now(), data=told)
    await bus.deliver(event)
    return str(told.id)


async def test_a_free_one_begins_at_once(client, bus, purchased):
    free = await known(bus, purchased, amount=0)
    customer = (await client.post("/v1/customers/", json={"email": "ada@example.com"})).json()
    before = len(await bus.names())
    body = {"product_id": free, "customer_id": customer["id"], "metadata": {"plan": "community"}}
    answer = await client.post("/v1/subscriptions/", json=body)
    assert answer.status_code == 201, answer.text
    given = answer.json()
    assert (given["status"], given["amount"], given["metadata"]) == ("active", 0, {"plan": "community"})
    assert (await bus.names())[before:] == [
        "subscription.created", "order.created", "order.updated", "order.paid", "subscription.active",
        "subscription.updated",
    ]  # fmt: skip
    (order,) = (await client.get("/v1/orders/")).json()["items"]
    assert (order["status"], order["total_amount"], order["billing_reason"]) == ("paid", 0, "subscription_create")


async def test_what_costs_something_is_refused(client, bus, purchased):
    customer = (await client.post("/v1/customers/", json={"email": "ada@example.com"})).json()
    for product_id in (
        await known(bus, purchased), await known(bus, purchased, interval=None, amount=0), str(ids.uuid7())
    ):  # fmt: skip
        answer = await client.post("/v1/subscriptions/", json={"product_id": product_id, "customer_id": customer["id"]})
        assert (answer.status_code, answer.json()["detail"][0]["loc"][-1]) == (422, "product_id")
