"""Stolen cards, tried at what is open to everybody: Stripe is asked about a few, and buyers go on buying."""

import asyncio
from collections import Counter
from datetime import timedelta
from itertools import count

import pytest
import pytest_asyncio
from checkout.buyer_attempts.models import BuyerAttempt
from contracts.checkout import CheckoutDeclineRateExceededV1, CheckoutSucceededV1
from processor import card_testing
from servicekit import attempts, clock
from sqlalchemy import func, select

from services.checkout.tests.support import opened, problems

HOME = "81.2.69.142"
CHARGES = ("POST /v1/payment_intents", "POST /v1/setup_intents")
RACERS = 24
AN_HOUR = timedelta(hours=1)


def numbers():
    """Card numbers that nobody has tried before."""
    for number in count(1):
        digits = f"400012{number:09d}"
        doubled = (int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits), 1))
        yield digits + str(-sum(value - 9 if value > 9 else value for value in doubled) % 10)


@pytest.fixture
def stolen(sandbox):
    """Makes tokens of stolen cards, each of another card."""
    cards = numbers()
    return lambda: sandbox.token(next(cards))


@pytest.fixture
def tries(anonymous):
    """Confirms a checkout as its page does, from an address that the gateway saw."""

    async def tries(checkout, token, address=HOME, **changes):
        body = {"confirmation_token_id": token, **changes}
        return await anonymous.post(
            f"/v1/checkouts/client/{checkout['client_secret']}/confirm",
            json=body,
            headers={"X-Forwarded-For": address},
        )

    return tries


@pytest_asyncio.fixture
async def product(sell, known_seller):
    """A product of 99 dollars a month."""
    return await sell()


async def test_one_checkout_takes_five_of_three_hundred(client, product, sandbox, stolen, tries):
    checkout = await opened(client, product)
    sandbox.faults(decline="stolen_card")
    answers = [await tries(checkout, stolen(), f"81.2.{number // 250}.{number % 250}") for number in range(300)]
    assert Counter(answer.status_code for answer in answers) == {400: 5, 429: 295}
    assert sandbox.asked(*CHARGES) == card_testing.PER_PURCHASE
    refused = answers[-1]
    assert refused.json()["error"] == "TooManyAttempts"
    assert 3500 < int(refused.headers["Retry-After"]) <= 3600


async def test_many_checkouts_of_a_link_take_ten_of_a_hundred(client, anonymous, product, sandbox, stolen, tries):
    link = (await client.post("/v1/checkout-links/", json={"products": [str(product.id)]})).json()
    sandbox.faults(decline="stolen_card")
    seen = Counter()
    for number in range(100):
        follow = f"/v1/checkout-links/{link['client_secret']}/redirect"
        answer = await anonymous.get(follow, headers={"X-Forwarded-For": HOME})
        if answer.status_code == 429:
            seen["link refused"] += 1
            assert 1 <= int(answer.headers["Retry-After"]) <= 60
            clock.move(timedelta(seconds=int(answer.headers["Retry-After"])))
            continue
        checkout = {"client_secret": answer.headers["location"].rsplit("/", 1)[1].partition("?")[0]}
        email = f"buyer{number}@example.com"
        seen[(await tries(checkout, stolen(), customer_email=email)).status_code] += 1
    assert seen[400] == sandbox.asked(*CHARGES) == card_testing.PER_ADDRESS
    assert seen[429] + seen["link refused"] == 90
    assert seen["link refused"] > 0


async def test_many_addresses_of_a_network_are_stopped_once_the_seller_is_attacked(
    client, product, sandbox, stolen, tries, bus
):
    """Each of 100 connections opens a checkout of its own and tries one card."""
    sandbox.faults(decline="stolen_card")
    seen = Counter()
    for number in range(100):
        checkout = await opened(client, product, customer_email=f"buyer{number}@example.com")
        seen[(await tries(checkout, stolen(), f"2a00:1450:4001:{number:x}::1")).status_code] += 1
    assert seen == {400: card_testing.ATTACK_LEAST, 429: 100 - card_testing.ATTACK_LEAST}
    assert sandbox.asked(*CHARGES) == card_testing.ATTACK_LEAST
    sandbox.faults(decline="")
    buyer = await opened(client, product, customer_email="grace@example.com")
    assert (await tries(buyer, stolen(), "93.184.216.34")).status_code == 200, "a buyer from elsewhere goes on"
    (purchase,) = await bus.recorded(CheckoutSucceededV1)
    assert purchase.data.customer.email == "grace@example.com"


