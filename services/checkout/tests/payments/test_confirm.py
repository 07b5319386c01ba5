"""Confirming: one payment and one purchase, whatever is repeated, declined, lost or killed in the middle."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest
from checkout.buyer_attempts.operations import PaymentUnavailable
from checkout.payments.timers import recover_open_payments, refund_duplicates
from contracts.billing import Customer, CustomerDeletedV1
from contracts.checkout import CheckoutSucceededV1
from processor import StripeProcessor
from servicekit import clock

from services.checkout.tests.support import call_back, confirmed, opened

LATER = timedelta(minutes=5)


async def test_a_card_buys(client, sell, bus, sandbox):
    product = await sell()
    checkout = await opened(client, product)
    answer = await confirmed(client, checkout)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["status"] == "confirmed"
    assert None not in (body["customer_id"], body["order_id"], body["subscription_id"])
    (event,) = await bus.recorded(CheckoutSucceededV1)
    purchase = event.data
    assert (str(purchase.order_id), purchase.total_amount) == (body["order_id"], 9900)
    assert (purchase.payment.amount, purchase.payment.method_metadata["last4"]) == (9900, "4242")
    assert purchase.payment.processor_customer_id.startswith("cus_")
    (intent,) = sandbox.get("/v1/payment_intents")["data"]
    assert (intent["amount"], intent["metadata"]["checkout_id"]) == (9900, checkout["id"])
    assert (await confirmed(client, checkout)).json()["order_id"] == body["order_id"]
    assert sandbox.summary()["payment_intents"] == 1


async def test_twenty_at_once_are_one_payment(client, sell, bus, sandbox):
    product = await sell()
    checkout = await opened(client, product)
    answers = await asyncio.gather(*(confirmed(client, checkout) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["order_id"] for answer in answers}) == 1
    assert sandbox.summary()["payment_intents"] == 1
    assert len(await bus.recorded(CheckoutSucceededV1)) == 1


@pytest.mark.parametrize(
    ("card", "code"),
    [
        ("pm_card_chargeDeclined", "generic_decline"),
        ("pm_card_chargeDeclinedInsufficientFunds", "insufficient_funds"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card"),
    ],
)
async def test_a_declined_card_opens_the_checkout_again(client, sell, bus, sandbox, card, code):
    product = await sell()
    discount = (await client.post("/v1/discounts/", json=ONCE)).json()
    checkout = await opened(client, product, discount_id=discount["id"])
    answer = await confirmed(client, checkout, confirmation_token_id=card)
    assert (answer.status_code, answer.json()["error"]) == (400, "PaymentError")
    assert answer.json()["decline_code"] == code
    assert (await client.get(f"/v1/checkouts/{checkout['id']}")).json()["status"] == "open"
    assert (await client.get(f"/v1/discounts/{discount['id']}")).json()["redemptions_count"] == 0
    answer = await confirmed(client, checkout, confirmation_token_id="pm_card_mastercard")
    assert answer.status_code == 200, answer.text
    (event,) = await bus.recorded(CheckoutSucceededV1)
    assert (event.data.total_amount, event.data.payment.method_metadata["brand"]) == (7920, "mastercard")
    assert (await client.get(f"/v1/discounts/{discount['id']}")).json()["redemptions_count"] == 1
    assert sandbox.summary()["succeeded"] == 1


async def test_all_who_confirm_at_once_hear_the_decline(client, sell, sandbox):
    product = await sell()
    checkout = await opened(client, product)
    sandbox.faults(latency_ms=100)
    decline = {"confirmation_token_id": "pm_card_chargeDeclined"}
    answers = await asyncio.gather(*(confirmed(client, checkout, **decline) for _ in range(5)))
    assert {answer.status_code for answer in answers} == {400}
    assert sandbox.summary()["payment_intents"] <= 5


async def test_a_new_card_while_the_declined_one_is_under_way(client, sell, bus, sandbox):
    """Whoever names another card meanwhile waits for the first attempt, and is not told of its decline."""
    product = await sell()
    checkout = await opened(client, product)
    sandbox.faults(latency_ms=300)
    first = asyncio.create_task(confirmed(client, checkout, confirmation_token_id="pm_card_chargeDeclined"))
    async with asyncio.timeout(60):
        while (await client.get(f"/v1/checkouts/{checkout['id']}")).json()["status"] == "open":
            await asyncio.sleep(0.01)
    others = await asyncio.gather(*(confirmed(client, checkout) for _ in range(3)))
    assert [answer.status_code for answer in others] == [200] * 3, others[0].text
    assert (await first).json()["decline_code"] == "generic_decline"
    assert len(await bus.recorded(CheckoutSucceededV1)) == 1
    assert (sandbox.summary()["payment_intents"], sandbox.summary()["succeeded"]) == (2, 1)


async def test_a_new_card_after_nobody_knows_what_became_of_the_declined_one(client, sell, bus, sandbox):
    """The new card's request takes the first attempt over, hears of its decline, and goes on."""
    product = await sell()
    checkout = await opened(client, product)
    sandbox.faults(errors=3)
    lost = await confirmed(client, checkout, confirmation_token_id="pm_card_chargeDeclined")
    assert lost.status_code == 503
    clock.move(LATER)
    assert (await confirmed(client, checkout)).status_code == 200
    (event,) = await bus.recorded(CheckoutSucceededV1)
    assert event.data.payment.method_metadata["brand"] == "visa"
    assert sandbox.summary()["succeeded"] == 1


