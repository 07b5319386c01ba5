"""Payment intents, confirmation tokens and refunds, through the official library."""

import asyncio
from typing import Any

import aiohttp
import pytest
import stripe

VISA = {"type": "card", "card": {"number": "4242424242424242", "exp_month": "12", "exp_year": "2034", "cvc": "123"}}


async def pay(client: stripe.StripeClient, method: str = "pm_card_visa", key: str = "", **fields: Any) -> Any:
    wish: Any = {
        "amount": 1190,
        "currency": "eur",
        "payment_method": method,
        "confirm": True,
        "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
        **fields,
    }
    return await client.v1.payment_intents.create_async(wish, {"idempotency_key": key} if key else {})


async def test_a_card_is_charged(client, receiver):
    intent = await pay(client, metadata={"checkout_id": "c1"}, expand=["latest_charge"])
    assert (intent.status, intent.amount_received, intent.metadata["checkout_id"]) == ("succeeded", 1190, "c1")
    assert intent.latest_charge.payment_method_details.card.last4 == "4242"
    plain = await client.v1.payment_intents.retrieve_async(intent.id)
    assert plain.latest_charge == intent.latest_charge.id
    (event,) = await receiver.of_type("payment_intent.succeeded")
    assert event["data"]["object"]["id"] == intent.id


@pytest.mark.parametrize(
    ("name", "code", "decline_code"),
    [
        ("pm_card_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_visa_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
        ("pm_card_chargeDeclinedLostCard", "card_declined", "lost_card"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", None),
        ("pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", None),
        ("pm_card_chargeCustomerFail", "card_declined", "generic_decline"),
    ],
)
async def test_a_declining_card(client, receiver, name, code, decline_code):
    with pytest.raises(stripe.CardError) as caught:
        await pay(client, name)
    error = caught.value
    assert (error.http_status, error.code) == (402, code)
    assert getattr(error.error, "decline_code", None) == decline_code
    intent = error.error.payment_intent
    assert intent["status"] == "requires_payment_method"
    assert intent["last_payment_error"]["code"] == code
    assert (await receiver.of_type("payment_intent.payment_failed"))[0]["data"]["object"]["id"] == intent["id"]
    again = await client.v1.payment_intents.confirm_async(intent["id"], {"payment_method": "pm_card_mastercard"})
    assert (again.status, again.last_payment_error) == ("succeeded", None)


async def test_a_holder_authenticates_or_fails_to(client, sandbox, receiver):
    for success, status in (("true", "succeeded"), ("false", "requires_payment_method")):
        intent = await pay(client, "pm_card_authenticationRequired")
        assert (intent.status, intent.next_action.type) == ("requires_action", "use_stripe_sdk")
        form = {"key": "pk_test_browser", "client_secret": intent.client_secret, "success": success}
        url = f"{sandbox.url}/v1/payment_intents/{intent.id}/_authenticate"
        async with aiohttp.ClientSession() as browser, browser.post(url, data=form) as response:
            assert (await response.json())["status"] == status
        assert (await client.v1.payment_intents.retrieve_async(intent.id)).status == status
    with pytest.raises(stripe.CardError) as caught:
        await pay(client, "pm_card_authenticationRequired", off_session=True)
    assert caught.value.code == "authentication_required"


async def test_a_confirmation_token_pays_once(client, sandbox):
    token = await client.v1.test_helpers.confirmation_tokens.create_async({"payment_method": "pm_card_visa"})
    wish: Any = {"amount": 500, "currency": "usd", "confirm": True, "confirmation_token": token.id}
    intent = await client.v1.payment_intents.create_async(wish)
    assert intent.status == "succeeded"
    assert (await client.v1.confirmation_tokens.retrieve_async(token.id)).payment_intent == intent.id
    with pytest.raises(stripe.InvalidRequestError, match="already been used"):
        await client.v1.payment_intents.create_async(wish)
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await client.v1.payment_intents.create_async({**wish, "confirmation_token": "ctoken_none"})
    assert caught.value.code == "resource_missing"
    form = {f"payment_method_data[card][{name}]": value for name, value in VISA["card"].items()}
    form |= {"payment_method_data[type]": "card", "key": "pk_test_browser"}
    url = f"{sandbox.url}/v1/confirmation_tokens"
    async with aiohttp.ClientSession() as browser, browser.post(url, data=form) as response:
        made = await response.json()
    assert made["id"].startswith("ctoken_")
    assert made["payment_method_preview"]["card"]["last4"] == "4242"
    assert "_payment_method" not in made


async def test_one_key_is_one_payment(client, sandbox):
    same = await asyncio.gather(*(pay(client, key="k1") for _ in range(20)), return_exceptions=True)
    done = {intent.id for intent in same if not isinstance(intent, Exception)}
    assert len(done) == 1
    assert all(isinstance(outcome, stripe.StripeObject) for outcome in same)
    assert (await sandbox.summary())["payment_intents"] == 1
    with pytest.raises(stripe.IdempotencyError):
        await pay(client, key="k1", amount=2000)
    with pytest.raises(stripe.CardError) as first:
        await pay(client, "pm_card_chargeDeclined", key="k2")
    with pytest.raises(stripe.CardError) as second:
        await pay(client, "pm_card_chargeDeclined", key="k2")
    assert first.value.error.payment_intent["id"] == second.value.error.payment_intent["id"]
    assert (await sandbox.summary())["succeeded"] == 1


async def test_a_saved_card_is_charged_again(client):
    customer = await client.v1.customers.create_async({"email": "ada@example.com"})
    first = await pay(client, customer=customer.id, setup_future_usage="off_session")
    second = await pay(client, first.payment_method, customer=customer.id, off_session=True)
    assert second.status == "succeeded"
    other = await client.v1.customers.create_async({"email": "bob@example.com"})
    with pytest.raises(stripe.InvalidRequestError):
        await pay(client, first.payment_method, customer=other.id)
    unsaved = await pay(client)
    with pytest.raises(stripe.InvalidRequestError, match="previously used"):
        await pay(client, unsaved.payment_method)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"amount": 49}, "amount_too_small"),
        ({"amount": 100_000_000}, "amount_too_large"),
        ({"amount": 0}, "parameter_invalid_integer"),
        ({"amount": "x"}, "parameter_invalid_integer"),
        ({"currency": "zzz"}, None),
        ({"currency": "abc", "amount": 5000}, None),
        ({"currency": "ugx", "amount": 200_050}, "invalid_charge_amount_no_decimal_compatible"),
        ({"currency": "isk", "amount": 10_050}, "invalid_charge_amount_no_decimal_compatible"),
        ({"currency": "kwd", "amount": 12_345}, None),
        ({"currency": "krw", "amount": 50}, "amount_too_small"),
        ({"currency": "huf", "amount": 17_400}, "amount_too_small"),
        ({"payment_method": "pm_none"}, "resource_missing"),
        ({"customer": "cus_none"}, "resource_missing"),
        ({"colour": "red"}, "parameter_unknown"),
        ({"expand": ["nothing"]}, None),
    ],
)
async def test_what_stripe_refuses(client, sandbox, fields, code):
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await pay(client, **fields)
    assert caught.value.http_status == 400
    assert caught.value.code == code
    assert (await sandbox.summary())["payment_intents"] == 0