async def test_a_card_is_tried_five_times_wherever(client, product, sandbox, tries):
    """One number, whose security code is guessed: at other checkouts, from other addresses."""
    sandbox.faults(decline="incorrect_cvc")
    number, seen = next(numbers()), Counter()
    for attempt in range(12):
        checkout = await opened(client, product, customer_email=f"buyer{attempt}@example.com")
        seen[(await tries(checkout, sandbox.token(number), f"81.2.69.{attempt + 1}")).status_code] += 1
    assert seen == {400: card_testing.PER_CARD, 429: 12 - card_testing.PER_CARD}
    assert sandbox.asked(*CHARGES) == card_testing.PER_CARD


@pytest.mark.parametrize("trial", [{}, {"trial_interval": "day", "trial_interval_count": 7}])
async def test_what_is_tried_at_once_is_counted(client, sell, known_seller, sandbox, stolen, tries, trial):
    """Charges, and cards that are kept for the time after a trial: 24 checkouts from one connection."""
    product = await sell(**trial)
    checkouts = [await opened(client, product, customer_email=f"buyer{number}@example.com") for number in range(RACERS)]
    sandbox.faults(decline="stolen_card", latency_ms=20)

    async def insists(number, checkout):
        token, answer = stolen(), None
        while answer is None or answer.status_code == 409:  # waited for the lock for too long: nothing was tried
            answer = await tries(checkout, token, f"2a00:1450:4001:81b::{number + 1:x}")
        return answer

    answers = await asyncio.gather(*(insists(number, checkout) for number, checkout in enumerate(checkouts)))
    seen = Counter(answer.status_code for answer in answers)
    assert seen == {400: card_testing.PER_ADDRESS, 429: RACERS - card_testing.PER_ADDRESS}
    assert sandbox.asked(*CHARGES) == card_testing.PER_ADDRESS


async def test_the_hour_ends_and_success_does_not_count(client, product, sandbox, stolen, tries, database):
    for number in range(12):
        checkout = await opened(client, product, customer_email=f"buyer{number}@example.com")
        assert (await tries(checkout, stolen())).status_code == 200, "an office buys twelve times"
    checkout = await opened(client, product, customer_email="late@example.com")
    sandbox.faults(decline="insufficient_funds")
    answers = [await tries(checkout, stolen()) for _ in range(card_testing.PER_PURCHASE + 1)]
    assert answers[-1].status_code == 429
    sandbox.faults(decline="")
    clock.move(timedelta(seconds=int(answers[-1].headers["Retry-After"])))
    assert (await tries(checkout, stolen())).status_code == 200
    clock.move(AN_HOUR)
    while await attempts.forget(database.transaction, BuyerAttempt):
        pass
    async with database.transaction() as session:
        assert (await session.execute(select(func.count()).select_from(BuyerAttempt))).scalar_one() == 0


async def test_the_seller_is_told_once_an_hour(client, product, sandbox, stolen, tries, bus):
    """52 connections, each of its own, try one card each; 2 of 54 cards were good."""
    for number in range(2):
        checkout = await opened(client, product, customer_email=f"good{number}@example.com")
        assert (await tries(checkout, stolen())).status_code == 200
    sandbox.faults(decline="stolen_card")
    for number in range(52):
        checkout = await opened(client, product, customer_email=f"bad{number}@example.com")
        assert (await tries(checkout, stolen(), f"81.3.{number}.1")).status_code == 400
        if number < card_testing.ALERT_LEAST - 3:
            assert await bus.recorded(CheckoutDeclineRateExceededV1) == []
    (told,) = await bus.recorded(CheckoutDeclineRateExceededV1)
    assert (told.organization_id, told.data.organization_id) == (product.organization_id,) * 2
    assert (told.data.attempt_count, told.data.declined_count) == (50, 48)


async def test_a_checkout_of_nobodys_address_is_bounded_by_itself_and_the_card(client, product, sandbox, stolen, tries):
    """Behind a proxy that the gateway does not trust, all buyers have its address: none is refused for another."""
    sandbox.faults(decline="stolen_card")
    for number in range(12):
        checkout = await opened(client, product, customer_email=f"buyer{number}@example.com")
        assert (await tries(checkout, stolen(), "10.0.0.7")).status_code == 400


async def test_a_payment_method_of_somebody_else_pays_nothing(client, product, sandbox, tries, stolen):
    """Its id is no secret: it stands in logs and exports."""
    _, method = sandbox.card()
    checkout = await opened(client, product, customer_email="ada@example.com")
    before = sandbox.asked(*CHARGES)
    for token in (method, "pm_1PQabcDEF", "tok_visa", "cus_9s6XKzkNRiz8i3", "pi_3Nabc", "seti_1Nabc"):
        assert problems(await tries(checkout, token)) == [["body", "confirmation_token_id"]]
        assert problems(
            await client.post(
                f"/v1/checkouts/{checkout['id']}/confirm",
                json={"client_secret": checkout["client_secret"], "confirmation_token_id": token},
            )
        ) == [["body", "confirmation_token_id"]]
    assert sandbox.asked(*CHARGES) == before
    assert (await tries(checkout, stolen())).status_code == 200
