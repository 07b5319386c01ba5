"""What buyers change as they confirm, and sellers while it is open: applied before money moves, or refused by name."""

import asyncio

import pytest
from contracts.checkout import CheckoutSucceededV1
from servicekit import ids

from services.checkout.tests.support import confirmed, opened, problems

pytestmark = pytest.mark.usefixtures("known_seller")
CARD = {"confirmation_token_id": "pm_card_visa"}


async def two(client, sell, **fields):
    """An open checkout of two products, the first chosen."""
    asked = fields.pop("custom_fields_of_first", [])
    first, second = await sell(amount=2500, attached_custom_fields=asked), await sell(amount=9000, **fields)
    checkout = await client.post(
        "/v1/checkouts/", json={"products": [str(first.id), str(second.id)], "customer_email": "ada@example.com"}
    )
    return checkout.json(), first, second


async def confirmed_by_buyer(anonymous, checkout, **fields):
    return await anonymous.post(f"/v1/checkouts/client/{checkout['client_secret']}/confirm", json={**CARD, **fields})


async def purchases(bus):
    return [event.data for event in await bus.recorded(CheckoutSucceededV1)]


async def test_the_product_that_is_confirmed_is_sold(client, anonymous, sell, bus, sandbox):
    checkout, _, second = await two(client, sell)
    answer = await confirmed_by_buyer(anonymous, checkout, product_id=str(second.id))
    assert (answer.status_code, answer.json()["product_id"], answer.json()["total_amount"]) == (
        200, str(second.id), 9000,
    )  # fmt: skip
    (purchase,) = await purchases(bus)
    assert (purchase.product.id, purchase.total_amount, purchase.payment.amount) == (second.id, 9000, 9000)
    other, _, second = await two(client, sell)
    by_price = {"product_price_id": str(second.prices[0].id), "customer_email": "grace@example.com"}
    assert (await confirmed_by_buyer(anonymous, other, **by_price)).status_code == 200
    assert (await purchases(bus))[-1].payment.amount == 9000


async def test_everything_else_is_applied_too(client, anonymous, sell, bus, sandbox):
    custom = {"amount_type": "custom", "price_amount": None, "minimum_amount": 500, "preset_amount": 900}
    half = {"name": "Half", "code": "HALF", "type": "percentage", "basis_points": 5000}
    await client.post("/v1/discounts/", json=half)
    product = await sell(terms=custom, trial_interval="day", trial_interval_count=14)
    checkout = await opened(client, product, customer_email=None)
    answer = await confirmed_by_buyer(
        anonymous, checkout, amount=1500, discount_code="HALF", allow_trial=False, customer_email="grace@example.com",
        customer_name="Grace", customer_billing_address={"country": "DE"}, payment_method_type="card",
    )  # fmt: skip
    assert (answer.status_code, answer.json()["payment_method_type"]) == (200, "card"), answer.text
    (purchase,) = await purchases(bus)
    assert (purchase.amount, purchase.discount_amount, purchase.trial_end) == (1500, 750, None)
    assert purchase.payment.amount == purchase.total_amount
    assert (purchase.customer.email, purchase.customer.name) == ("grace@example.com", "Grace")
    assert purchase.customer.billing_address.country == "DE"


async def test_what_a_buyer_may_not_leaves_all_as_it_was(client, anonymous, sell, bus, sandbox):
    checkout, _, second = await two(client, sell, trial_interval="day", trial_interval_count=14)
    foreign = await sell(amount=1)
    for body, loc in (
        ({"product_id": str(foreign.id)}, "product_id"),
        ({"product_price_id": str(foreign.prices[0].id)}, "product_price_id"),
        ({"product_id": str(second.id), "allow_trial": True}, "allow_trial"),
        ({"product_id": str(second.id), "seats": 3}, "seats"),
        ({"units": 3}, "units"),
        ({"product_id": str(second.id), "discount_code": "NOPE"}, "discount_code"),
    ):
        assert problems(await confirmed_by_buyer(anonymous, checkout, **body)) == [["body", loc]]
    after = (await client.get(f"/v1/checkouts/{checkout['id']}")).json()
    assert (after["status"], after["amount"]) == ("open", 2500)
    assert (await purchases(bus), sandbox.summary()["payment_intents"]) == ([], 0)


async def test_all_that_is_missing_is_named_at_once(client, sell, bus):
    checkout = await opened(client, await sell(), customer_email=None, require_billing_address=True)
    answer = await confirmed(client, checkout, confirmation_token_id=None)
    assert problems(answer) == [
        ["body", "customer_email"], ["body", "customer_billing_address"], ["body", "confirmation_token_id"],
    ]  # fmt: skip


async def test_two_products_at_once_are_one_purchase(client, anonymous, sell, bus, sandbox):
    checkout, first, second = await two(client, sell)
    answers = await asyncio.gather(
        *(confirmed_by_buyer(anonymous, checkout, product_id=str(one.id)) for one in (first, second) * 3)
    )
    (purchase,) = await purchases(bus)
    for product, answer in zip((first, second) * 3, answers, strict=True):
        expected = 200 if product.id == purchase.product.id else 403
        assert answer.status_code in {expected, 409}, answer.text
    assert sandbox.summary()["payment_intents"] == 1


