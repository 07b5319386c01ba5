"""What can be offered: currencies that are charged, amounts from their minimum, and what was offered before."""

import pytest
from catalog.products.models import Price
from catalog.products.operations import archive_price
from catalog.products.refused import refused_prices
from contracts.catalog import ProductUpdatedV1
from servicekit import ids
from sqlalchemy import update

SEATS = {"amount_type": "seat_based", "seat_tiers": {"tiers": [{"min_seats": 1, "price_per_seat": 30}]}}


async def made(client, price):
    return await client.post(
        "/v1/products/", json={"name": "Pro Plan", "recurring_interval": "month", "prices": [price]}
    )


@pytest.mark.parametrize(
    ("price", "field", "says"),
    [
        ({"price_amount": 500, "price_currency": "abc"}, "price_currency", "currency"),
        ({"price_amount": 12340, "price_currency": "kwd"}, "price_currency", "currency"),
        ({"price_amount": 300, "price_currency": "huf"}, "price_amount", "175.00 HUF"),
        ({"price_amount": 60, "price_currency": "mxn"}, "price_amount", "10.00 MXN"),
        ({"price_amount": 799, "price_currency": "krw"}, "price_amount", "800 KRW"),
        ({"price_amount": 5999, "price_currency": "inr"}, "price_amount", "60.00 INR"),
        ({"price_amount": 200_050, "price_currency": "ugx"}, "price_amount", "multiple of 100 in UGX"),
        ({"amount_type": "custom", "minimum_amount": 50, "price_currency": "huf"}, "minimum_amount", "175.00 HUF"),
        ({"amount_type": "custom", "preset_amount": 50, "price_currency": "jpy"}, "preset_amount", "80 JPY"),
        ({"amount_type": "custom", "maximum_amount": 60, "price_currency": "aud"}, "maximum_amount", "0.70 AUD"),
        (SEATS, "seat_tiers", "0.30 USD"),
        ({"amount_type": "unit_based", "minimum_units": 3, "tiers": {"type": "volume", "tiers": [{"unit_amount": 12}]}},
         "tiers", "0.36 USD"),
        ({"amount_type": "unit_based", "price_currency": "isk",
          "tiers": {"type": "volume", "tiers": [{"unit_amount": 7050}]}}, "tiers", "multiple of 100 in ISK"),
    ],
)  # fmt: skip
async def test_what_cannot_be_paid_cannot_be_offered(client, price, field, says):
    refused = await made(client, price)
    assert refused.status_code == 422
    (problem,) = refused.json()["detail"]
    assert (problem["loc"][-1], says in problem["msg"]) == (field, True), problem


@pytest.mark.parametrize(
    "price",
    [
        {"price_amount": 0, "price_currency": "huf"}, {"price_amount": 17_500, "price_currency": "HUF"},
        {"price_amount": 800, "price_currency": "krw"}, {"price_amount": 200_000, "price_currency": "ugx"},
        {"amount_type": "unit_based", "minimum_units": 5, "tiers": {"type": "volume", "tiers": [{"unit_amount": 10}]}},
        {"amount_type": "seat_based", "seat_tiers": {"tiers": [
            {"min_seats": 1, "max_seats": 5, "price_per_seat": 0}, {"min_seats": 6, "price_per_seat": 10}]}},
    ],
)  # fmt: skip
async def test_what_can_be_paid_can_be_offered(client, price):
    answer = await made(client, price)
    assert answer.status_code == 201, answer.text


async def test_the_least_that_a_buyer_may_choose_is_what_a_card_is_charged(client):
    (price,) = (await made(client, {"amount_type": "custom", "price_currency": "huf"})).json()["prices"]
    assert price["minimum_amount"] == 17_500


async def test_prices_from_before_the_rule_are_read_listed_and_archived(client, database, bus):
    product = (await made(client, {"price_amount": 17_500, "price_currency": "huf"})).json()
    price_id = product["prices"][0]["id"]
    async with database.transaction() as session:
        await session.execute(update(Price).where(Price.id == price_id).values(price_amount=300))
    kept = await client.patch(f"/v1/products/{product['id']}", json={"prices": [{"id": price_id}]})
    assert (kept.status_code, kept.json()["prices"][0]["price_amount"]) == (200, 300)
    (found,) = [one async for one in refused_prices(database.transaction)]
    assert (str(found.price_id), str(found.product_id)) == (price_id, product["id"])
    assert found.reason == "price_amount should be 0, or at least 175.00 HUF (17500 in minor units)"
    async with database.transaction() as session:
        assert await archive_price(session, found.price_id)
        assert not await archive_price(session, ids.uuid7())
    assert [one async for one in refused_prices(database.transaction)] == []
    assert (await bus.recorded(ProductUpdatedV1))[-1].data.prices == []
    async with database.transaction() as session:
        assert not await archive_price(session, found.price_id)
