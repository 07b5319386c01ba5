"""What a checkout comes to is nothing or can be charged: refused where it is asked for, never as a declined card."""

import pytest

from services.checkout.tests.support import confirmed, opened

pytestmark = pytest.mark.usefixtures("known_seller")

CUSTOM = {"amount_type": "custom", "price_amount": None, "minimum_amount": 0}
SEATS = {
    "amount_type": "seat_based",
    "price_amount": None,
    "seat_tiers": {"seat_tier_type": "volume", "tiers": [{"min_seats": 1, "max_seats": None, "price_per_seat": 30}]},
}
FRANCE = {"country": "FR", "postal_code": "75001"}


async def discount(client, amount, currency="usd", **fields):
    body = {"name": "Off", "type": "fixed", "amount": amount, "currency": currency, "duration": "once", **fields}
    made = await client.post("/v1/discounts/", json=body)
    assert made.status_code == 201, made.text
    return made.json()["id"]


def problem(answer):
    assert answer.status_code == 422, answer.text
    (found,) = answer.json()["detail"]
    return found["loc"][-1], found["msg"]


@pytest.mark.parametrize(
    ("currency", "amount", "says"),
    [("huf", 200, "175.00 HUF"), ("krw", 799, "800 KRW"), ("aud", 69, "0.70 AUD"), ("isk", 10_050, "multiple of 100")],
)
async def test_a_chosen_amount_reaches_the_minimum_of_its_currency(client, sell, currency, amount, says):
    product = await sell(terms=CUSTOM, currency=currency)
    checkout = await opened(client, product)
    path = f"/v1/checkouts/client/{checkout['client_secret']}"
    for answer in (
        await client.post("/v1/checkouts/", json={"products": [str(product.id)], "amount": amount}),
        await client.patch(path, json={"amount": amount}),
        await client.post(f"{path}/confirm", json={"amount": amount, "confirmation_token_id": "pm_card_visa"}),
    ):
        field, message = problem(answer)
        assert (field, says in message) == ("amount", True), message


async def test_what_is_proposed_can_be_charged(client, sell):
    assert (await opened(client, await sell(terms=CUSTOM, currency="huf")))["amount"] == 17_500
    preset = await sell(terms={**CUSTOM, "preset_amount": 20_050}, currency="ugx")
    assert (await opened(client, preset))["amount"] == 200_000


async def test_a_discount_leaves_nothing_or_what_can_be_charged(client, sell, sandbox):
    product = await sell(amount=4900, interval=None)
    much = await discount(client, 4880, code="MUCH")
    body = {"products": [str(product.id)], "customer_email": "ada@example.com"}
    field, message = problem(await client.post("/v1/checkouts/", json={**body, "discount_id": much}))
    assert (field, "0.20 USD" in message, "0.50 USD" in message) == ("discount_id", True, True)
    assert problem(await client.post("/v1/checkouts/", json={**body, "discount_code": "MUCH"}))[0] == "discount_code"
    checkout = await opened(client, product)
    path = f"/v1/checkouts/client/{checkout['client_secret']}"
    assert problem(await client.patch(path, json={"discount_code": "MUCH"}))[0] == "discount_code"
    assert problem(await confirmed(client, checkout, discount_code="MUCH"))[0] == "discount_code"
    refused = await client.patch(f"/v1/checkouts/{checkout['id']}", json={"discount_id": much})
    assert problem(refused)[0] == "discount_id"
    assert sandbox.get("/v1/payment_intents")["data"] == []
    for amount, left in ((4850, 50), (4900, 0)):
        answer = await client.post("/v1/checkouts/", json={**body, "discount_id": await discount(client, amount)})
        assert (answer.status_code, answer.json()["total_amount"]) == (201, left)


async def test_what_is_charged_counts_with_its_tax(client, sell):
    """45 cents and 20 % are 54 cents, which can be charged; without the tax they cannot."""
    product = await sell(amount=4900, terms={"tax_behavior": "exclusive"})
    body = {"products": [str(product.id)], "discount_id": await discount(client, 4855)}
    assert problem(await client.post("/v1/checkouts/", json=body))[0] == "discount_id"
    taxed = await client.post("/v1/checkouts/", json={**body, "customer_billing_address": FRANCE})
    assert (taxed.status_code, taxed.json()["total_amount"]) == (201, 54)
    path = f"/v1/checkouts/client/{taxed.json()['client_secret']}"
    gone = await client.patch(path, json={"customer_billing_address": {"country": "BR"}})
    assert problem(gone)[0] == "discount_code"


