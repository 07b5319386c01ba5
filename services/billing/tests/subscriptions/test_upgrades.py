"""A purchase that upgrades a free subscription: the same subscription, its new terms, and what when it is too late."""

from datetime import timedelta

import pytest
from billing.subscriptions.models import Subscription
from contracts.billing import SubscriptionUncanceledV1, SubscriptionUpdatedV1
from servicekit import clock, ids
from sqlalchemy import select

from services.billing.tests.renewals.steps import instant, orders_of, renewed


@pytest.fixture
async def free(client, bus, announced):
    """A customer's free subscription, given by the merchant."""
    body = {"email": "ada@example.com", "name": "Ada"}
    customer = (await client.post("/v1/customers/", json=body)).json()
    product = await announced(0, name="Free")
    wish = {"product_id": str(product.id), "customer_id": customer["id"], "metadata": {"why": "friend", "plan": "free"}}
    return (await client.post("/v1/subscriptions/", json=wish)).json()


@pytest.fixture
def upgraded(purchased, sandbox):
    """Builds the purchase that upgrades a subscription, paid with a card."""

    def build(subscription, **changes):
        customer = {"id": subscription["customer_id"]}
        fields = {"card": sandbox.card(), "customer": customer, "upgraded_subscription_id": subscription["id"]}
        return purchased(**{"amount": 2900, **fields, **changes})

    return build


async def read(client, subscription):
    return (await client.get(f"/v1/subscriptions/{subscription['id']}")).json()


@pytest.mark.parametrize("later", [timedelta(), timedelta(days=3)], ids=["at one instant", "later"])
async def test_it_gets_the_terms_and_a_new_period(client, bus, at_noon, free, upgraded, database, processor, later):
    clock.move(later)
    event = upgraded(free, metadata={"plan": "pro"})
    if not later:
        event.data.succeeded_at = instant(free["current_period_start"])
    before = len(await bus.names())
    for _ in range(2):
        await bus.deliver(event)
    names = [name for name in (await bus.names())[before:] if not name.startswith("customer.")]
    assert names == ["order.created", "order.updated", "order.paid", "subscription.updated"]
    after = await read(client, free)
    purchase = event.data
    assert (after["id"], after["status"], after["amount"], after["product_id"]) == (
        free["id"], "active", 2900, str(purchase.product.id),
    )  # fmt: skip
    assert (after["started_at"], after["checkout_id"]) == (free["started_at"], str(purchase.checkout_id))
    assert after["metadata"] == {"why": "friend", "plan": "pro"}
    assert instant(after["current_period_start"]) == purchase.succeeded_at
    (given, bought) = await orders_of(client)
    assert [(one["billing_reason"], one["total_amount"], one["status"]) for one in (given, bought)] == [
        ("subscription_create", 0, "paid"), ("subscription_update", 2900, "paid"),
    ]  # fmt: skip
    assert bought["subscription_id"] == free["id"]
    assert (await bus.recorded(SubscriptionUpdatedV1))[-1].data.product_id == purchase.product.id
    clock.move(timedelta(days=31))
    await renewed(database, processor)
    assert [(one["total_amount"], one["status"]) for one in await orders_of(client)][2:] == [(2900, "paid")]
    async with database.transaction() as session:
        (kept,) = (await session.execute(select(Subscription))).scalars()
        assert kept.payment_method_id is not None


async def test_what_was_scheduled_is_dropped(client, bus, at_noon, free, upgraded, announced):
    other = await announced(0, name="Other")
    path = f"/v1/subscriptions/{free['id']}"
    changed = await client.patch(path, json={"product_id": str(other.id), "proration_behavior": "next_period"})
    assert changed.json()["pending_update"] is not None
    assert (await client.patch(path, json={"cancel_at_period_end": True})).status_code == 200
    await bus.deliver(upgraded(free))
    after = await read(client, free)
    assert (after["cancel_at_period_end"], after["ends_at"], after["pending_update"]) == (False, None, None)
    assert [event.subject for event in await bus.recorded(SubscriptionUncanceledV1)] == [
        (await bus.recorded(SubscriptionUpdatedV1))[-1].subject
    ]


async def test_a_trial_begins_with_the_card_kept(client, bus, at_noon, free, purchased, upgraded, sandbox):
    event = upgraded(free)
    card = sandbox.card()
    event.data.trial_end = event.data.succeeded_at + timedelta(days=14)
    event.data.payment = None
    event.data.setup = {
        "processor": "stripe", "processor_customer_id": card[0], "processor_payment_method_id": card[1],
        "method": "card", "method_metadata": {"brand": "visa", "last4": "4242"},
    }  # fmt: skip
    await bus.deliver(type(event).model_validate(event.model_dump(by_alias=True)))
    after = await read(client, free)
    assert (after["status"], after["trial_end"]) == ("trialing", after["current_period_end"])
    assert [one["billing_reason"] for one in await orders_of(client)] == ["subscription_create", "subscription_update"]


@pytest.mark.parametrize("how", ["ended", "paid", "another's", "unknown"])
async def test_too_late_it_begins_one_of_its_own(client, bus, at_noon, free, upgraded, how):
    """Nobody is left without what they paid for."""
    changes = {}
    if how == "ended":
        assert (await client.patch(f"/v1/subscriptions/{free['id']}", json={"revoke": True})).status_code == 200
    if how == "paid":
        await bus.deliver(upgraded(free, amount=500))
    if how == "another's":
        changes = {"email": "eve@example.com", "customer": {"id": ids.uuid7()}}
    if how == "unknown":
        changes = {"upgraded_subscription_id": ids.uuid7()}
    before = {**await read(client, free), "customer": None}
    event = upgraded(free, **changes)
    for _ in range(2):
        await bus.deliver(event)
    own = (await client.get(f"/v1/subscriptions/{event.data.subscription_id}")).json()
    assert (own["status"], own["amount"]) == ("active", 2900)
    order = (await orders_of(client))[-1]
    assert (order["subscription_id"], order["billing_reason"]) == (own["id"], "subscription_create")
    assert {**await read(client, free), "customer": None} == before
