"""Trials: nothing is due until they end; then the machinery of renewals converts and bills them."""

from datetime import timedelta

import pytest
from billing.payments.timers import collect_due
from billing.subscriptions.renewals import renew_due
from contracts.billing import SubscriptionCycledV1
from servicekit import clock

TRIAL = timedelta(days=14)


def trial(purchased, sandbox, card=None, **changes):
    event = purchased(**changes)
    event.data.trial_end = event.data.succeeded_at + TRIAL
    event.data.payment = None
    if card is not None:
        event.data.setup = {
            "processor": "stripe", "processor_customer_id": card[0], "processor_payment_method_id": card[1],
            "method": "card", "method_metadata": {"brand": "visa", "last4": "4242"},
        }  # fmt: skip
    return type(event).model_validate(event.model_dump(by_alias=True))


async def done(database, processor):
    while await renew_due(database.transaction) + await collect_due(database.transaction, processor):
        pass


async def test_a_trial_with_a_card_is_converted_and_billed(client, bus, purchased, database, processor, sandbox):
    event = trial(purchased, sandbox, sandbox.card())
    await bus.deliver(event)
    path = f"/v1/subscriptions/{event.data.subscription_id}"
    subscription = (await client.get(path)).json()
    assert (subscription["status"], subscription["trial_end"]) == ("trialing", subscription["current_period_end"])
    (order,) = (await client.get("/v1/orders/")).json()["items"]
    assert (order["status"], order["total_amount"], order["billing_reason"]) == ("paid", 0, "subscription_create")
    assert "subscription.active" in await bus.names()
    await done(database, processor)
    assert sandbox.summary()["payment_intents"] == 0
    clock.move(TRIAL + timedelta(seconds=1))
    before = len(await bus.names())
    await done(database, processor)
    assert (await bus.names())[before:] == [
        "subscription.cycled", "subscription.updated", "subscription.active", "order.created",
        "customer.state_changed", "order.updated", "order.paid",
    ]  # fmt: skip
    after = (await client.get(path)).json()
    assert (after["status"], after["current_period_start"]) == ("active", subscription["trial_end"])
    orders = (await client.get("/v1/orders/?sorting=created_at")).json()["items"]
    assert [order["total_amount"] for order in orders] == [0, 9900]
    (cycled,) = await bus.recorded(SubscriptionCycledV1)
    assert cycled.data.trial_end == cycled.data.current_period_start


async def test_a_trial_without_a_card_ends_past_due(client, bus, purchased, database, processor, sandbox):
    event = trial(purchased, sandbox)
    await bus.deliver(event)
    clock.move(TRIAL + timedelta(seconds=1))
    await done(database, processor)
    subscription = (await client.get(f"/v1/subscriptions/{event.data.subscription_id}")).json()
    assert subscription["status"] == "past_due"


@pytest.mark.parametrize("amount", [0])
async def test_a_free_trial_goes_on_for_nothing(client, bus, purchased, database, processor, sandbox, amount):
    event = trial(purchased, sandbox, amount=amount)
    await bus.deliver(event)
    clock.move(TRIAL + timedelta(seconds=1))
    await done(database, processor)
    subscription = (await client.get(f"/v1/subscriptions/{event.data.subscription_id}")).json()
    assert subscription["status"] == "active"
