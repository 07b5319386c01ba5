"""Changes of seats and units: what they cost, and within which ends."""

import pytest

from services.billing.tests.subscriptions.support import SEATS, UNITS, changed, orders_of


@pytest.fixture
def by_quantity(bought, purchased):
    """Buys a subscription that goes by seats or units."""

    async def buy(price, **quantity):
        number = next(iter(quantity.values()))
        amount = number * 1000 if "seats" in quantity else -(-number * 125 // 10)
        template = purchased(amount=amount).data
        terms = {**template.price.model_dump(), **price}
        product = {**template.product.model_dump(), "prices": [terms]}
        return await bought(amount, price=terms, product=product, **quantity)

    return buy


async def test_a_price_by_seats_needs_seats(client, bought, announced):
    purchase, team = await bought(2000), await announced(price=SEATS)
    refused = await changed(client, purchase, product_id=team.id)
    assert refused.status_code == 422
    assert "seats" in refused.json()["detail"][0]["msg"]


@pytest.mark.parametrize(
    ("seats", "behavior", "lines"),
    [(4, "invoice", [1933]), (1, "invoice", [-967]), (4, "reset", [4000]), (2, "invoice", None)],
)
async def test_seats(client, by_quantity, seats, behavior, lines):
    purchase = await by_quantity(SEATS, seats=2)
    body = (await changed(client, purchase, seats=seats, proration_behavior=behavior)).json()
    assert (body["seats"], body["amount"]) == (seats, seats * 1000)
    found = [[item["amount"] for item in order["items"]] for order in await orders_of(client)]
    assert found == ([lines] if lines else [])


async def test_units_and_their_ends(client, by_quantity):
    purchase = await by_quantity(UNITS, units=4)
    body = (await changed(client, purchase, units=8, proration_behavior="prorate")).json()
    assert (body["units"], body["amount"]) == (8, 100)
    for bad in ({"units": 1}, {"units": 0}, {"units": "many"}, {"seats": 3}, {"units": 10**9}):
        answer = await changed(client, purchase, **bad)
        assert answer.status_code == 422, bad
        assert answer.json()["detail"][0]["loc"] == ["body", next(iter(bad))]
    body = (await changed(client, purchase, units=3, proration_behavior="next_period")).json()
    assert (body["units"], body["pending_update"]["units"]) == (8, 3)


async def test_a_fixed_discount_is_not_counted_once_more_with_every_seat(client, by_quantity, discounted):
    off = await discounted(type="fixed", basis_points=None, amount=1500, currency="usd", amounts={"usd": 1500})
    purchase = await by_quantity(SEATS, seats=2, discount=off, off=1500)
    assert (await changed(client, purchase, seats=3, proration_behavior="invoice")).status_code == 200
    (order,) = await orders_of(client)
    assert [item["amount"] for item in order["items"]] == [967]
    assert order["discount_amount"] == 0