@pytest.mark.parametrize(("card", "level"), [("4242424242424242", "normal"), ("4000000000009235", "elevated")])
async def test_what_radar_judged_is_kept_for_the_seller(
    client, anonymous, sell, sandbox, bus, known_seller, card, level
):
    checkout = await opened(client, await sell())
    body = {"confirmation_token_id": sandbox.token(card)}
    answer = await anonymous.post(f"/v1/checkouts/client/{checkout['client_secret']}/confirm", json=body)
    assert answer.status_code == 200, answer.text
    assert "risk" not in answer.text
    assert "seller_message" not in answer.text
    (event,) = await bus.recorded(CheckoutSucceededV1)
    judged = event.data.payment.processor_outcome
    assert (judged["type"], judged["risk_level"], judged["seller_message"]) == (
        "authorized", level, "Payment complete."
    )  # fmt: skip
    assert 0 <= judged["risk_score"] <= 99


async def test_a_free_purchase_needs_no_card(client, sell, bus, sandbox):
    product = await sell(amount=0)
    checkout = await opened(client, product)
    assert checkout["is_payment_required"] is False
    answer = await confirmed(client, checkout, confirmation_token_id=None)
    assert answer.status_code == 200, answer.text
    (event,) = await bus.recorded(CheckoutSucceededV1)
    assert (event.data.payment, event.data.total_amount) == (None, 0)
    assert sandbox.summary()["payment_intents"] == 0


async def test_without_an_email_nothing_is_bought(client, sell):
    product = await sell()
    checkout = await opened(client, product, customer_email=None)
    answer = await confirmed(client, checkout)
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["body", "customer_email"]
    assert (await confirmed(client, checkout, customer_email="ada@example.com")).status_code == 200


async def test_call_backs_come_twice_late_and_out_of_order(client, sell, bus, sandbox):
    product = await sell()
    checkout = await opened(client, product)
    decline = {"confirmation_token_id": "pm_card_chargeDeclined"}
    assert (await confirmed(client, checkout, **decline)).status_code == 400
    assert (await confirmed(client, checkout)).status_code == 200
    events = sandbox.events("payment_intent.succeeded", "payment_intent.payment_failed", "charge.succeeded")
    for event in [*reversed(events), *events]:
        assert (await call_back(client, event)).status_code == 200
    assert len(await bus.recorded(CheckoutSucceededV1)) == 1
    assert (await client.get(f"/v1/checkouts/{checkout['id']}")).json()["status"] == "completed"


async def test_a_call_back_with_another_signature_is_refused(client, sandbox):
    event = {"id": "evt_forged", "object": "event", "type": "payment_intent.succeeded", "data": {"object": {}}}
    assert (await call_back(client, event, secret="whsec_other")).status_code == 400
    assert (await client.post("/v1/integrations/stripe/webhook", content=b"{}")).status_code == 400


async def test_a_lost_answer_ends_in_one_payment(client, sell, bus, sandbox):
    """The library repeats with the same key; Stripe answers what it did the first time."""
    product = await sell()
    checkout = await opened(client, product)
    sandbox.faults(drop_answers=1)
    assert (await confirmed(client, checkout)).status_code == 200
    assert sandbox.summary()["payment_intents"] == 1
    assert len(await bus.recorded(CheckoutSucceededV1)) == 1


