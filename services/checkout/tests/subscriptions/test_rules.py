"""One subscription and one trial for each customer, where the seller wishes so."""

import asyncio
from datetime import timedelta

import pytest
from checkout.trial_redemptions.operations import plain_email
from contracts.billing import SubscriptionCreatedV1, SubscriptionRevokedV1
from contracts.checkout import CheckoutSucceededV1
from contracts.identity import SubscriptionSettings
from servicekit import clock

from services.checkout.tests.support import confirmed, customer_shape, opened, seller_told, subscription_event

ONE = SubscriptionSettings(allow_multiple_subscriptions=False)
SEVERAL = SubscriptionSettings(allow_multiple_subscriptions=True)
ONE_TRIAL = SubscriptionSettings(allow_multiple_subscriptions=True, prevent_trial_abuse=True)
TRIAL = {"trial_interval": "day", "trial_interval_count": 14}


@pytest.fixture
def seller(bus, organization_id):
    """Tells checkout of the seller and its settings."""

    async def tell(settings):
        await bus.deliver(seller_told(organization_id, subscription_settings=settings))

    return tell


async def purchase_of(bus):
    return (await bus.recorded(CheckoutSucceededV1))[-1].data


def told(contract, purchase, sequence, ended=None):
    """What billing says of the subscription that a purchase made."""
    customer = customer_shape(purchase.organization_id, purchase.customer.id, email=purchase.customer.email)
    status = "canceled" if ended else "active"
    changes = {"status": status, "canceled_at": ended, "ends_at": ended, "ended_at": ended}
    return subscription_event(
        purchase.product, customer, purchase.subscription_id, contract=contract, sequence=sequence, **changes
    )


async def test_a_second_subscription_is_refused_until_the_first_has_ended(client, sell, bus, sandbox, seller):
    await seller(ONE)
    product = await sell()
    assert (await confirmed(client, await opened(client, product))).status_code == 200
    second = await opened(client, product)
    for news in (None, SubscriptionCreatedV1):
        if news is not None:
            await bus.deliver(told(news, await purchase_of(bus), 1))
            clock.move(timedelta(days=2))
            second = await opened(client, product)
        answer = await confirmed(client, second)
        assert (answer.status_code, answer.json()["error"]) == (403, "AlreadyActiveSubscriptionError")
    assert sandbox.summary()["payment_intents"] == 1, "refused before any money moves"
    assert (await client.get(f"/v1/checkouts/{second['id']}")).json()["status"] == "open"
    once = await sell(interval=None)
    assert (await confirmed(client, await opened(client, once))).status_code == 200, "what is bought once, always"
    first = next(one.data for one in await bus.recorded(CheckoutSucceededV1) if one.data.subscription_id)
    await bus.deliver(told(SubscriptionRevokedV1, first, 2, ended=clock.now()))
    assert (await confirmed(client, second)).status_code == 200


async def test_a_seller_may_sell_several_and_others_do_not_count(client, sell, bus, sandbox, seller):
    await seller(SEVERAL)
    product = await sell()
    for _ in range(2):
        assert (await confirmed(client, await opened(client, product))).status_code == 200
    assert len(await bus.recorded(CheckoutSucceededV1)) == 2


async def test_ten_checkouts_of_one_customer_at_once_are_one_subscription(client, sell, bus, sandbox, seller):
    await seller(ONE)
    product = await sell()
    checkouts = [await opened(client, product) for _ in range(10)]
    answers = await asyncio.gather(*(confirmed(client, checkout) for checkout in checkouts))
    assert sorted({answer.status_code for answer in answers} - {409}) == [200, 403]
    assert len(await bus.recorded(CheckoutSucceededV1)) == 1
    assert sandbox.summary()["payment_intents"] == 1


async def test_a_declined_card_leaves_the_place_free(client, sell, sandbox, seller):
    await seller(ONE)
    product = await sell()
    declined = await confirmed(client, await opened(client, product), confirmation_token_id="pm_card_chargeDeclined")
    assert declined.status_code == 400
    asked = await confirmed(
        client, await opened(client, product), confirmation_token_id="pm_card_authenticationRequired"
    )
    assert asked.json()["status"] == "confirmed"
    assert (await confirmed(client, await opened(client, product))).status_code == 200, (
        "a bank that asks holds no place"
    )


@pytest.mark.parametrize("email", ["ada@example.com", "Ada+again@Example.com"])
async def test_a_second_trial_is_refused_by_the_mailbox(client, sell, bus, sandbox, seller, email):
    await seller(ONE_TRIAL)
    product = await sell(**TRIAL)
    assert (await confirmed(client, await opened(client, product, customer_email="ada@example.com"))).status_code == 200
    again = await opened(client, product, customer_email=email)
    answer = await confirmed(client, again, confirmation_token_id="pm_card_mastercard")
    assert (answer.status_code, answer.json()["error"]) == (403, "TrialAlreadyRedeemed")
    await client.patch(f"/v1/checkouts/client/{again['client_secret']}", json={"allow_trial": False})
    assert (await confirmed(client, again, confirmation_token_id="pm_card_mastercard")).status_code == 200
    assert (await bus.recorded(CheckoutSucceededV1))[-1].data.payment.amount == 9900, "without a trial it is bought"


async def test_a_second_trial_is_refused_by_the_card(client, sell, bus, sandbox, seller):
    await seller(ONE_TRIAL)
    product = await sell(**TRIAL)
    assert (await confirmed(client, await opened(client, product))).status_code == 200
    other = await opened(client, product, customer_email="somebody.else@example.com")
    answer = await confirmed(client, other)
    assert (answer.status_code, answer.json()["error"]) == (403, "TrialAlreadyRedeemed")
    assert (await client.get(f"/v1/checkouts/{other['id']}")).json()["status"] == "open"
    assert (await confirmed(client, other, confirmation_token_id="pm_card_mastercard")).status_code == 200


async def test_who_does_not_mind_gives_trials_again(client, sell, bus, sandbox, seller):
    await seller(SEVERAL)
    product = await sell(**TRIAL)
    for _ in range(2):
        assert (await confirmed(client, await opened(client, product))).status_code == 200


@pytest.mark.parametrize(
    ("typed", "plain"),
    [
        ("Ada@Example.com", "ada@example.com"),
        ("ada+news+2@example.com", "ada@example.com"),
        ("a.d.a+x@googlemail.com", "ada@gmail.com"),
        ("a.d.a@example.com", "a.d.a@example.com"),
        ("+only@example.com", "+only@example.com"),
    ],
)
def test_mailboxes_are_told_apart_by_what_counts(typed, plain):
    assert plain_email(typed) == plain
