"""A checkout that upgrades a free subscription: its customer buys, and it is decided again before money moves."""

import asyncio
from datetime import timedelta

import pytest
from checkout.subscriptions.models import Subscription
from contracts.billing import SubscriptionRevokedV1, SubscriptionUpdatedV1
from contracts.checkout import CheckoutSucceededV1
from contracts.identity import SubscriptionSettings
from servicekit import clock, ids

from services.checkout.tests.support import (
    confirmed,
    customer_created,
    customer_shape,
    opened,
    problems,
    seller_told,
    subscription_event,
)


@pytest.fixture
async def customer(bus, organization_id):
    """A customer whom checkout knows."""
    event = customer_created(organization_id, ids.uuid7(), external_id="ada", name="Ada")
    await bus.deliver(event)
    return event.data


@pytest.fixture
async def free(bus, organization_id, sell, customer):
    """The customer's free subscription, at a seller who sells each customer one."""
    settings = SubscriptionSettings(allow_multiple_subscriptions=False)
    await bus.deliver(seller_told(organization_id, subscription_settings=settings))
    product = await sell(amount=0)
    event = subscription_event(product, customer, ids.uuid7())
    await bus.deliver(event)
    return event.data


def upgrade_of(client, product, subscription, **fields):
    return opened(client, product, subscription_id=str(subscription.id), customer_email=None, **fields)


async def purchases(bus):
    return [event.data for event in await bus.recorded(CheckoutSucceededV1)]


async def test_its_customer_buys_the_same_subscription(client, sell, bus, sandbox, free, customer):
    paid = await sell(amount=2900)
    checkout = await upgrade_of(client, paid, free)
    assert (checkout["subscription_id"], checkout["customer_id"]) == (str(free.id), str(customer.id))
    assert (checkout["customer_email"], checkout["customer_name"]) == ("ada@example.com", "Ada")
    declined = await confirmed(client, checkout, confirmation_token_id="pm_card_chargeDeclined")
    assert declined.status_code == 400
    for _ in range(2):
        answer = await confirmed(client, checkout)
        assert answer.status_code == 200, answer.text
    (purchase,) = await purchases(bus)
    assert (purchase.upgraded_subscription_id, purchase.customer.id) == (free.id, customer.id)
    assert purchase.subscription_id not in (None, free.id), "kept for a subscription of its own, if it has to be one"
    assert (purchase.payment.amount, purchase.payment.processor_payment_method_id is None) == (2900, False)
    assert (await client.get(f"/v1/checkouts/{checkout['id']}")).json()["subscription_id"] == str(free.id)


async def test_two_checkouts_at_once_charge_once(client, sell, bus, sandbox, free):
    paid = await sell(amount=2900)
    checkouts = [await upgrade_of(client, paid, free) for _ in range(6)]
    answers = await asyncio.gather(*(confirmed(client, checkout) for checkout in checkouts))
    assert sorted({answer.status_code for answer in answers} - {409}) == [200, 403]
    assert {answer.json()["error"] for answer in answers if answer.status_code == 403} == {"SubscriptionNotUpgradable"}
    assert (len(await purchases(bus)), sandbox.summary()["payment_intents"]) == (1, 1)


async def test_it_goes_on_for_another_upgrade_and_another_purchase(client, sell, bus, sandbox, free, customer):
    """A purchase counts until billing's news of it, and no longer."""
    checkout = await upgrade_of(client, free.product, free)
    other = await upgrade_of(client, free.product, free)
    assert (await confirmed(client, checkout)).status_code == 200
    assert (await confirmed(client, other)).status_code == 403
    news = {"contract": SubscriptionUpdatedV1, "sequence": 2, "checkout_id": checkout["id"]}
    await bus.deliver(subscription_event(free.product, customer, free.id, **news))
    assert (await confirmed(client, other)).status_code == 200
    ended = {"contract": SubscriptionRevokedV1, "sequence": 3, "status": "canceled", "ended_at": clock.now()}
    await bus.deliver(subscription_event(free.product, customer, free.id, **ended))
    again = await opened(client, await sell(amount=2900))
    assert (await confirmed(client, again)).status_code == 200, "an upgrade holds no place of its own"


@pytest.mark.parametrize("how", ["ended", "paid", "paused"])
async def test_what_happened_meanwhile_is_decided_before_money_moves(client, sell, bus, sandbox, free, customer, how):
    paid = await sell(amount=2900)
    checkout = await upgrade_of(client, paid, free)
    changes = {
        "ended": {"status": "canceled", "ended_at": clock.now() + timedelta(seconds=1)},
        "paused": {"status": "paused"},
        "paid": {},
    }[how]
    product = paid if how == "paid" else free.product
    await bus.deliver(
        subscription_event(product, customer, free.id, contract=SubscriptionUpdatedV1, sequence=2, **changes)
    )
    answer = await confirmed(client, checkout)
    assert (answer.status_code, answer.json()["error"]) == (403, "SubscriptionNotUpgradable")
    assert (await purchases(bus), sandbox.summary()["payment_intents"]) == ([], 0)
    body = {"products": [str(paid.id)], "subscription_id": str(free.id)}
    assert problems(await client.post("/v1/checkouts/", json=body)) == [["body", "subscription_id"]]


async def test_what_cannot_be_upgraded_is_named(client, stranger, sell, bus, organization_id, free, customer):
    paid, once = await sell(amount=2900), await sell(amount=100, interval=None)
    event = customer_created(organization_id, ids.uuid7(), email="eve@example.com", external_id="eve")
    discounted = subscription_event(paid, customer, ids.uuid7(), amount=0)
    foreign = subscription_event(
        paid.model_copy(update={"organization_id": ids.uuid7()}), customer_shape(ids.uuid7(), ids.uuid7()), ids.uuid7()
    )
    await bus.deliver(event, discounted, foreign)
    named = {"subscription_id": str(free.id)}
    for product, fields, loc in (
        (paid, {"subscription_id": str(ids.uuid7())}, "subscription_id"),
        (paid, {"subscription_id": str(discounted.data.id)}, "subscription_id"),
        (paid, {"subscription_id": str(foreign.data.id)}, "subscription_id"),
        (once, named, "subscription_id"),
        (paid, {**named, "customer_id": str(event.data.id)}, "customer_id"),
        (paid, {**named, "external_customer_id": "eve"}, "external_customer_id"),
    ):
        body = {"products": [str(product.id)], **fields}
        assert problems(await client.post("/v1/checkouts/", json=body)) == [["body", loc]]
    checkout = await upgrade_of(client, paid, free, customer_id=str(customer.id), external_customer_id="ada")
    changed = await client.patch(f"/v1/checkouts/{checkout['id']}", json={"product_id": str(once.id)})
    assert problems(changed) == [["body", "product_id"]]


async def test_a_copy_from_before_is_refused_until_it_is_published_again(client, sell, database, free):
    async with database.transaction() as session:
        (await session.get_one(Subscription, free.id)).is_upgradable = None
    body = {"products": [str((await sell()).id)], "subscription_id": str(free.id)}
    assert problems(await client.post("/v1/checkouts/", json=body)) == [["body", "subscription_id"]]