async def test_a_decline_keeps_what_was_chosen(client, anonymous, sell, bus, sandbox):
    checkout, first, second = await two(client, sell)
    declined = await confirmed_by_buyer(
        anonymous, checkout, product_id=str(second.id), confirmation_token_id="pm_card_chargeDeclined"
    )
    assert declined.status_code == 400
    assert (await client.get(f"/v1/checkouts/{checkout['id']}")).json()["amount"] == 9000
    assert (await confirmed_by_buyer(anonymous, checkout, product_id=str(first.id))).status_code == 200
    assert [purchase.payment.amount for purchase in await purchases(bus)] == [2500]


async def test_a_seller_changes_everything_that_they_may(client, sell, bus, sandbox):
    euro = {"amount_type": "fixed", "price_amount": 2300, "price_currency": "eur"}
    product = await sell(amount=2500)
    both = [product.prices[0].model_dump(), {**product.prices[0].model_dump(), "id": product.id, **euro}]
    await sell(2, id=product.id, prices=both)
    path = f"/v1/checkouts/{(await opened(client, product))['id']}"
    for changes, shown in (
        ({"currency": "eur"}, {"currency": "eur", "amount": 2300}),
        ({"currency": "usd"}, {"currency": "usd", "amount": 2500}),
        ({"trial_interval": "week", "trial_interval_count": 2},
         {"active_trial_interval": "week", "active_trial_interval_count": 2, "is_payment_required": False}),
        ({"trial_interval_count": 3}, {"active_trial_interval": "week", "active_trial_interval_count": 3}),
        ({"allow_trial": False}, {"allow_trial": False, "active_trial_interval": None, "is_payment_required": True}),
        ({"trial_interval": None, "allow_trial": True}, {"trial_interval": None, "active_trial_interval": None}),
        ({"require_billing_address": True}, {"require_billing_address": True}),
        ({"return_url": "https://shop.example/back"}, {"return_url": "https://shop.example/back"}),
        ({"return_url": None}, {"return_url": None}),
        ({"embed_origin": "https://shop.example"}, {"embed_origin": "https://shop.example"}),
        ({"customer_ip_address": "192.0.2.7"}, {"customer_ip_address": "192.0.2.7"}),
        ({"success_url": "https://shop.example/done"}, {"success_url": "https://shop.example/done"}),
    ):  # fmt: skip
        answer = await client.patch(path, json=changes)
        assert answer.status_code == 200, answer.text
        assert {name: answer.json()[name] for name in shown} == shown
    assert problems(await client.patch(path, json={"trial_interval_count": 3})) == [["body", "trial_interval_count"]]
    checkout = (await client.get(path)).json()
    assert problems(await confirmed(client, checkout)) == [["body", "customer_billing_address"]]


async def test_seats_stay_in_another_currency(client, sell, sandbox):
    tiers = {"seat_tier_type": "volume", "minimum_seats": 1, "maximum_seats": None}
    each = {"min_seats": 1, "max_seats": None}
    dollars = {**tiers, "tiers": [{**each, "price_per_seat": 1000}]}
    product = await sell(terms={"amount_type": "seat_based", "price_amount": None, "seat_tiers": dollars})
    euros = {**tiers, "tiers": [{**each, "price_per_seat": 900}]}
    price = product.prices[0].model_dump()
    both = [price, {**price, "id": product.id, "price_currency": "eur", "seat_tiers": euros}]
    await sell(2, id=product.id, prices=both)
    checkout = await opened(client, product, seats=4)
    changed = (await client.patch(f"/v1/checkouts/{checkout['id']}", json={"currency": "eur"})).json()
    assert (changed["seats"], changed["amount"]) == (4, 3600)


async def test_bought_once_after_a_declined_subscription_it_is_no_subscription(client, anonymous, sell, bus, sandbox):
    question = {
        "id": str(ids.uuid7()), "created_at": "2026-01-01T00:00:00Z", "modified_at": None, "metadata": {},
        "type": "text", "slug": "team", "name": "Team", "organization_id": str(ids.uuid7()), "properties": {},
    }  # fmt: skip
    asked = [{"custom_field_id": question["id"], "custom_field": question, "order": 0, "required": True}]
    checkout, _, once = await two(client, sell, interval=None, custom_fields_of_first=asked)
    declined = await confirmed_by_buyer(
        anonymous, checkout, confirmation_token_id="pm_card_chargeDeclined", custom_field_data={"team": "Red"}
    )
    assert declined.status_code == 400
    assert (await confirmed_by_buyer(anonymous, checkout, product_id=str(once.id))).status_code == 200
    (purchase,) = await purchases(bus)
    assert (purchase.product.id, purchase.subscription_id, purchase.custom_field_data) == (once.id, None, {})
