"""A browser that has an intent's `client_secret` confirms it at Stripe itself, past us: few cards are tried so."""

from datetime import timedelta

import pytest
import pytest_asyncio
from billing.client_intents.models import ClientIntent
from billing.client_intents.timers import cancel_intents, forget_intents
from billing.commands import run_left_open
from billing.payments.models import Payment
from billing.payments.timers import collect_due
from billing.subscriptions.renewals import renew_due
from contracts.processor_events import ProcessorEvent, ProcessorEventReceivedV1
from processor import card_testing
from servicekit import clock, ids
from servicekit.testing.harness import signed_headers
from sqlalchemy import delete, func, select, update

MINE = "/v1/customer-portal/customers/me/payment-methods"
ASKS, GOOD = "4000002760003184", "4242424242424242"
STOLEN = ["4000000000000002", "4000000000009995", "4000000000009987", "4000000000009979", "4000000000000069"]
FAILED = ("charge.failed", "payment_intent.payment_failed", "payment_intent.canceled", "setup_intent.setup_failed")


def wish(token):
    return {"confirmation_token_id": token, "set_default": True, "return_url": "https://shop.example/"}


@pytest.fixture
def portal(organization_id):
    def headers(event):
        return signed_headers(organization_id, "customer_portal:write", customer_id=event.data.customer.id)

    return headers


@pytest.fixture
def hear(bus, sandbox, organization_id):
    """Brings billing what Stripe has called back about, twice each."""

    async def hear():
        for event in sandbox.events(*FAILED):
            data = ProcessorEvent(
                id=event["id"], processor="stripe", type=event["type"], object=event["data"]["object"],
                created_at=clock.now(),
            )  # fmt: skip
            told = ProcessorEventReceivedV1(
                subject=ids.uuid7(), organization_id=organization_id, time=clock.now(), data=data
            )
            await bus.deliver(told)
            await bus.deliver(told)

    return hear


@pytest_asyncio.fixture
async def customer(bus, purchased, sandbox):
    event = purchased(card=sandbox.card())
    await bus.deliver(event)
    return event


async def test_a_set_up_that_was_declined_is_canceled_and_counted(
    client, customer, portal, sandbox, hear, database, processor
):
    answer = await client.post(MINE, headers=portal(customer), json=wish(sandbox.token(ASKS)))
    secret = answer.json()["client_secret"]
    assert [sandbox.confirm_in_browser(secret, number) for number in STOLEN] == [402] * len(STOLEN)
    await hear()
    sandbox.faults(errors=3)
    assert await cancel_intents(database.transaction, processor) == 0, "Stripe is silent"
    clock.move(timedelta(seconds=31))
    assert await cancel_intents(database.transaction, processor) == 1
    assert await cancel_intents(database.transaction, processor) == 0
    assert sandbox.confirm_in_browser(secret, GOOD) == 400
    answer = await client.post(MINE, headers=portal(customer), json=wish(sandbox.token(GOOD)))
    assert (answer.status_code, answer.json()["error"]) == (429, "TooManyAttempts")
    assert len(STOLEN) == card_testing.PER_PURCHASE
    clock.move(timedelta(days=4))
    assert await forget_intents(database.transaction) == 1
    assert (await client.post(MINE, headers=portal(customer), json=wish(sandbox.token(GOOD)))).status_code == 201


async def test_a_set_up_that_nobody_finishes_is_given_up(client, customer, portal, sandbox, database, processor):
    answer = await client.post(MINE, headers=portal(customer), json=wish(sandbox.token(ASKS)))
    assert await cancel_intents(database.transaction, processor) == 0
    clock.move(timedelta(days=1))
    assert await cancel_intents(database.transaction, processor) == 1
    assert sandbox.confirm_in_browser(answer.json()["client_secret"], GOOD) == 400


async def test_nobody_is_given_the_secret_of_another_customers_set_up(
    client, bus, purchased, customer, portal, sandbox
):
    answer = await client.post(MINE, headers=portal(customer), json=wish(sandbox.token(ASKS)))
    id = answer.json()["client_secret"].partition("_secret_")[0]
    stranger = purchased(email="eve@example.com", card=sandbox.card())
    await bus.deliver(stranger)
    asked = {"setup_intent_id": id, "set_default": True}
    answer = await client.post(f"{MINE}/confirm", headers=portal(stranger), json=asked)
    assert (answer.status_code, answer.json()["error"]) == (403, "CustomerNotReady")
    assert "secret" not in answer.text
    own = await client.post(f"{MINE}/confirm", headers=portal(customer), json=asked)
    assert own.json()["status"] == "requires_action"


@pytest_asyncio.fixture
async def unpaid(client, customer, sandbox, database, processor):
    """The path by which the customer pays an order whose renewal failed."""
    sandbox.faults(decline="insufficient_funds")
    clock.move(timedelta(days=31))
    await renew_due(database.transaction)
    await collect_due(database.transaction, processor)
    sandbox.faults(decline="")
    orders = (await client.get("/v1/orders/", params={"status": "pending"})).json()["items"]
    return f"/v1/customer-portal/orders/{orders[0]['id']}/confirm-payment"


async def test_what_an_earlier_release_left_open_is_named_and_canceled(
    client, customer, portal, sandbox, hear, database, processor, settings, unpaid
):
    """It canceled no intent, and did not write down by which agreement it charged."""
    answer = await client.post(unpaid, headers=portal(customer), json={"confirmation_token_id": sandbox.token(ASKS)})
    secret = answer.json()["client_secret"]
    sandbox.confirm_in_browser(secret, STOLEN[0])
    await hear()
    async with database.transaction() as session:
        await session.execute(delete(ClientIntent))
        await session.execute(update(Payment).values(agreement=None))
    assert await run_left_open(settings, repaired=False) == 1, "and not the renewal, whose secret nobody has"
    assert await cancel_intents(database.transaction, processor) == 0
    for _ in range(2):
        assert await run_left_open(settings, repaired=True) == 0
    assert await cancel_intents(database.transaction, processor) == 1
    assert sandbox.confirm_in_browser(secret, GOOD) == 400
    assert await run_left_open(settings, repaired=False) == 0


async def test_an_order_is_not_a_place_to_try_cards(
    client, customer, portal, sandbox, hear, database, processor, unpaid
):
    path = unpaid
    answer = await client.post(path, headers=portal(customer), json={"confirmation_token_id": sandbox.token(ASKS)})
    assert answer.json()["status"] == "requires_action"
    secret = answer.json()["client_secret"]
    assert [sandbox.confirm_in_browser(secret, number) for number in STOLEN] == [402] * len(STOLEN)
    await hear()
    assert await cancel_intents(database.transaction, processor) == 1
    assert sandbox.confirm_in_browser(secret, GOOD) == 400
    answer = await client.post(path, headers=portal(customer), json={"confirmation_token_id": sandbox.token(GOOD)})
    assert answer.status_code == 429
    payments = (await client.get("/v1/payments/", params={"status": "failed"})).json()["items"]
    assert [one["processor_outcome"]["type"] for one in payments] == ["issuer_declined"] * 2, "what Radar judged"


async def test_a_decline_whose_secret_nobody_has_costs_no_request(
    client, customer, portal, sandbox, hear, database, processor
):
    answer = await client.post(MINE, headers=portal(customer), json=wish(sandbox.token(STOLEN[0])))
    assert answer.status_code == 400
    await hear()
    assert await cancel_intents(database.transaction, processor) == 0
    async with database.transaction() as session:
        assert (await session.execute(select(func.count()).select_from(ClientIntent))).scalar_one() == 0
