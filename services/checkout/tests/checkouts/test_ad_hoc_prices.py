"""Prices that a seller sets for one checkout: shown, chosen, charged and handed on, and nowhere else."""

import pytest
from contracts.checkout import CheckoutSucceededV1

from services.checkout.tests.support import confirmed, problems

EMAIL = {"customer_email": "ada@example.com"}


def fixed(amount, currency="usd"):
    return {"amount_type": "fixed", "price_amount": amount, "price_currency": currency}


async def opened(client, prices, *products, **fields):
    body = {"products": [str(one.id) for one in products], "prices": prices, **EMAIL, **fields}
    return await client.post("/v1/checkouts/", json=body)


@pytest.mark.usefixtures("known_seller")
async def test_it_is_charged_in_the_place_of_the_catalogs(client, anonymous, sell, bus, sandbox):
    product = await sell(amount=2500)
    checkout = (await opened(client, {str(product.id): [fixed(777)]}, product)).json()
    assert (checkout["amount"], checkout["total_amount"]) == (777, 777)
    (price,) = checkout["prices"][str(product.id)]
    assert (price["source"], price["price_amount"], price["id"]) == ("ad_hoc", 777, checkout["product_price_id"])
    assert checkout["product"]["prices"] == checkout["products"][0]["prices"] == [price]
    assert checkout["product_price"] == price
    assert (await confirmed(client, checkout)).status_code == 200
    (event,) = await bus.recorded(CheckoutSucceededV1)
    purchase = event.data
    assert (purchase.total_amount, purchase.payment.amount, purchase.price.price_amount) == (777, 777, 777)
    assert (purchase.price.source, str(purchase.price.id)) == ("ad_hoc", price["id"])
    assert [one.price_amount for one in purchase.product.prices] == [2500], "the product is the catalog's"
    assert purchase.product.archived_prices == []
    other = (await client.post("/v1/checkouts/", json={"products": [str(product.id)]})).json()
    assert other["amount"] == 2500, "of that checkout only"
    taken = await client.post("/v1/checkouts/", json={"product_price_id": price["id"]})
    assert problems(taken) == [["body", "product_price_id"]]


async def test_several_products_and_currencies(client, sell, bus, sandbox):
    first, second, third = await sell(amount=2500), await sell(amount=9000), await sell(amount=100)
    prices = {str(first.id): [fixed(777), fixed(666, "eur")], str(second.id): [fixed(888)]}
    checkout = (await opened(client, prices, first, second, third)).json()
    shown = {id: [price["price_amount"] for price in own] for id, own in checkout["prices"].items()}
    assert shown == {str(first.id): [777, 666], str(second.id): [888], str(third.id): [100]}
    path = f"/v1/checkouts/{checkout['id']}"
    assert (await client.patch(path, json={"currency": "eur"})).json()["amount"] == 666
    assert problems(await client.patch(path, json={"currency": "gbp"})) == [["body", "currency"]]
    assert (await client.patch(path, json={"currency": "usd"})).json()["amount"] == 777
    chosen = checkout["prices"][str(second.id)][0]["id"]
    assert (await client.patch(path, json={"product_price_id": chosen})).json()["product_id"] == str(second.id)
    catalogs = str(second.prices[0].id)
    refused = await client.patch(path, json={"product_id": str(second.id), "product_price_id": catalogs})
    assert problems(refused) == [["body", "product_price_id"]], "the catalog's price is not offered"
    assert (await client.patch(path, json={"product_id": str(third.id)})).json()["amount"] == 100
    answer = await confirmed(client, checkout, product_id=str(second.id))
    assert answer.status_code == 200, answer.text
    assert (await bus.recorded(CheckoutSucceededV1))[-1].data.payment.amount == 888
    own = {str(first.id): prices[str(first.id)]}
    euro = (await opened(client, own, first, currency="eur")).json()
    assert (euro["amount"], euro["currency"]) == (666, "eur")


async def test_every_kind_that_is_sold_is_charged_by_its_rule(client, sell, sandbox):
    product = await sell()
    seats = {"tiers": [{"min_seats": 2, "max_seats": 10, "price_per_seat": 500}]}
    units = {"type": "graduated", "tiers": [{"bound": 10, "unit_amount": "12.5"}, {"unit_amount": 9}]}
    for price, chosen, amount in (
        ({"amount_type": "seat_based", "seat_tiers": seats}, {"seats": 3}, 1500),
        ({"amount_type": "unit_based", "minimum_units": 4, "tiers": units}, {"units": 12}, 143),
        ({"amount_type": "custom", "minimum_amount": 300, "preset_amount": 400}, {}, 400),
        ({"amount_type": "custom", "minimum_amount": 300}, {"amount": 350}, 350),
        ({"amount_type": "free"}, {}, 0),
        ({"price_amount": 450}, {}, 450),
    ):
        answer = await opened(client, {str(product.id): [price]}, product, **chosen)
        assert (answer.status_code, answer.json().get("amount")) == (201, amount), answer.text
    by_seats = {str(product.id): [{"amount_type": "seat_based", "seat_tiers": seats}]}
    checkout = (await opened(client, by_seats, product)).json()
    assert problems(await client.patch(f"/v1/checkouts/{checkout['id']}", json={"seats": 11})) == [["body", "seats"]]


async def test_discounts_and_the_archive_hold_for_it_too(client, sell, bus, sandbox):
    product = await sell(amount=2500)
    percent = {"name": "Launch", "code": "LAUNCH20", "type": "percentage", "basis_points": 2000}
    await client.post("/v1/discounts/", json=percent)
    checkout = (await opened(client, {str(product.id): [fixed(777)]}, product, discount_code="LAUNCH20")).json()
    assert (checkout["discount_amount"], checkout["total_amount"]) == (155, 622)
    late = (await opened(client, {str(product.id): [fixed(777)]}, product)).json()
    await sell(2, id=product.id, price_id=product.prices[0].id, amount=5000)
    assert (await confirmed(client, checkout)).status_code == 200
    assert (await bus.recorded(CheckoutSucceededV1))[-1].data.payment.amount == 622
    await sell(3, id=product.id, is_archived=True)
    assert problems(await confirmed(client, late)) == [["body", "product_price_id"]]


async def test_what_cannot_be_sold_is_named(client, sell, bus):
    product, foreign = await sell(), await sell()
    here = str(product.id)
    metered = {"amount_type": "metered_unit", "meter_id": here, "unit_amount": 1}
    for prices, loc in (
        ({str(foreign.id): [fixed(777)]}, ["body", "prices", str(foreign.id)]),
        ({here: [fixed(777), metered]}, ["body", "prices", here, 1]),
        ({here: [fixed(777), fixed(888)]}, ["body", "prices", here, 1]),
        ({here: [fixed(7)]}, ["body", "prices", here, 0, "fixed", "price_amount"]),
        ({here: [{"amount_type": "seat_based"}]}, ["body", "prices", here, 0, "seat_based", "seat_tiers"]),
        ({here: []}, ["body", "prices", here]),
    ):
        assert problems(await opened(client, prices, product)) == [loc]
    by_price = {"product_price_id": str(product.prices[0].id), "prices": {here: [fixed(777)]}}
    assert problems(await client.post("/v1/checkouts/", json=by_price)) == [["body", "prices"]]
    assert await bus.all() == []