@pytest.mark.parametrize("healer", ["call-back", "timer", "buyer"])
async def test_killed_between_charge_and_outcome(client, sell, bus, sandbox, database, settings, healer):
    """The process dies after Stripe took the money: the outcome is found by each of the three that look for it."""
    product = await sell()
    checkout = await opened(client, product)
    sandbox.faults(hang_answers=1)
    dying = asyncio.create_task(confirmed(client, checkout))
    async with asyncio.timeout(60):
        while not sandbox.summary()["succeeded"]:
            await asyncio.sleep(0.01)
    dying.cancel()
    await asyncio.gather(dying, return_exceptions=True)
    assert await bus.recorded(CheckoutSucceededV1) == []
    assert (await client.get(f"/v1/checkouts/{checkout['id']}")).json()["status"] == "confirmed"
    processor = StripeProcessor(settings)
    if healer == "call-back":
        for event in sandbox.events("payment_intent.succeeded"):
            await call_back(client, event)
        assert await recover_open_payments(database.transaction, processor, settings) == 1, "asked for at once"
    elif healer == "timer":
        assert await recover_open_payments(database.transaction, processor, settings) == 0
        clock.move(LATER)
        async with asyncio.timeout(60):
            while not await recover_open_payments(database.transaction, processor, settings):
                clock.move(LATER)
    else:
        clock.move(LATER)
        assert (await confirmed(client, checkout)).status_code == 200
    await processor.close()
    (event,) = await bus.recorded(CheckoutSucceededV1)
    assert sandbox.summary()["payment_intents"] == 1
    answer = await confirmed(client, checkout)
    assert answer.json()["order_id"] == str(event.data.order_id)


async def test_killed_before_the_charge(client, sell, bus, sandbox, database, settings):
    """Nothing reached Stripe; the timer charges with the key that was written down, once."""
    product = await sell()
    checkout = await opened(client, product)
    sandbox.faults(errors=3)
    answer = await confirmed(client, checkout)
    assert (answer.status_code, answer.json()["error"]) == (503, "PaymentUnavailable")
    assert int(answer.headers["Retry-After"]) > 0
    assert sandbox.summary()["payment_intents"] == 0
    processor = StripeProcessor(settings)
    clock.move(LATER)
    done = await asyncio.gather(*(recover_open_payments(database.transaction, processor, settings) for _ in range(4)))
    await processor.close()
    assert sum(done) == 1
    assert sandbox.summary()["payment_intents"] == 1
    assert len(await bus.recorded(CheckoutSucceededV1)) == 1


async def test_a_call_back_that_overtakes_the_answer_keeps_the_whole_card(
    client, sell, bus, sandbox, database, settings
):
    """A call-back names the charge only: brand, end and fee are asked for, and what comes later adds nothing."""
    product = await sell()
    checkout = await opened(client, product)
    sandbox.faults(hang_answers=1)
    slow = asyncio.create_task(confirmed(client, checkout))
    async with asyncio.timeout(60):
        while not sandbox.summary()["succeeded"]:
            await asyncio.sleep(0.01)
    (told,) = sandbox.events("payment_intent.succeeded")
    assert isinstance(told["data"]["object"]["latest_charge"], str)
    assert (await call_back(client, told)).status_code == 200
    assert (await client.get(f"/v1/checkouts/{checkout['id']}")).json()["status"] == "confirmed", "asked for first"
    processor = StripeProcessor(settings)
    assert await recover_open_payments(database.transaction, processor, settings) == 1
    assert await recover_open_payments(database.transaction, processor, settings) == 0
    await processor.close()
    (event,) = await bus.recorded(CheckoutSucceededV1)
    payment = event.data.payment
    assert payment.method_details == {"brand": "visa", "last4": "4242", "exp_month": 12, "exp_year": 2034}
    assert payment.processor_fee_amount == 9900 * 29 // 1000 + 30
    slow.cancel()
    await asyncio.gather(slow, return_exceptions=True)
    assert (await call_back(client, told)).status_code == 200
    assert (await confirmed(client, checkout)).status_code == 200
    assert len(await bus.recorded(CheckoutSucceededV1)) == 1
    assert sandbox.summary()["payment_intents"] == 1


