"""An attempt that was given up and succeeds after all pays for what it was confirmed for, and for nothing else."""

from datetime import timedelta
from uuid import UUID

import pytest
from checkout.payments import operations
from checkout.payments.models import Payment
from checkout.payments.timers import cancel_failed, recover_open_payments, refund_duplicates
from contracts.checkout import CheckoutSucceededV1
from processor import Outcome, StripeProcessor
from servicekit import clock
from sqlalchemy import select

from services.checkout.tests.support import call_back, confirmed, opened, seller_told

SEATS = {
    "amount_type": "seat_based",
    "price_amount": None,
    "seat_tiers": {
        "seat_tier_type": "volume",
        "tiers": [{"min_seats": 1, "max_seats": None, "price_per_seat": 1000}],
        "minimum_seats": 1,
        "maximum_seats": None,
    },
}


@pytest.fixture
def declined(client, sandbox):
    """The buyer's bank says no. Returns the path of the intent, which the buyer's browser may still pay."""

    async def decline(checkout):
        answer = await confirmed(client, checkout, confirmation_token_id="pm_card_authenticationRequired")
        assert answer.status_code == 200, answer.text
        (intent,) = sandbox.get("/v1/payment_intents")["data"]
        path = f"/v1/payment_intents/{intent['id']}"
        sandbox.post(f"{path}/_authenticate", client_secret=intent["client_secret"], success="false")
        for event in sandbox.events("payment_intent.payment_failed"):
            await call_back(client, event)
        return path

    return decline


@pytest.fixture
def late(client, sandbox, database, settings, declined):
    """The buyer's bank says no; `change` is made to the open checkout; then the buyer pays the first intent."""

    async def pay(checkout, change):
        path = await declined(checkout)
        await change()
        sandbox.post(f"{path}/confirm", payment_method="pm_card_visa")
        for event in sandbox.events("payment_intent.succeeded"):
            await call_back(client, event)
        processor = StripeProcessor(settings)
        clock.move(timedelta(minutes=5))
        while await recover_open_payments(database.transaction, processor, settings):
            pass
        while await refund_duplicates(database.transaction, processor):
            pass
        await processor.close()
        return sandbox.get(path)

    return pay


async def test_the_price_of_a_cheap_product_does_not_buy_a_dear_one(client, anonymous, sell, bus, sandbox, late):
    cheap, dear = await sell(), await sell(amount=99900)
    checkout = await opened(client, cheap, product_price_id=None, products=[str(cheap.id), str(dear.id)])
    page = f"/v1/checkouts/client/{checkout['client_secret']}"

    async def exchange():
        answer = await anonymous.patch(page, json={"product_id": str(dear.id)})
        assert (answer.status_code, answer.json()["amount"]) == (200, 99900), answer.text

    intent = await late(checkout, exchange)
    assert await bus.recorded(CheckoutSucceededV1) == []
    assert [refund["amount"] for refund in sandbox.get("/v1/refunds")["data"]] == [intent["amount"]]
    shown = await anonymous.get(page)
    assert (shown.json()["status"], shown.json()["product_id"]) == ("open", str(dear.id))


@pytest.mark.parametrize("changes", [{"seats": 50}, {"discount_code": ""}])
async def test_neither_does_it_buy_more_of_it(client, anonymous, sell, bus, sandbox, late, changes):
    """More seats, or the same without the discount that the first attempt had."""
    product = await sell(terms=SEATS) if "seats" in changes else await sell()
    given = {"seats": 1} if "seats" in changes else {}
    if "discount_code" in changes:
        terms = {"name": "Half", "code": "HALF", "type": "percentage", "basis_points": 5000, "duration": "once"}
        given = {"discount_id": (await client.post("/v1/discounts/", json=terms)).json()["id"]}
    checkout = await opened(client, product, **given)
    page = f"/v1/checkouts/client/{checkout['client_secret']}"

    async def change():
        answer = await anonymous.patch(page, json=changes)
        assert answer.status_code == 200, answer.text
        assert answer.json()["total_amount"] > checkout["total_amount"]

    await late(checkout, change)
    assert await bus.recorded(CheckoutSucceededV1) == []
    assert len(sandbox.get("/v1/refunds")["data"]) == 1


async def test_what_is_still_offered_as_it_was_is_delivered(client, anonymous, sell, bus, sandbox, late):
    checkout = await opened(client, await sell())
    page = f"/v1/checkouts/client/{checkout['client_secret']}"

    async def nothing_of_weight():
        assert (await anonymous.patch(page, json={"customer_name": "Ada"})).status_code == 200

    intent = await late(checkout, nothing_of_weight)
    (told,) = await bus.recorded(CheckoutSucceededV1)
    assert (told.data.total_amount, told.data.payment.amount) == (intent["amount"], intent["amount"])
    assert sandbox.get("/v1/refunds")["data"] == []