async def test_refunds_never_exceed_the_charge(client, receiver):
    intent = await pay(client)
    part: Any = {"payment_intent": intent.id, "amount": 1000, "reason": "requested_by_customer"}
    assert (await client.v1.refunds.create_async(part)).status == "succeeded"
    with pytest.raises(stripe.InvalidRequestError, match="greater than"):
        await client.v1.refunds.create_async(part)
    assert (await client.v1.refunds.create_async({"payment_intent": intent.id})).amount == 190
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await client.v1.refunds.create_async({"payment_intent": intent.id})
    assert caught.value.code == "charge_already_refunded"
    assert (await receiver.of_type("charge.refunded", 2))[1]["data"]["object"]["refunded"]
    listed = await client.v1.refunds.list_async({"payment_intent": intent.id, "limit": 1})
    assert (len(listed.data), listed.has_more) == (1, True)


async def test_currencies_without_decimals_are_charged_and_refunded_whole(client):
    intent = await pay(client, currency="ugx", amount=300_000)
    part: Any = {"payment_intent": intent.id, "amount": 100_050}
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await client.v1.refunds.create_async(part)
    assert caught.value.code == "invalid_charge_amount_no_decimal_compatible"
    assert (await client.v1.refunds.create_async({**part, "amount": 100_100})).status == "succeeded"
    assert (await pay(client, currency="kwd", amount=12_340)).status == "succeeded"


async def test_capture_and_cancel(client):
    held = await pay(client, capture_method="manual")
    assert (held.status, held.amount_capturable) == ("requires_capture", 1190)
    taken = await client.v1.payment_intents.capture_async(held.id, {"amount_to_capture": 1000})
    assert (taken.status, taken.amount_received) == ("succeeded", 1000)
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await client.v1.payment_intents.cancel_async(held.id)
    assert caught.value.code == "payment_intent_unexpected_state"
    waiting = await client.v1.payment_intents.create_async({"amount": 500, "currency": "usd"})
    gone = await client.v1.payment_intents.cancel_async(waiting.id, {"cancellation_reason": "abandoned"})
    assert gone.status == "canceled"


async def test_keys(sandbox):
    for key in ("sk_live_0123456789", "nonsense"):
        client = stripe.StripeClient(
            key, base_addresses={"api": sandbox.url}, http_client=stripe.HTTPXClient(), max_network_retries=0
        )
        with pytest.raises(stripe.AuthenticationError):
            await client.v1.customers.create_async({"email": "ada@example.com"})