async def test_seats_times_price_can_be_charged(client, sell, sandbox):
    product = await sell(terms=SEATS)
    checkout = await opened(client, product)
    path = f"/v1/checkouts/client/{checkout['client_secret']}"
    assert problem(await client.patch(path, json={"seats": 1}))[0] == "seats"
    assert problem(await confirmed(client, checkout))[0] == "seats"
    two = await client.patch(path, json={"seats": 2})
    assert (two.status_code, two.json()["total_amount"]) == (200, 60)
    await discount(client, 20, code="FEW")
    assert problem(await client.patch(path, json={"discount_code": "FEW"}))[0] == "discount_code"
    assert (await client.patch(path, json={"discount_code": "FEW", "seats": 3})).json()["total_amount"] == 70
    assert problem(await client.patch(path, json={"seats": 2}))[0] == "discount_code"
    assert (await confirmed(client, checkout)).status_code == 200


async def test_a_trial_is_not_charged_now(client, sell):
    product = await sell(amount=4900, trial_interval="day", trial_interval_count=7)
    body = {"products": [str(product.id)], "discount_id": await discount(client, 4880)}
    assert (await client.post("/v1/checkouts/", json=body)).status_code == 201


async def test_prices_from_before_the_rule_are_sold_where_stripe_takes_them(client, sell, sandbox):
    for currency, amount in (("aud", 60), ("kwd", 12_340)):
        checkout = await opened(client, await sell(currency=currency, amount=amount, interval=None))
        assert (await confirmed(client, checkout)).status_code == 200
    for currency, amount in (("huf", 300), ("abc", 500), ("ugx", 200_050), ("kwd", 1505)):
        product = await sell(currency=currency, amount=amount)
        body = {"products": [str(product.id)], "customer_email": "ada@example.com"}
        field, message = problem(await client.post("/v1/checkouts/", json=body))
        assert (field, currency.upper() in message) == ("product_price_id", True)


async def test_tax_and_shares_in_isk_are_whole(client, sell, sandbox):
    """24 % of 99.00 ISK are 23.76, which Stripe would not charge."""
    product = await sell(amount=9900, currency="isk", interval=None, terms={"tax_behavior": "exclusive"})
    checkout = await opened(client, product, customer_billing_address={"country": "IS"})
    assert (checkout["tax_amount"], checkout["total_amount"]) == (2400, 12_300)
    assert (await confirmed(client, checkout)).status_code == 200
    (intent,) = sandbox.get("/v1/payment_intents")["data"]
    assert (intent["amount"], intent["currency"]) == (12_300, "isk")


async def test_a_link_takes_no_discount_that_leaves_too_little(client, sell):
    product, dearer = await sell(amount=4900), await sell(amount=9900)
    much = await discount(client, 4880)
    refused = await client.post("/v1/checkout-links/", json={"products": [str(product.id)], "discount_id": much})
    assert problem(refused)[0] == "discount_id"
    link = await client.post("/v1/checkout-links/", json={"products": [str(dearer.id)], "discount_id": much})
    assert link.status_code == 201
    path = f"/v1/checkout-links/{link.json()['id']}"
    assert problem(await client.patch(path, json={"products": [str(product.id)]}))[0] == "products"
    other = await client.patch(path, json={"products": [str(product.id)], "discount_id": None})
    assert other.status_code == 200
    assert problem(await client.patch(path, json={"discount_id": much}))[0] == "discount_id"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"amount": 500, "currency": "abc"}, "currency"), ({"amount": 10_050, "currency": "isk"}, "amount"),
        ({"amounts": {"usd": 500, "kwd": 500}}, "amounts"), ({"amounts": {"ugx": 20_050}}, "amounts"),
    ],
)  # fmt: skip
async def test_discounts_are_in_currencies_that_are_charged(client, fields, field):
    refused = await client.post("/v1/discounts/", json={"name": "Off", "type": "fixed", **fields})
    assert refused.status_code == 422
    assert field in refused.json()["detail"][0]["loc"]