async def test_a_holder_who_authenticates(client, sell, bus, sandbox, database, settings):
    product = await sell()
    checkout = await opened(client, product)
    answer = await confirmed(client, checkout, confirmation_token_id="pm_card_authenticationRequired")
    assert (answer.status_code, answer.json()["status"]) == (200, "confirmed")
    told = answer.json()["payment_processor_metadata"]
    assert told["intent_status"] == "requires_action"
    (intent,) = sandbox.get("/v1/payment_intents")["data"]
    assert told["intent_client_secret"] == intent["client_secret"]
    assert await bus.recorded(CheckoutSucceededV1) == []
    path = f"/v1/payment_intents/{intent['id']}/_authenticate"
    sandbox.post(path, client_secret=intent["client_secret"], success="true")
    for event in sandbox.events("payment_intent.requires_action", "payment_intent.succeeded"):
        assert (await call_back(client, event)).status_code == 200
    processor = StripeProcessor(settings)
    assert await recover_open_payments(database.transaction, processor, settings) == 1
    await processor.close()
    (event,) = await bus.recorded(CheckoutSucceededV1)
    assert str(event.data.checkout_id) == checkout["id"]


async def test_a_holder_who_does_not(client, sell, bus, sandbox):
    product = await sell()
    checkout = await opened(client, product)
    await confirmed(client, checkout, confirmation_token_id="pm_card_authenticationRequired")
    (intent,) = sandbox.get("/v1/payment_intents")["data"]
    path = f"/v1/payment_intents/{intent['id']}/_authenticate"
    sandbox.post(path, client_secret=intent["client_secret"], success="false")
    for event in sandbox.events("payment_intent.payment_failed"):
        await call_back(client, event)
    assert (await client.get(f"/v1/checkouts/{checkout['id']}")).json()["status"] == "open"
    assert (await confirmed(client, checkout)).status_code == 200
    assert len(await bus.recorded(CheckoutSucceededV1)) == 1


async def test_a_second_payment_is_given_back(client, sell, bus, sandbox, database, settings):
    """An intent that failed at the holder's bank succeeds after all, when another card has paid already."""
    product = await sell()
    checkout = await opened(client, product)
    await confirmed(client, checkout, confirmation_token_id="pm_card_authenticationRequired")
    (first,) = sandbox.get("/v1/payment_intents")["data"]
    path = f"/v1/payment_intents/{first['id']}"
    sandbox.post(f"{path}/_authenticate", client_secret=first["client_secret"], success="false")
    for event in sandbox.events("payment_intent.payment_failed"):
        await call_back(client, event)
    assert (await confirmed(client, checkout)).status_code == 200
    sandbox.post(f"{path}/confirm", payment_method="pm_card_visa")
    for event in sandbox.events("payment_intent.succeeded"):
        await call_back(client, event)
    assert len(await bus.recorded(CheckoutSucceededV1)) == 1
    processor = StripeProcessor(settings)
    assert await refund_duplicates(database.transaction, processor) == 1
    assert await refund_duplicates(database.transaction, processor) == 0
    await processor.close()
    (refund,) = sandbox.get("/v1/refunds")["data"]
    assert (refund["payment_intent"], refund["amount"]) == (first["id"], 9900)


async def test_two_buyers_with_one_email_are_one_customer(client, sell, bus):
    product = await sell()
    checkouts = [await opened(client, product, customer_email=email) for email in ("ada@x.example", "ADA@x.example")]
    answers = await asyncio.gather(*(confirmed(client, checkout) for checkout in checkouts))
    assert len({answer.json()["customer_id"] for answer in answers}) == 1
    assert len(await bus.recorded(CheckoutSucceededV1)) == 2


async def test_unavailable_is_no_decline():
    assert PaymentUnavailable("x").status_code == 503


ONCE = {"name": "Launch", "type": "percentage", "basis_points": 2000, "duration": "once"}


async def test_a_former_owner_s_id_is_not_given_away(client, sell, bus, organization_id):
    """The e-mail of a customer who is deleted, or goes by another one now, belongs to somebody new."""
    product = await sell(interval=None)
    first = (await confirmed(client, await opened(client, product))).json()["customer_id"]
    await bus.deliver(deleted_customer(UUID(first), organization_id))
    second = (await confirmed(client, await opened(client, product))).json()["customer_id"]
    third = (await confirmed(client, await opened(client, product))).json()["customer_id"]
    assert first != second
    assert second == third


def deleted_customer(id, organization_id):
    now = clock.now()
    fields = {
        "id": id, "created_at": now, "modified_at": now, "metadata": {}, "external_id": None,
        "email": "ada@example.com", "email_verified": False, "type": "individual", "name": None,
        "billing_name": None, "billing_address": None, "tax_id": None, "locale": None,
        "organization_id": organization_id, "deleted_at": now, "first_user_event_at": None, "avatar_url": None,
        "default_payment_method_id": None,
    }  # fmt: skip
    data = Customer.model_validate(fields)
    return CustomerDeletedV1(subject=id, organization_id=organization_id, time=now, data=data)
