"""A browser that has an intent's `client_secret` confirms it at Stripe itself: few cards are tried so."""

import asyncio
from collections import Counter
from datetime import timedelta

import pytest
import pytest_asyncio
from checkout.commands import run_exposed
from checkout.payments.models import Payment
from checkout.payments.operations import TRIED
from checkout.payments.timers import cancel_failed, recover_open_payments, refund_duplicates
from contracts.checkout import CheckoutSucceededV1
from processor import StripeProcessor, card_testing
from servicekit import clock
from sqlalchemy import select

from services.checkout.tests.support import call_back, confirmed, opened

ASKS = "4000002760003184"
STOLEN = ["4000000000000002", "4000000000009995", "4000000000009987", "4000000000009979", "4000000000000069"]
GOOD = "4242424242424242"
FAILED = ("payment_intent.payment_failed", "setup_intent.setup_failed")


@pytest_asyncio.fixture
async def stripe(settings):
    """The client of Stripe that the worker has."""
    processor = StripeProcessor(settings)
    yield processor
    await processor.close()


@pytest.fixture
def exposed(client, sell, sandbox):
    """Opens a checkout whose buyer is asked by their bank. Returns it and the secret of its intent."""

    async def exposed(**terms):
        checkout = await opened(client, await sell(**terms))
        answer = await confirmed(client, checkout, confirmation_token_id=sandbox.token(ASKS))
        assert answer.status_code == 200, answer.text
        return checkout, answer.json()["payment_processor_metadata"]["intent_client_secret"]

    return exposed


def kind_of(secret):
    return "setup_intents" if secret.startswith("seti_") else "payment_intents"


TRIAL = {"trial_interval": "day", "trial_interval_count": 7}


@pytest.mark.parametrize("terms", [{}, TRIAL])
async def test_a_declined_intent_is_closed_and_every_decline_is_counted(
    client, sandbox, exposed, database, settings, stripe, known_seller, terms
):
    checkout, secret = await exposed(**terms)
    tried = [sandbox.confirm_in_browser(secret, number) for number in STOLEN]
    assert tried == [402] * len(STOLEN), "Stripe itself does not stop them"
    heard = [call_back(client, event) for event in sandbox.events(*FAILED) for _ in range(4)]
    assert {answer.status_code for answer in await asyncio.gather(*heard)} == {200}
    sandbox.faults(errors=3)
    assert await cancel_failed(database.transaction, stripe, settings) == 0, "Stripe is silent"
    async with database.transaction() as session:
        payment = (await session.execute(select(Payment))).scalar_one()
        assert (payment.status, payment.due_at is not None) == ("failed", True)
        payment.due_at = payment.created_at
    assert await cancel_failed(database.transaction, stripe, settings) == 1
    assert await cancel_failed(database.transaction, stripe, settings) == 0
    assert sandbox.confirm_in_browser(secret, GOOD) == 400
    assert sandbox.get(f"/v1/{kind_of(secret)}/{payment.processor_id}")["status"] == "canceled"
    answer = await confirmed(client, checkout, confirmation_token_id=sandbox.token(GOOD))
    assert (answer.status_code, answer.json()["error"]) == (429, "TooManyAttempts")
    assert len(STOLEN) == card_testing.PER_PURCHASE


async def test_a_card_that_is_declined_so_counts_elsewhere(client, sandbox, exposed, known_seller, sell):
    _, secret = await exposed()
    for _ in range(card_testing.PER_CARD + 1):
        sandbox.confirm_in_browser(secret, STOLEN[0])
    for event in sandbox.events(*FAILED):
        await call_back(client, event)
    other = await opened(client, await sell(), customer_email="else@example.com")
    answer = await confirmed(client, other, confirmation_token_id=sandbox.token(STOLEN[0]))
    assert answer.status_code == 429


async def test_a_decline_of_ours_is_counted_once(client, sandbox, sell, known_seller):
    """Stripe calls back about what it has answered already."""
    checkout, seen = await opened(client, await sell()), Counter()
    for number in range(card_testing.PER_PURCHASE + 1):
        answer = await confirmed(client, checkout, confirmation_token_id=sandbox.token(STOLEN[number % 3]))
        seen[answer.status_code] += 1
        for event in sandbox.events(*FAILED):
            await call_back(client, event)
    assert seen == {400: card_testing.PER_PURCHASE, 429: 1}


