"""Every kind of price, what can stand together, trials, and products that may be deleted."""

import pytest
from contracts.catalog import ProductUpdatedV1
from contracts.metering import Meter, MeterCreatedV1, MeterUpdatedV1
from servicekit import clock, ids

SEATS = {
    "amount_type": "seat_based",
    "seat_tiers": {
        "tiers": [{"min_seats": 2, "max_seats": 5, "price_per_seat": 1000}, {"min_seats": 6, "price_per_seat": 800}]
    },
}
UNITS = {
    "amount_type": "unit_based",
    "minimum_units": 4,
    "tiers": {"type": "graduated", "tiers": [{"bound": 10, "unit_amount": "12.50"}, {"unit_amount": 9}]},
}


async def made(client, *prices, **fields):
    body = {"name": "Pro Plan", "recurring_interval": "month", "prices": list(prices), **fields}
    return await client.post("/v1/products/", json=body)


@pytest.fixture
async def meter(bus, organization_id):
    """A meter that metering told of."""
    data = Meter(
        id=ids.uuid7(), created_at=clock.now(), modified_at=None, organization_id=organization_id, metadata={},
        name="Tokens", unit="token", custom_label=None, custom_multiplier=None,
        filter={"conjunction": "and", "clauses": []}, aggregation={"func": "count"}, archived_at=None,
    )  # fmt: skip
    await bus.deliver(
        MeterCreatedV1(subject=data.id, organization_id=organization_id, time=clock.now(), sequence=1, data=data)
    )
    return data


async def test_prices_by_seats_and_by_units(client):
    (seats,) = (await made(client, SEATS)).json()["prices"]
    assert seats["seat_tiers"]["seat_tier_type"] == "volume"
    assert (seats["seat_tiers"]["minimum_seats"], seats["seat_tiers"]["maximum_seats"]) == (2, None)
    (units,) = (await made(client, UNITS)).json()["prices"]
    assert [tier["unit_amount"] for tier in units["tiers"]["tiers"]] == ["12.5", "9"]
    assert (units["minimum_units"], units["maximum_units"]) == (4, None)


async def test_metered_prices_show_their_meter_and_follow_it(client, stranger, bus, meter, organization_id):
    metered = {"amount_type": "metered_unit", "meter_id": str(meter.id), "unit_amount": 0.125, "cap_amount": 5000}
    product = (await made(client, {"price_amount": 2900}, metered)).json()
    price = product["prices"][1]
    assert (price["unit_amount"], price["cap_amount"], price["meter"]["name"]) == ("0.125", 5000, "Tokens")
    renamed = meter.model_copy(update={"name": "Words"})
    await bus.deliver(
        MeterUpdatedV1(subject=meter.id, organization_id=organization_id, time=clock.now(), sequence=2, data=renamed)
    )
    assert (await client.get(f"/v1/products/{product['id']}")).json()["prices"][1]["meter"]["name"] == "Words"
    assert (await bus.recorded(ProductUpdatedV1))[-1].data.prices[1].meter["name"] == "Words"
    (listed,) = (await client.get("/v1/products/")).json()["items"]
    assert listed["prices"][1]["meter"]["name"] == "Words"
    foreign = await made(stranger, metered)
    assert foreign.json()["detail"][0]["loc"] == ["body", "prices", 0, "meter_id"]
    once = await made(client, metered, recurring_interval=None)
    assert (once.status_code, once.json()["detail"][0]["loc"]) == (422, ["body", "prices", 0])


async def test_what_cannot_stand_together_is_named(client, meter):
    metered = {"amount_type": "metered_unit", "meter_id": str(meter.id), "unit_amount": "1"}
    euro = {"price_amount": 2500, "price_currency": "eur"}
    for prices, loc in (
        ([{"price_amount": 2900}, SEATS], ["body", "prices", 1]),
        ([metered, metered], ["body", "prices", 1]),
        ([{"price_amount": 2900}, metered, euro], ["body", "prices", 2]),
        ([{**SEATS, "price_currency": "eur"}, {"price_amount": 2900}], ["body", "prices", 1]),
    ):
        refused = await made(client, *prices)
        assert (refused.status_code, refused.json()["detail"][0]["loc"]) == (422, loc), prices
    both = await made(client, {"price_amount": 2900}, metered, euro, {**metered, "price_currency": "eur"})
    assert both.status_code == 201, both.text


@pytest.mark.parametrize(
    "tiers",
    [
        [{"min_seats": 1, "max_seats": 5, "price_per_seat": 1}, {"min_seats": 7, "price_per_seat": 1}],
        [{"min_seats": 1, "price_per_seat": 1}, {"min_seats": 2, "price_per_seat": 1}],
        [{"min_seats": 3, "max_seats": 2, "price_per_seat": 1}],
        [],
    ],
)
async def test_tiers_of_seats_have_no_gaps(client, tiers):
    refused = await made(client, {"amount_type": "seat_based", "seat_tiers": {"tiers": tiers}})
    assert refused.status_code == 422


async def test_trials_are_kept_and_belong_to_what_recurs(client):
    product = (await made(client, {"price_amount": 2900}, trial_interval="day", trial_interval_count=14)).json()
    assert (product["trial_interval"], product["trial_interval_count"]) == ("day", 14)
    path = f"/v1/products/{product['id']}"
    changed = (await client.patch(path, json={"trial_interval": "week"})).json()
    assert (changed["trial_interval"], changed["trial_interval_count"]) == ("week", 14)
    gone = (await client.patch(path, json={"trial_interval": None})).json()
    assert (gone["trial_interval"], gone["trial_interval_count"]) == (None, None)
    once = await made(client, {"price_amount": 2900}, recurring_interval=None, trial_interval="day")
    assert once.status_code == 422


async def test_only_what_was_never_sold_is_deleted(client, stranger, bus, order_of):
    unsold, sold = [(await made(client, {"price_amount": 2900})).json() for _ in range(2)]
    assert unsold["is_deletable"]
    assert (await stranger.delete(f"/v1/products/{unsold['id']}")).status_code == 404
    assert (await client.delete(f"/v1/products/{unsold['id']}")).status_code == 204
    assert (await client.get(f"/v1/products/{unsold['id']}")).status_code == 404
    told = (await bus.recorded(ProductUpdatedV1))[-1].data
    assert (told.is_deleted, told.is_archived) == (True, True)
    await bus.deliver(order_of(sold["id"]))
    refused = await client.delete(f"/v1/products/{sold['id']}")
    assert (refused.status_code, refused.json()["error"]) == (403, "ProductNotDeletable")
    (listed,) = (await client.get("/v1/products/")).json()["items"]
    assert (listed["id"], listed["is_deletable"]) == (sold["id"], False)
