"""The session that comes with a purchase: never for an e-mail that somebody else may have."""

import asyncio
from datetime import timedelta

import pytest
from checkout.payments.timers import recover_open_payments
from contracts.checkout import CheckoutSucceededV1
from processor import StripeProcessor
from servicekit import clock, ids
from servicekit.testing.harness import SECRET
from servicekit.tokens import hashed

from services.checkout.tests.support import customer_created, opened

pytestmark = pytest.mark.usefixtures("known_seller")


async def bought(client, checkout, card="pm_card_visa"):
    path = f"/v1/checkouts/client/{checkout['client_secret']}/confirm"
    answer = await client.post(path, json={"confirmation_token_id": card})
    assert answer.status_code == 200, answer.text
    return answer.json()["customer_session_token"]


async def told(bus):
    return [event.data.customer_session for event in await bus.recorded(CheckoutSucceededV1)]


async def test_a_new_customer_gets_one_for_an_hour(client, sell, bus):
    checkout = await opened(client, await sell())
    token = await bought(client, checkout)
    assert token.startswith("polar_cst_")
    (session,) = await told(bus)
    assert (session.token_hash, session.is_of_new_customer) == (hashed(token, SECRET).hex(), True)
    assert session.expires_at - clock.wall() < timedelta(hours=1)
    clock.move(timedelta(minutes=59))
    assert await bought(client, checkout) == token
    clock.move(timedelta(minutes=2))
    assert await bought(client, checkout) is None
    assert len(await told(bus)) == 1


async def test_tokens_differ_by_checkout(client, sell):
    product = await sell()
    tokens = {
        await bought(client, await opened(client, product, customer_email=f"{number}@example.com"))
        for number in range(3)
    }
    assert len(tokens) == 3


async def test_a_typed_address_of_a_customer_gets_none(client, sell, bus, organization_id):
    await bus.deliver(customer_created(organization_id, ids.uuid7()))
    assert await bought(client, await opened(client, await sell(), customer_email="ADA@example.com")) is None
    assert await told(bus) == [None]


async def test_a_customer_that_the_seller_named_gets_one(client, sell, bus, organization_id):
    customer_id = ids.uuid7()
    await bus.deliver(customer_created(organization_id, customer_id))
    product = await sell(interval=None)
    for _ in range(2):
        checkout = await opened(client, product, customer_email=None, customer_id=str(customer_id))
        assert (await bought(client, checkout)).startswith("polar_cst_")
    assert [session.is_of_new_customer for session in await told(bus)] == [False, False]


async def test_an_external_id_names_nobody_new(client, sell, bus):
    product = await sell(interval=None)
    assert await bought(client, await opened(client, product, external_customer_id="u1")) is not None
    assert await bought(client, await opened(client, product, external_customer_id="u1")) is None


async def test_the_second_purchase_with_an_address_gets_none(client, sell, bus):
    product = await sell(interval=None)
    assert await bought(client, await opened(client, product)) is not None
    assert await bought(client, await opened(client, product, customer_email="ada@EXAMPLE.com")) is None
    assert [session is not None for session in await told(bus)] == [True, False]


async def test_who_began_first_and_paid_last_gets_none(client, sell, bus, sandbox, settings, database):
    product = await sell(interval=None)
    first = await opened(client, product)
    assert await bought(client, first, "pm_card_authenticationRequired") is None
    assert await bought(client, await opened(client, product)) is None
    (intent,) = [one for one in sandbox.get("/v1/payment_intents")["data"] if one["status"] == "requires_action"]
    path = f"/v1/payment_intents/{intent['id']}/_authenticate"
    sandbox.post(path, client_secret=intent["client_secret"], success="true")
    clock.move(timedelta(hours=2))
    processor = StripeProcessor(settings)
    assert await recover_open_payments(database.transaction, processor, settings) == 1
    await processor.close()
    assert await bought(client, first) is None
    assert await told(bus) == [None, None]


async def test_a_decline_takes_the_promise_back(client, sell, bus):
    product = await sell(interval=None)
    first = await opened(client, product)
    path = f"/v1/checkouts/client/{first['client_secret']}/confirm"
    declined = await client.post(path, json={"confirmation_token_id": "pm_card_chargeDeclined"})
    assert declined.status_code == 400
    assert await bought(client, await opened(client, product)) is not None
    assert await bought(client, first) is None


async def test_of_24_at_once_one_gets_one(client, sell, bus):
    product = await sell(interval=None, amount=0)
    checkouts = [await opened(client, product) for _ in range(24)]
    tokens = await asyncio.gather(*(bought(client, one) for one in checkouts))
    assert sum(token is not None for token in tokens) == 1
    assert sum(session is not None for session in await told(bus)) == 1
