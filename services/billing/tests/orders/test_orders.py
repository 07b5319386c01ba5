"""A purchase becomes a customer, an order, a subscription, a payment and ledger entries: once."""

import asyncio

from contracts.billing import CustomerCreatedV1, OrderPaidV1, SubscriptionActiveV1
from servicekit import ids
from servicekit.testing.harness import SECRET
from sqlalchemy import text

SDK = {"Polar-Version": "2026-10"}


async def test_a_purchase_is_written_down_and_told_of(client, bus, purchased):
    event = purchased(tax=990)
    await bus.deliver(event)
    assert await bus.names() == [
        "customer.created", "customer.updated", "subscription.created", "order.created", "order.updated", "order.paid",
        "subscription.active", "subscription.updated", "customer.state_changed",
    ]  # fmt: skip
    order = (await client.get(f"/v1/orders/{event.data.order_id}")).json()
    assert (order["status"], order["paid"], order["billing_reason"]) == ("paid", True, "subscription_create")
    assert (order["amount"], order["tax_amount"], order["total_amount"]) == (9900, 990, 10890)
    assert order["subscription"]["status"] == "active"
    assert order["customer"]["email"] == "ada@example.com"
    assert order["customer"]["billing_address"]["state"] == "CA"
    assert order["items"][0]["amount"] == 9900
    assert order["invoice_number"].endswith("-0001")
    sdk = (await client.get(f"/v1/orders/{event.data.order_id}", headers=SDK)).json()
    assert sdk["customer"]["billing_address"]["state"] == "US-CA"
    (payment,) = (await client.get("/v1/payments/")).json()["items"]
    assert (payment["amount"], payment["order_id"]) == (10890, order["id"])
    (active,) = await bus.recorded(SubscriptionActiveV1)
    assert active.data.product.name == "Pro Plan"


async def test_the_same_purchase_again_changes_nothing(client, bus, purchased):
    event = purchased()
    await bus.deliver(event)
    before = await bus.names()
    await bus.deliver(event)
    again = purchased(checkout_id=event.data.checkout_id, order_id=event.data.order_id)
    await bus.deliver(again)
    assert await bus.names() == before
    assert (await client.get("/v1/orders/")).json()["pagination"]["total_count"] == 1


async def test_at_once_for_one_new_email_is_one_customer(client, bus, purchased):
    events = [purchased(interval=None, email=email) for email in ("ada@x.example", "ADA@x.example", "Ada@x.example")]
    await asyncio.gather(*(bus.deliver(event) for event in events))
    assert len(await bus.recorded(CustomerCreatedV1)) == 1
    numbers = sorted(item["invoice_number"][-4:] for item in (await client.get("/v1/orders/")).json()["items"])
    assert numbers == ["0001", "0002", "0003"]
    assert (await client.get("/v1/customers/")).json()["pagination"]["total_count"] == 1


async def test_a_promised_id_that_is_taken(client, bus, purchased, organization_id):
    """A customer with the derived id has another e-mail now: the purchase follows the id it was promised."""
    first = (await client.post("/v1/customers/", json={"email": "ada@example.com"})).json()
    assert first["id"] == str(ids.derive(SECRET, str(organization_id), "ada@example.com"))
    await client.patch(f"/v1/customers/{first['id']}", json={"email": "ada@new.example"})
    second = (await client.post("/v1/customers/", json={"email": "ada@example.com"})).json()
    assert second["id"] != first["id"]
    fresh = ids.uuid7()
    event = purchased(interval=None, customer={"id": fresh})
    await bus.deliver(event)
    order = (await client.get(f"/v1/orders/{event.data.order_id}")).json()
    assert order["customer_id"] == second["id"]
    assert (await client.get(f"/v1/customers/{fresh}")).json()["id"] == second["id"]


async def test_a_deleted_customer_buys_again(client, bus, purchased):
    first = (await client.post("/v1/customers/", json={"email": "ada@example.com"})).json()
    assert (await client.delete(f"/v1/customers/{first['id']}")).status_code == 204
    event = purchased(interval=None)
    await bus.deliver(event)
    (order,) = await bus.recorded(OrderPaidV1)
    assert str(order.data.customer_id) != first["id"]


async def test_a_free_purchase_has_no_payment(client, bus, purchased, database):
    await bus.deliver(purchased(amount=0))
    assert (await client.get("/v1/payments/")).json()["items"] == []
    async with database.transaction() as session:
        assert (await session.execute(text("select count(*) from ledger_entries"))).scalar_one() == 0


async def test_lists_by_when_it_was_made(client, bus, purchased):
    await bus.deliver(purchased())
    (order,) = (await client.get("/v1/orders/")).json()["items"]
    for query, count in (
        ({"created_after": order["created_at"], "created_before": order["created_at"]}, 1),
        ({"created_after": "2099-01-01T00:00:00Z"}, 0),
        ({"created_before": "2020-01-01T00:00:00Z"}, 0),
    ):
        assert (await client.get("/v1/orders/", params=query)).json()["pagination"]["total_count"] == count


async def test_lists_filter_sort_and_page(client, stranger, bus, purchased):
    recurring, once = purchased(), purchased(interval=None, amount=500, email="bob@example.com")
    await bus.deliver(recurring, once)

    async def ids_of(**query):
        return [item["id"] for item in (await client.get("/v1/orders/", params=query)).json()["items"]]

    assert await ids_of(product_billing_type="recurring") == [str(recurring.data.order_id)]
    assert await ids_of(product_billing_type="one_time") == [str(once.data.order_id)]
    assert await ids_of(sorting="amount") == [str(once.data.order_id), str(recurring.data.order_id)]
    assert await ids_of(sorting="-customer", limit=1) == [str(once.data.order_id)]
    assert await ids_of(checkout_id=str(once.data.checkout_id)) == [str(once.data.order_id)]
    assert await ids_of(**{"metadata[source]": "nowhere"}) == []
    assert await ids_of(page=3) == []
    body = await client.request("GET", "/v1/orders/", json={"product_id": str(once.data.product.id), "limit": 5})
    assert [item["id"] for item in body.json()["items"]] == [str(once.data.order_id)]
    assert (await client.get("/v1/orders/", params={"product_billing_type": "x"})).status_code == 422
    for path in ("orders", "subscriptions", "customers", "payments"):
        assert (await stranger.get(f"/v1/{path}/")).json()["items"] == []
    for path in (f"orders/{once.data.order_id}", f"subscriptions/{recurring.data.subscription_id}"):
        assert (await stranger.get(f"/v1/{path}")).status_code == 404
        assert (await client.get(f"/v1/{path}")).status_code == 200