ONE = {
    "name": "Half", "code": "HALF", "type": "percentage", "basis_points": 5000, "duration": "once",
    "max_redemptions": 1,
}  # fmt: skip


async def redeemed(client, checkout):
    return (await client.get(f"/v1/discounts/{checkout['discount_id']}")).json()["redemptions_count"]


async def test_the_last_redemption_is_kept_for_who_may_still_pay(client, anonymous, sell, bus, sandbox, late):
    discount = (await client.post("/v1/discounts/", json=ONE)).json()
    checkout, other = [await opened(client, await sell(), discount_id=discount["id"]) for _ in range(2)]

    async def others_try_to_take_it():
        answer = await confirmed(client, other, customer_email="eve@example.com")
        assert (answer.status_code, answer.json()["error"]) == (403, "DiscountRedemptionLimitReached"), answer.text
        changed = await anonymous.patch(f"/v1/checkouts/client/{checkout['client_secret']}", json={"locale": "de"})
        assert changed.status_code == 200, "it is this buyer's own"

    await late(checkout, others_try_to_take_it)
    assert len(await bus.recorded(CheckoutSucceededV1)) == 1
    assert await redeemed(client, checkout) == 1
    assert sandbox.get("/v1/refunds")["data"] == []


async def test_it_is_given_back_once_nobody_can_pay(client, sell, database, settings, declined):
    discount = (await client.post("/v1/discounts/", json=ONE)).json()
    checkout, other = [await opened(client, await sell(), discount_id=discount["id"]) for _ in range(2)]
    await declined(checkout)
    assert (await confirmed(client, other, customer_email="eve@example.com")).status_code == 403
    again = await confirmed(client, checkout, confirmation_token_id="pm_card_chargeDeclined")
    assert (again.status_code, await redeemed(client, checkout)) == (400, 1), "the first attempt may still be paid"
    processor = StripeProcessor(settings)
    assert await cancel_failed(database.transaction, processor, settings) == 1
    await processor.close()
    assert await redeemed(client, checkout) == 0
    assert (await confirmed(client, other, customer_email="eve@example.com")).status_code == 200
    assert await redeemed(client, checkout) == 1


async def test_what_is_paid_for_counts_above_the_limit(client, anonymous, sell, bus, sandbox, late):
    """The buyer tried another discount, which gave the first one up, and came back to it before the first was paid."""
    discount = (await client.post("/v1/discounts/", json=ONE)).json()
    whole = {**ONE, "code": "TENTH", "basis_points": 1000, "max_redemptions": None}
    assert (await client.post("/v1/discounts/", json=whole)).status_code == 201
    checkout, other = [await opened(client, await sell(), discount_id=discount["id"]) for _ in range(2)]
    page = f"/v1/checkouts/client/{checkout['client_secret']}"

    async def give_up_and_come_back():
        card = "pm_card_chargeDeclined"
        answer = await confirmed(client, checkout, discount_code="TENTH", confirmation_token_id=card)
        assert answer.status_code == 400, answer.text
        assert (await anonymous.patch(page, json={"discount_code": "HALF"})).status_code == 200
        assert (await confirmed(client, other, customer_email="eve@example.com")).status_code == 200

    await late(checkout, give_up_and_come_back)
    assert len(await bus.recorded(CheckoutSucceededV1)) == 2
    assert await redeemed(client, checkout) == 2
    assert sandbox.get("/v1/refunds")["data"] == []


async def test_a_refused_trial_is_not_given_by_who_asks_stripe_later(
    client, sell, bus, sandbox, organization_id, database, settings
):
    """The call-back's timer reads the set-up as succeeded while the confirmation refuses the second trial."""
    await bus.deliver(seller_told(organization_id, subscription_settings={"prevent_trial_abuse": True}))
    product = await sell(trial_interval="day", trial_interval_count=14)
    for name in ("ada", "eve"):
        answer = await confirmed(client, await opened(client, product, customer_email=f"{name}@example.com"))
    assert (answer.status_code, answer.json()["error"]) == (403, "TrialAlreadyRedeemed")
    async with database.transaction() as session:
        refused = (await session.execute(select(Payment).where(Payment.status == "failed"))).scalar_one()
    succeeded = Outcome("succeeded", refused.processor_id, facts=refused.facts)
    async with database.transaction() as session:
        payment = await operations.settle(session, UUID(str(refused.id)), succeeded, settings)
        assert payment.status == "failed"
    assert len(await bus.recorded(CheckoutSucceededV1)) == 1
