"""Prices by seats and units, and the questions that a product asks its buyers."""

import pytest
from contracts.catalog import Price
from contracts.checkout import CheckoutSucceededV1
from hypothesis import given
from hypothesis import strategies as st
from pricing.prices import static_amount
from servicekit import clock, ids

from services.checkout.tests.support import confirmed, problems

TIERS = [
    {"min_seats": 2, "max_seats": 5, "price_per_seat": 1000},
    {"min_seats": 6, "max_seats": 50, "price_per_seat": 800},
]
SEATS = {
    "amount_type": "seat_based",
    "price_amount": None,
    "seat_tiers": {"seat_tier_type": "volume", "tiers": TIERS, "minimum_seats": 2, "maximum_seats": 50},
}
UNITS = {
    "amount_type": "unit_based",
    "price_amount": None,
    "minimum_units": 3,
    "tiers": {
        "type": "graduated",
        "tiers": [{"bound": 10, "unit_amount": "12.5"}, {"bound": None, "unit_amount": "9"}],
    },
}


def price(**terms):
    fields = {
        "id": ids.uuid7(), "created_at": clock.now(), "modified_at": None, "source": "catalog", "price_currency": "usd",
        "tax_behavior": None, "is_archived": False, "product_id": ids.uuid7(), **terms,
    }  # fmt: skip
    return Price.model_validate(fields)


def question(slug, kind, *, required=False, **properties):
    field = {
        "id": str(ids.uuid7()), "created_at": "2026-01-01T00:00:00Z", "modified_at": None, "metadata": {}, "type": kind,
        "slug": slug, "name": slug.title(), "organization_id": str(ids.uuid7()), "properties": properties,
    }  # fmt: skip
    return {"custom_field_id": field["id"], "custom_field": field, "order": 0, "required": required}


async def opened(client, product, **fields):
    return await client.post("/v1/checkouts/", json={"products": [str(product.id)], **fields})


@pytest.mark.parametrize(
    ("kind", "seats", "amount"),
    [("volume", 2, 2000), ("volume", 5, 5000), ("volume", 6, 4800), ("graduated", 5, 5000), ("graduated", 7, 6600)],
)
def test_seats_cost_what_their_tiers_say(kind, seats, amount):
    terms = {**SEATS["seat_tiers"], "seat_tier_type": kind}
    assert static_amount(price(**{**SEATS, "seat_tiers": terms}), seats=seats) == amount
    with pytest.raises(ValueError, match="in no tier"):
        static_amount(price(**SEATS), seats=1)


@pytest.mark.parametrize(
    ("kind", "units", "amount"), [("graduated", 3, 38), ("graduated", 12, 143), ("volume", 12, 108)]
)
def test_units_are_rounded_once(kind, units, amount):
    terms = {**UNITS["tiers"], "type": kind}
    assert static_amount(price(**{**UNITS, "tiers": terms}), units=units) == amount


@given(seats=st.integers(2, 49))
def test_graduated_seats_never_cost_less_for_one_more(seats):
    terms = {**SEATS["seat_tiers"], "seat_tier_type": "graduated"}
    by_seats = price(**{**SEATS, "seat_tiers": terms})
    assert static_amount(by_seats, seats=seats) < static_amount(by_seats, seats=seats + 1)


async def test_seats_are_ordered_within_the_prices_and_the_sellers_limits(client, bus, sandbox, sell):
    product = await sell(terms=SEATS)
    checkout = (await opened(client, product)).json()
    assert (checkout["seats"], checkout["amount"]) == (2, 2000)
    path = f"/v1/checkouts/{checkout['id']}"
    assert (await client.patch(path, json={"seats": 7})).json()["amount"] == 5600
    for seats in (1, 51):
        refused = await client.patch(path, json={"seats": seats})
        assert (refused.status_code, refused.json()["detail"][0]["loc"]) == (422, ["body", "seats"])
    narrow = (await opened(client, product, min_seats=3, max_seats=4)).json()
    assert (narrow["seats"], narrow["amount"]) == (3, 3000)
    assert (await client.patch(f"/v1/checkouts/{narrow['id']}", json={"seats": 5})).status_code == 422
    assert (await opened(client, product, max_seats=1)).json()["detail"][0]["loc"] == ["body", "max_seats"]
    answer = await confirmed(
        client, {**checkout, "customer_email": "ada@example.com"}, customer_email="ada@example.com"
    )
    assert answer.status_code == 200, answer.text
    purchase = (await bus.recorded(CheckoutSucceededV1))[-1].data
    assert (purchase.seats, purchase.units, purchase.amount) == (7, None, 5600)
    assert purchase.payment.amount == 5600


