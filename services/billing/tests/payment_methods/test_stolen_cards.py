"""Stolen cards, tried in the portal by somebody who took something that is free: Stripe is asked about a few."""

import asyncio
from collections import Counter
from datetime import timedelta

import pytest
from billing.payments.timers import collect_due
from billing.subscriptions.renewals import renew_due
from processor import card_testing
from servicekit import clock
from servicekit.testing.harness import signed_headers

MINE = "/v1/customer-portal/customers/me/payment-methods"
HOME = {"X-Forwarded-For": "81.2.69.142"}
SET_UP, CHARGE = "POST /v1/setup_intents", "POST /v1/payment_intents"
MONTH = timedelta(days=31)


def _is_right(number):
    """Whether a card number that ends in these four digits has the right check digit."""
    digits = f"400012000000{number:04d}"
    doubled = (int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits)))
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0


CARDS = [f"400012000000{number:04d}" for number in range(300) if _is_right(number)]


@pytest.fixture
def portal(organization_id):
    def headers(event, **changes):
        return signed_headers(organization_id, "customer_portal:write", customer_id=event.data.customer.id, **changes)

    return headers


def wish(token):
    return {"confirmation_token_id": token, "set_default": True, "return_url": "https://shop.example/"}


async def test_a_customer_keeps_no_more_cards_than_a_few(client, bus, purchased, sandbox, portal):
    event = purchased(card=sandbox.card())
    await bus.deliver(event)
    tokens = [sandbox.token(number) for number in CARDS[:25]]
    sandbox.faults(decline="stolen_card")
    answers = await asyncio.gather(
        *(client.post(MINE, headers=portal(event, **HOME), json=wish(token)) for token in tokens[:24])
    )
    seen = Counter((answer.status_code, answer.json()["error"]) for answer in answers)
    assert seen == {
        (400, "PaymentMethodSetupFailed"): card_testing.PER_PURCHASE,
        (429, "TooManyAttempts"): 24 - card_testing.PER_PURCHASE,
    }
    assert sandbox.asked(SET_UP) == card_testing.PER_PURCHASE
    again = await client.post(MINE, headers=portal(event), json=wish(tokens[-1]))
    assert 3500 < int(again.headers["Retry-After"]) <= 3600
    sandbox.faults(decline="")
    clock.move(timedelta(seconds=int(again.headers["Retry-After"])))
    assert (await client.post(MINE, headers=portal(event), json=wish(tokens[-1]))).status_code == 201


async def test_customers_of_one_address_are_counted_together(client, bus, purchased, sandbox, portal):
    """A stranger takes the free product under many e-mails."""
    sandbox.faults(decline="stolen_card")
    seen = Counter()
    for number in range(14):
        event = purchased(email=f"buyer{number}@example.com", card=sandbox.card())
        await bus.deliver(event)
        answer = await client.post(MINE, headers=portal(event, **HOME), json=wish(sandbox.token(CARDS[number])))
        seen[answer.status_code] += 1
    assert seen == {400: card_testing.PER_ADDRESS, 429: 14 - card_testing.PER_ADDRESS}
    assert sandbox.asked(SET_UP) == card_testing.PER_ADDRESS


async def test_an_order_that_was_not_paid_takes_few_new_cards(
    client, bus, purchased, sandbox, portal, database, processor
):
    event = purchased(card=sandbox.card())
    await bus.deliver(event)
    sandbox.faults(decline="insufficient_funds")
    clock.move(MONTH)
    await renew_due(database.transaction)
    await collect_due(database.transaction, processor)
    orders = (await client.get("/v1/orders/", params={"status": "pending"})).json()["items"]
    path = f"/v1/customer-portal/orders/{orders[0]['id']}/confirm-payment"
    before = sandbox.asked(CHARGE)
    seen = Counter()
    for _ in range(8):
        body = {"confirmation_token_id": sandbox.token(CARDS[0])}
        seen[(await client.post(path, headers=portal(event, **HOME), json=body)).status_code] += 1
    assert seen == {200: card_testing.PER_CARD, 429: 3}
    assert sandbox.asked(CHARGE) == before + card_testing.PER_CARD


async def test_a_payment_method_of_somebody_else_is_not_taken(client, bus, purchased, sandbox, portal):
    event = purchased(card=sandbox.card())
    await bus.deliver(event)
    _, method = sandbox.card()
    for token in (method, "pm_1PQabcDEF", "tok_visa", "seti_1Nabc"):
        answer = await client.post(MINE, headers=portal(event), json=wish(token))
        assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["body", "confirmation_token_id"])
    assert sandbox.asked(SET_UP) == 0