async def test_what_is_paid_before_it_is_canceled_is_given_back(
    client, anonymous, sandbox, exposed, bus, database, settings, stripe, known_seller
):
    """The checkout is for another amount by then, and the call-back of the success is lost."""
    checkout, secret = await exposed()
    sandbox.confirm_in_browser(secret, STOLEN[0])
    for event in sandbox.events(*FAILED):
        await call_back(client, event)
    discount = {"name": "Half", "code": "HALF", "type": "percentage", "basis_points": 5000, "duration": "once"}
    await client.post("/v1/discounts/", json=discount)
    page = f"/v1/checkouts/client/{checkout['client_secret']}"
    assert (await anonymous.patch(page, json={"discount_code": "HALF"})).status_code == 200
    assert sandbox.confirm_in_browser(secret, GOOD) == 200
    assert await cancel_failed(database.transaction, stripe, settings) == 1
    assert await refund_duplicates(database.transaction, stripe) == 1
    assert await bus.recorded(CheckoutSucceededV1) == []
    assert sandbox.summary()["refunded"] == 9900
    assert await cancel_failed(database.transaction, stripe, settings) == 0


async def test_the_timer_that_hears_of_the_decline_first_counts_it_once(
    client, sandbox, exposed, database, settings, stripe, known_seller
):
    checkout, secret = await exposed()
    sandbox.confirm_in_browser(secret, STOLEN[0])
    async with database.transaction() as session:
        payment = (await session.execute(select(Payment))).scalar_one()
        payment.due_at = payment.created_at
    assert await recover_open_payments(database.transaction, stripe, settings) == 1
    for event in sandbox.events(*FAILED):
        await call_back(client, event)
    answers = [
        await confirmed(client, checkout, confirmation_token_id=sandbox.token(number))
        for number in [*STOLEN[1:], "4000000000000127"]
    ]
    assert [answer.status_code for answer in answers] == [400] * (card_testing.PER_PURCHASE - 1) + [429]


async def test_what_radar_says_of_a_decline_is_kept(client, sandbox, sell, known_seller, database):
    checkout = await opened(client, await sell())
    await confirmed(client, checkout, confirmation_token_id=sandbox.token("4100000000000019"))
    for event in sandbox.events("charge.failed"):
        assert (await call_back(client, event)).status_code == 200
    async with database.transaction() as session:
        payment = (await session.execute(select(Payment))).scalar_one()
    assert (payment.status, payment.facts["outcome"]["type"]) == ("failed", "blocked")
    assert payment.facts["outcome"]["risk_level"] == "highest"


@pytest.mark.parametrize("terms", [{}, TRIAL])
async def test_a_buyer_who_never_answers_their_bank_is_given_up(
    client, sandbox, exposed, database, settings, stripe, known_seller, terms
):
    checkout, secret = await exposed(**terms)
    clock.move(timedelta(hours=2))
    assert await recover_open_payments(database.transaction, stripe, settings) == 1
    assert (await client.get(f"/v1/checkouts/{checkout['id']}")).json()["status"] == "confirmed"
    clock.move(timedelta(hours=23))
    assert await recover_open_payments(database.transaction, stripe, settings) == 1
    assert sandbox.confirm_in_browser(secret, GOOD) == 400
    assert (await client.get(f"/v1/checkouts/{checkout['id']}")).json()["status"] == "open"
    assert await cancel_failed(database.transaction, stripe, settings) == 1
    assert await recover_open_payments(database.transaction, stripe, settings) == 0


async def test_what_an_earlier_release_left_open_is_named_and_canceled(
    client, sandbox, exposed, sell, database, settings, stripe, known_seller
):
    """It noted no decline's card, and canceled no intent; what this release declines is not named."""
    _, secret = await exposed()
    sandbox.confirm_in_browser(secret, STOLEN[0])
    for event in sandbox.events(*FAILED):
        await call_back(client, event)
    async with database.transaction() as session:
        payment = (await session.execute(select(Payment))).scalar_one()
        payment.due_at, payment.facts = None, {name: fact for name, fact in payment.facts.items() if name != TRIED}
    own = await confirmed(client, await opened(client, await sell()), confirmation_token_id=sandbox.token(STOLEN[1]))
    assert own.status_code == 400
    for _ in range(2):
        assert await run_exposed(settings, repaired=False) == 1
    assert await cancel_failed(database.transaction, stripe, settings) == 0
    for _ in range(2):
        assert await run_exposed(settings, repaired=True) == 0
    assert await cancel_failed(database.transaction, stripe, settings) == 1
    assert await cancel_failed(database.transaction, stripe, settings) == 0
    assert sandbox.confirm_in_browser(secret, GOOD) == 400
