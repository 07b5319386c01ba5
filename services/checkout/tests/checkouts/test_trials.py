"""A trial charges nothing: the card is kept where one is needed later, and the purchase says when the trial ends."""

from datetime import timedelta

import pytest
from checkout.payments.timers import recover_open_payments
from contracts.checkout import CheckoutSucceededV1
from processor import StripeProcessor
from servicekit import clock

from services.checkout.tests.support import call_back, confirmed, opened

pytestmark = pytest.mark.usefixtures("known_seller")


async def trial_of(client, sell, **changes):
    return await opened(client, await sell(trial_interval="day", trial_interval_count=14), **changes)


async def test_the_card_is_kept_and_nothing_charged(client, sell, bus, sandbox):
    checkout = await trial_of(client, sell)
    assert (checkout["active_trial_interval"], checkout["active_trial_interval_count"]) == ("day", 14)
    assert (checkout["is_payment_required"], checkout["is_payment_setup_required"]) == (False, True)
    assert checkout["is_payment_form_required"]
    answer = await confirmed(client, checkout)
    assert answer.status_code == 200, answer.text
    (told,) = await bus.recorded(CheckoutSucceededV1)
    purchase = told.data
    assert purchase.payment is None
    assert purchase.amount == 9900
    assert purchase.setup.method_metadata == {"brand": "visa", "last4": "4242", "exp_month": 12, "exp_year": 2034}
    assert purchase.setup.processor_customer_id.startswith("cus_")
    assert abs(purchase.trial_end - clock.now() - timedelta(days=14)) < timedelta(minutes=1)
    assert sandbox.summary()["payment_intents"] == 0
    method = sandbox.get(f"/v1/payment_methods/{purchase.setup.processor_payment_method_id}")
    assert method["customer"] == purchase.setup.processor_customer_id


async def test_a_confirmation_token_is_spent_on_it(client, sell, bus, sandbox):
    checkout = await trial_of(client, sell)
    token = sandbox.post("/v1/test_helpers/confirmation_tokens", payment_method="pm_card_mastercard")["id"]
    assert (await confirmed(client, checkout, confirmation_token_id=token)).status_code == 200
    (told,) = await bus.recorded(CheckoutSucceededV1)
    assert told.data.setup.method_metadata["brand"] == "mastercard"


async def test_without_a_card_it_is_refused_and_a_bad_card_leaves_it_open(client, sell, bus, sandbox):
    checkout = await trial_of(client, sell)
    assert (await confirmed(client, checkout, confirmation_token_id=None)).status_code == 422
    answer = await confirmed(client, checkout, confirmation_token_id="pm_card_chargeDeclined")
    assert (answer.status_code, answer.json()["error"]) == (400, "PaymentError")
    assert (await client.get(f"/v1/checkouts/{checkout['id']}")).json()["status"] == "open"
    assert (await confirmed(client, checkout)).status_code == 200
    assert len(await bus.recorded(CheckoutSucceededV1)) == 1


@pytest.mark.parametrize("terms", [{"allow_trial": False}, {"trial_interval": "month"}])
async def test_the_checkout_decides_over_the_product(client, sell, terms, sandbox):
    checkout = await trial_of(client, sell, **terms)
    expected = ("month", 1) if "trial_interval" in terms else (None, None)
    assert (checkout["active_trial_interval"], checkout["active_trial_interval_count"]) == expected


async def test_a_buyer_may_give_the_trial_up_and_not_take_one(client, anonymous, sell, bus, sandbox):
    checkout = await trial_of(client, sell)
    path = f"/v1/checkouts/client/{checkout['client_secret']}"
    assert (await anonymous.patch(path, json={"allow_trial": True})).status_code == 422
    given_up = (await anonymous.patch(path, json={"allow_trial": False})).json()
    assert given_up["is_payment_required"]
    await confirmed(client, checkout)
    (told,) = await bus.recorded(CheckoutSucceededV1)
    assert (told.data.trial_end, told.data.payment.amount) == (None, 9900)


async def test_a_free_product_needs_no_card(client, sell, bus, sandbox):
    checkout = await opened(client, await sell(trial_interval="week", trial_interval_count=1, amount=0))
    assert not checkout["is_payment_setup_required"]
    await confirmed(client, checkout, confirmation_token_id=None)
    (told,) = await bus.recorded(CheckoutSucceededV1)
    assert (told.data.setup, told.data.payment) == (None, None)
    assert told.data.trial_end is not None


@pytest.mark.parametrize("proves", [True, False])
async def test_the_bank_asks_and_the_call_back_finishes_it(client, sell, bus, sandbox, database, settings, proves):
    checkout = await trial_of(client, sell)
    answer = (await confirmed(client, checkout, confirmation_token_id="pm_card_authenticationRequired")).json()
    assert answer["status"] == "confirmed"
    waiting = (await client.get(f"/v1/checkouts/{checkout['id']}")).json()
    secret = waiting["payment_processor_metadata"]["intent_client_secret"]
    assert secret.startswith("seti_")
    done = "true" if proves else "false"
    sandbox.post(
        f"/v1/setup_intents/{secret.partition('_secret_')[0]}/_authenticate", client_secret=secret, success=done
    )
    (event,) = sandbox.events("setup_intent.succeeded" if proves else "setup_intent.setup_failed")
    for _ in range(2):
        assert (await call_back(client, event)).status_code == 200
    processor = StripeProcessor(settings)
    while await recover_open_payments(database.transaction, processor, settings):
        pass
    await processor.close()
    after = (await client.get(f"/v1/checkouts/{checkout['id']}")).json()
    assert after["status"] == ("completed" if proves else "open")
    assert len(await bus.recorded(CheckoutSucceededV1)) == int(proves)
