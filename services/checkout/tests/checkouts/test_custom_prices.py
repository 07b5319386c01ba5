"""Custom prices: the buyer chooses what to pay, within the price's limits, until money moves."""

import pytest
from contracts.checkout import CheckoutSucceededV1

from services.checkout.tests.support import confirmed, opened

pytestmark = pytest.mark.usefixtures("known_seller")

CUSTOM = {"amount_type": "custom", "price_amount": None, "minimum_amount": 500, "maximum_amount": 5000}


@pytest.mark.parametrize(
    ("terms", "proposed"),
    [
        ({"preset_amount": 2500}, 2500),
        ({}, 1000),
        ({"minimum_amount": 1500}, 1500),
        ({"minimum_amount": 50, "maximum_amount": 800}, 800),
        ({"minimum_amount": 0, "preset_amount": 0}, 0),
    ],
)
async def test_what_is_proposed_to_a_buyer_who_does_not_choose(client, sell, terms, proposed):
    product = await sell(terms={**CUSTOM, **terms})
    checkout = await opened(client, product)
    assert (checkout["amount"], checkout["total_amount"]) == (proposed, proposed)
    assert checkout["is_free_product_price"] is False


async def test_the_chosen_amount_is_charged_and_sold(client, sell, sandbox, bus):
    product = await sell(terms=CUSTOM)
    checkout = await opened(client, product, amount=700)
    assert checkout["amount"] == 700
    path = f"/v1/checkouts/client/{checkout['client_secret']}"
    assert (await client.patch(path, json={"amount": 1200})).json()["amount"] == 1200
    assert (await client.patch(path, json={"customer_name": "Ada"})).json()["amount"] == 1200
    await confirmed(client, checkout)
    (intent,) = sandbox.get("/v1/payment_intents")["data"]
    assert (intent["status"], intent["amount_received"]) == ("succeeded", 1200)
    (sold,) = await bus.recorded(CheckoutSucceededV1)
    assert (sold.data.amount, sold.data.total_amount, sold.data.price.amount_type) == (1200, 1200, "custom")


@pytest.mark.parametrize("amount", [499, 5001, -1, 10**12, 7.5, "many"])
async def test_an_amount_outside_of_the_limits_is_refused(client, sell, amount):
    product = await sell(terms=CUSTOM)
    body = {"product_price_id": str(product.prices[0].id), "customer_email": "ada@example.com", "amount": amount}
    answer = await client.post("/v1/checkouts/", json=body)
    assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["body", "amount"])
    checkout = await opened(client, product, amount=700)
    path = f"/v1/checkouts/client/{checkout['client_secret']}"
    assert (await client.patch(path, json={"amount": amount})).status_code == 422
    assert (await client.get(f"/v1/checkouts/{checkout['id']}")).json()["amount"] == 700


async def test_nothing_may_be_paid_where_the_minimum_is_nothing_but_not_less_than_a_card_can_be_charged(
    client, sell, sandbox
):
    product = await sell(terms={**CUSTOM, "minimum_amount": 0})
    checkout = await opened(client, product, amount=0)
    assert checkout["is_payment_required"] is False
    path = f"/v1/checkouts/client/{checkout['client_secret']}"
    assert (await client.patch(path, json={"amount": 49})).status_code == 422
    assert (await client.patch(path, json={"amount": 50})).json()["total_amount"] == 50


async def test_a_discount_is_taken_off_the_chosen_amount(client, sell):
    product = await sell(terms=CUSTOM)
    wish = {"name": "Tenth", "type": "percentage", "basis_points": 1000}
    discount = (await client.post("/v1/discounts/", json=wish)).json()
    checkout = await opened(client, product, amount=2000, discount_id=discount["id"])
    assert (checkout["discount_amount"], checkout["total_amount"]) == (200, 1800)
    path = f"/v1/checkouts/client/{checkout['client_secret']}"
    changed = (await client.patch(path, json={"amount": 3000})).json()
    assert (changed["discount_amount"], changed["total_amount"]) == (300, 2700)


async def test_a_fixed_price_ignores_an_amount(client, sell):
    checkout = await opened(client, await sell(), amount=1)
    assert checkout["amount"] == 9900
