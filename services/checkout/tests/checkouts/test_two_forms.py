"""What is said in two forms at once is refused by name: neither is dropped without a word."""

import pytest

from services.checkout.tests.support import opened, problems

SOME = "0197f3a2-7c1e-7d4b-9f0a-3c5e8d2b6a41"
FIXED = {"name": "Less", "type": "fixed", "duration": "once"}
PRODUCT, PRICE, CODE, EARLY = "product_id", "product_price_id", "discount_code", "customer_external_id"


@pytest.mark.parametrize(
    ("path", "body", "named"),
    [
        ("/v1/checkouts/", {"products": [SOME], PRODUCT: SOME}, PRODUCT),
        ("/v1/checkouts/", {"products": [SOME], PRICE: SOME}, PRICE),
        ("/v1/checkouts/", {PRODUCT: SOME, PRICE: SOME}, PRICE),
        ("/v1/checkouts/", {PRODUCT: SOME, "discount_id": SOME, CODE: "X"}, CODE),
        ("/v1/checkouts/", {PRODUCT: SOME, "external_customer_id": "a", EARLY: "b"}, EARLY),
        ("/v1/checkout-links/", {"products": [SOME], PRODUCT: SOME}, PRODUCT),
        ("/v1/checkout-links/", {PRODUCT: SOME, PRICE: SOME}, PRICE),
        ("/v1/discounts/", {**FIXED, "amount": 100, "currency": "usd", "amounts": {"usd": 100}}, "amounts"),
        ("/v1/discounts/", {**FIXED, "currency": "eur", "amounts": {"usd": 100}}, "currency"),
        ("/v1/discounts/", {**FIXED, "amount": 100, "currency": "usd", "basis_points": 100}, "basis_points"),
        ("/v1/discounts/", {**FIXED, "type": "percentage", "basis_points": 100, "amount": 100}, "amount"),
    ],
)  # fmt: skip
async def test_two_forms_of_one_field_are_refused_by_name(client, path, body, named):
    assert problems(await client.post(path, json=body)) == [["body", named]]


async def test_a_discount_is_changed_in_one_form_and_null_is_none(client, sell):
    terms = {"name": "Half", "code": "HALF", "type": "percentage", "basis_points": 5000, "duration": "once"}
    half = (await client.post("/v1/discounts/", json=terms)).json()["id"]
    checkout = await opened(client, await sell(), discount_id=half, discount_code=None)
    assert (checkout["discount_id"], checkout["discount_amount"]) == (half, 4950)
    path = f"/v1/checkouts/{checkout['id']}"
    assert problems(await client.patch(path, json={"discount_id": half, CODE: "HALF"})) == [["body", CODE]]
    for change, kept in (
        ({"discount_id": None, CODE: None}, None), ({"discount_id": half, CODE: None}, half),
        ({CODE: ""}, None), ({"discount_id": None, CODE: "HALF"}, half),
    ):  # fmt: skip
        answer = await client.patch(path, json=change)
        assert (answer.status_code, answer.json()["discount_id"]) == (200, kept), answer.text
