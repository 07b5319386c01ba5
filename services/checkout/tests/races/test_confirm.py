"""Twenty-four confirmations at once: one purchase, one trial, one last redemption; the others are told why not."""

import asyncio
import os
from collections import Counter
from uuid import UUID

import pytest
from checkout.discounts import operations as discounts
from checkout.discounts.operations import DiscountRedemptionLimitReached
from contracts.checkout import CheckoutSucceededV1
from contracts.identity import SubscriptionSettings
from servicekit import ids
from sqlalchemy import text

from services.checkout.tests.support import confirmed, opened, seller_told

RACERS = 24
ROUNDS = int(os.environ.get("POLAR_RACE_ROUNDS", "1"))
TRIAL = {"trial_interval": "day", "trial_interval_count": 14}
PERCENT = {"name": "Off", "type": "percentage", "duration": "once", "basis_points": 1000}


@pytest.fixture
def at_once(client):
    """Confirms checkouts at once; how often they were answered how. Nothing may fail on the server's side.

    Who waited too long for a lock or a connection, as on a busy machine, does what the answer says: asks again.
    """

    async def insisted(checkout, card):
        while (answer := await confirmed(client, checkout, confirmation_token_id=card)).status_code >= 400:
            if answer.json()["error"] not in ("ResourceLocked", "ServiceUnavailable"):
                break
            await asyncio.sleep(float(answer.headers.get("Retry-After", 1)))
        return answer

    async def confirm(*checkouts, cards=("pm_card_visa",)):
        requests = (insisted(checkout, cards[number % len(cards)]) for number, checkout in enumerate(checkouts))
        answers = await asyncio.gather(*requests)
        failed = [answer.text for answer in answers if answer.status_code >= 500]
        assert failed == [], f"{len(failed)} of {len(checkouts)} failed: {failed[0]}"
        return Counter(
            (answer.status_code, answer.json()["error"] if answer.status_code >= 400 else None) for answer in answers
        )

    return confirm


async def test_a_checkout_is_paid_once(client, sell, bus, sandbox, at_once, known_seller):
    product = await sell()
    for number in range(ROUNDS):
        checkout = await opened(client, product, customer_email=f"buyer{number}@example.com")
        assert await at_once(*[checkout] * RACERS) == {(200, None): RACERS}, "all are told of the one purchase"
        assert sandbox.summary()["payment_intents"] == number + 1
        assert len(await bus.recorded(CheckoutSucceededV1)) == number + 1


async def test_the_last_redemption_is_given_once(client, sell, bus, sandbox, at_once, known_seller):
    product = await sell()
    for number in range(ROUNDS):
        discount = (await client.post("/v1/discounts/", json={**PERCENT, "max_redemptions": 1})).json()
        checkouts = [
            await opened(client, product, discount_id=discount["id"], customer_email=f"{number}.{one}@example.com")
            for one in range(RACERS)
        ]
        assert await at_once(*checkouts) == {(200, None): 1, (403, "DiscountRedemptionLimitReached"): RACERS - 1}
        assert (await client.get(f"/v1/discounts/{discount['id']}")).json()["redemptions_count"] == 1
        assert sandbox.summary()["payment_intents"] == number + 1


async def test_a_customer_redeems_as_often_as_they_may(client, sell, bus, sandbox, at_once, known_seller):
    product = await sell(interval=None)
    for number in range(ROUNDS):
        discount = (await client.post("/v1/discounts/", json={**PERCENT, "max_redemptions_per_customer": 2})).json()
        checkouts = [
            await opened(client, product, discount_id=discount["id"], customer_email=f"buyer{number}@example.com")
            for _ in range(RACERS)
        ]
        assert await at_once(*checkouts) == {(200, None): 2, (403, "DiscountRedemptionLimitReached"): RACERS - 2}
        assert (await client.get(f"/v1/discounts/{discount['id']}")).json()["redemptions_count"] == 2


async def test_a_limit_that_was_lowered_meanwhile_counts(client, sell, organization_id, database, known_seller):
    """The discount was read before its lock: what its seller changed since then decides."""
    discount = (await client.post("/v1/discounts/", json=PERCENT)).json()
    assert (await confirmed(client, await opened(client, await sell(), discount_id=discount["id"]))).status_code == 200
    async with database.transaction() as session:
        read = await discounts.by_id(session, organization_id, UUID(discount["id"]))
        customer_id = (await session.execute(text("select customer_id from redemptions"))).scalar_one()
        lowered = {"max_redemptions_per_customer": 1}
        assert (await client.patch(f"/v1/discounts/{discount['id']}", json=lowered)).status_code == 200
        with pytest.raises(DiscountRedemptionLimitReached):
            await discounts.redeem(session, read, ids.uuid7(), customer_id)


@pytest.mark.parametrize(
    ("email", "cards"),
    [("{}.{}@example.com", ("pm_card_visa",)), ("{}+{}@example.com", ("pm_card_visa", "pm_card_mastercard"))],
    ids=["one card", "one mailbox"],
)
async def test_a_trial_is_given_once(client, sell, bus, sandbox, at_once, organization_id, database, email, cards):
    settings = SubscriptionSettings(allow_multiple_subscriptions=True, prevent_trial_abuse=True)
    await bus.deliver(seller_told(organization_id, subscription_settings=settings))
    product = await sell(**TRIAL)
    for number in range(ROUNDS):
        async with database.transaction() as session:
            await session.execute(text("delete from trial_redemptions"))
        checkouts = [await opened(client, product, customer_email=email.format(number, one)) for one in range(RACERS)]
        answers = await at_once(*checkouts, cards=cards)
        assert answers == {(200, None): 1, (403, "TrialAlreadyRedeemed"): RACERS - 1}
        assert len(await bus.recorded(CheckoutSucceededV1)) == number + 1