async def test_a_percentage_applies_to_all_seats_also_when_they_change(client, sandbox, sell):
    product = await sell(terms=SEATS)
    percent = {"name": "Launch", "code": "LAUNCH20", "type": "percentage", "basis_points": 2000}
    await client.post("/v1/discounts/", json=percent)
    checkout = (await opened(client, product, seats=4, discount_code="LAUNCH20")).json()
    assert (checkout["amount"], checkout["discount_amount"], checkout["total_amount"]) == (4000, 800, 3200)
    changed = (await client.patch(f"/v1/checkouts/{checkout['id']}", json={"seats": 10})).json()
    assert (changed["amount"], changed["discount_amount"], changed["total_amount"]) == (8000, 1600, 6400)


async def test_units_are_ordered(client, sell):
    product = await sell(terms=UNITS)
    checkout = (await opened(client, product, units=12)).json()
    assert (checkout["units"], checkout["seats"], checkout["amount"]) == (12, None, 143)
    assert (await opened(client, product, units=2)).json()["detail"][0]["loc"] == ["body", "units"]


async def test_answers_are_checked_kept_and_told(client, bus, sandbox, sell):
    asked = [
        question("company", "text", required=True, max_length=5), question("people", "number", ge=1, le=10),
        question("start", "date", ge=1767225600), question("terms", "checkbox", required=True),
        question("size", "select", options=[{"value": "s", "label": "Small"}]),
    ]  # fmt: skip
    product = await sell(attached_custom_fields=asked)
    for slug, wrong in (
        ("company", 1), ("company", "too long"), ("people", 0), ("people", "3"), ("people", True), ("start", "soon"),
        ("start", "2025-12-31"), ("terms", "yes"), ("size", "m"),
    ):  # fmt: skip
        refused = await opened(client, product, custom_field_data={slug: wrong})
        assert (refused.status_code, refused.json()["detail"][0]["loc"]) == (422, ["body", "custom_field_data", slug])
    checkout = (await opened(client, product, custom_field_data={"company": "Acme", "unasked": "x"})).json()
    assert checkout["custom_field_data"] == {"company": "Acme"}
    assert next(one["custom_field"]["slug"] for one in checkout["attached_custom_fields"]) == "company"
    missing = await confirmed(client, checkout, customer_email="ada@example.com")
    assert missing.json()["detail"][0]["loc"] == ["body", "custom_field_data", "terms"]
    answers = {"terms": True, "people": 3, "start": "2026-01-01", "size": "s"}
    done = await confirmed(client, checkout, customer_email="ada@example.com", custom_field_data=answers)
    assert done.status_code == 200, done.text
    purchase = (await bus.recorded(CheckoutSucceededV1))[-1].data
    assert purchase.custom_field_data == {"company": "Acme", **answers}


async def test_zero_is_an_answer_and_blanks_are_none(client, bus, sandbox, sell):
    asked = [
        question("people", "number", required=True, ge=0), question("company", "text", required=True, min_length=2),
        question("terms", "checkbox", required=True),
    ]  # fmt: skip
    product = await sell(attached_custom_fields=asked)
    answers = {"people": 0, "company": "   ", "terms": False}
    checkout = (await opened(client, product, customer_email="ada@example.com", custom_field_data=answers)).json()
    assert problems(await confirmed(client, checkout)) == [
        ["body", "custom_field_data", "company"], ["body", "custom_field_data", "terms"],
    ]  # fmt: skip
    done = await confirmed(client, checkout, custom_field_data={"company": "Acme", "terms": True})
    assert done.status_code == 200, done.text
    assert (await bus.recorded(CheckoutSucceededV1))[-1].data.custom_field_data["people"] == 0
