"""Everything that can be sold is bought in a browser, and what was shown is what was charged."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.pages.support import PHONE, Shop, Visitor, ensure_accessible, fill, paid, path_of, pay, pay_button

MONTHLY = {"recurring_interval": "month"}
TRIAL = {**MONTHLY, "trial_interval": "day", "trial_interval_count": 14}
FIXED = {"amount_type": "fixed", "price_amount": 2900}
SEATS = {
    "amount_type": "seat_based",
    "seat_tiers": {
        "seat_tier_type": "volume",
        "tiers": [
            {"min_seats": 1, "max_seats": 4, "price_per_seat": 1000},
            {"min_seats": 5, "max_seats": None, "price_per_seat": 800},
        ],
    },
}
UNITS = {
    "amount_type": "unit_based",
    "tiers": {"type": "graduated", "tiers": [{"bound": 10, "unit_amount": "150"}, {"unit_amount": "99.5"}]},
}


async def _nothing(_: Page) -> None:
    """The buyer chooses nothing."""


async def _names_an_amount(page: Page) -> None:
    field = page.get_by_label("How much do you want to pay?")
    await field.fill("4")
    await expect(page.get_by_text("At least $5.00").first).to_be_visible()
    await field.fill("12.50")


async def _orders_six_seats(page: Page) -> None:
    await page.get_by_label("Seats").fill("5")
    await page.get_by_role("button", name="One more").click()
    await expect(page.get_by_text("$8.00 per seat")).to_be_visible()


async def _orders_twelve_units(page: Page) -> None:
    await page.get_by_label("Quantity").fill("12")


Chooses = Callable[[Page], Awaitable[None]]
KINDS: dict[str, tuple[list[dict[str, Any]], dict[str, Any], Chooses, str]] = {
    "once": ([FIXED], {}, _nothing, "Pay $29.00"),
    "monthly": ([FIXED], MONTHLY, _nothing, "Subscribe for $29.00"),
    "yen": ([{**FIXED, "price_currency": "jpy"}], {}, _nothing, "Pay ¥2,900"),
    "custom": (
        [{"amount_type": "custom", "minimum_amount": 500, "preset_amount": 1000}], {}, _names_an_amount, "Pay $12.50"
    ),
    "seats": ([SEATS], MONTHLY, _orders_six_seats, "Subscribe for $48.00"),
    "units": ([UNITS], {}, _orders_twelve_units, "Pay $16.99"),
    "trial": ([FIXED], TRIAL, _nothing, "Start the free trial, then $29.00 / month"),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
async def test_what_is_shown_is_charged(kind: str, shop: Shop, visitor: Visitor) -> None:
    prices, fields, choose, says = KINDS[kind]
    checkout = await shop.checkout(await shop.product(*prices, **fields), currency=prices[0].get("price_currency"))
    page = await visitor.visit(path_of(checkout), viewport=PHONE)
    await choose(page)
    await fill(page)
    await expect(pay_button(page)).to_have_text(says)
    await pay(page)
    await paid(page)
    bought = await shop.status(checkout)
    assert bought["status"] == "succeeded"
    order = await shop.order(bought["order_id"])
    shown = 0 if kind == "trial" else int(says.split(" ")[-1].translate(str.maketrans("", "", "$¥,.")))
    assert order["total_amount"] == shown


async def test_a_free_product_needs_no_card(shop: Shop, visitor: Visitor) -> None:
    checkout = await shop.checkout(await shop.product({"amount_type": "fixed", "price_amount": 0}))
    page = await visitor.visit(path_of(checkout))
    await fill(page, card=None)
    await expect(page.locator("iframe")).to_have_count(0)
    assert await pay(page) == "Get it for free"
    await paid(page)


async def test_usage_is_announced_beside_the_price(shop: Shop, visitor: Visitor) -> None:
    meter = {"name": "API calls", "filter": {"conjunction": "and", "clauses": []}, "aggregation": {"func": "count"}}
    made = await shop.call("POST", "/v1/meters/", meter)
    usage = {"amount_type": "metered_unit", "meter_id": made["id"], "unit_amount": "0.05"}
    checkout = await shop.checkout(await shop.product(FIXED, usage, **MONTHLY))
    page = await visitor.visit(path_of(checkout))
    await expect(page.get_by_text("$0.0005 per unit of API calls")).to_be_visible()
    await fill(page)
    assert await pay(page) == "Subscribe for $29.00"
    await paid(page)


async def test_a_discount_of_everything_needs_no_card(shop: Shop, visitor: Visitor) -> None:
    discount = {"name": "Gift", "code": "GIFT", "type": "percentage", "basis_points": 10_000, "duration": "once"}
    await shop.call("POST", "/v1/discounts/", discount)
    checkout = await shop.checkout(await shop.product(FIXED))
    page = await visitor.visit(path_of(checkout))
    await page.get_by_role("button", name="Add a discount code").click()
    code = page.get_by_label("Discount code")
    await code.fill("NOPE")
    await page.get_by_role("button", name="Apply").click()
    await expect(page.get_by_text("This code is not valid")).to_be_visible()
    await ensure_accessible(page)
    # A wrong code stands in nobody's way: the button still pays the full price.
    await expect(pay_button(page)).to_have_text("Pay $29.00")
    await code.fill("GIFT")
    await expect(page.get_by_text("This code is not valid")).to_have_count(0)
    await code.press("Enter")
    await expect(page.get_by_text("The discount GIFT is applied")).to_be_visible()
    await expect(page.locator("iframe")).to_have_count(0)
    await fill(page, card=None)
    assert await pay(page) == "Get it for free"
    await paid(page)


async def test_one_of_several_products_is_chosen(shop: Shop, visitor: Visitor) -> None:
    small = await shop.product(FIXED, name="Small", **MONTHLY)
    large = await shop.product({**FIXED, "price_amount": 9900}, name="Large", **MONTHLY)
    checkout = await shop.checkout(small, large)
    page = await visitor.visit(path_of(checkout))
    await page.get_by_label("Large").check()
    await fill(page)
    await expect(pay_button(page)).to_have_text("Subscribe for $99.00")
    await pay(page)
    await paid(page)
    assert (await shop.status(checkout))["product_id"] == large["id"]


async def test_the_address_asks_for_what_its_country_needs(shop: Shop, visitor: Visitor) -> None:
    checkout = await shop.checkout(await shop.product(FIXED))
    page = await visitor.visit(path_of(checkout))
    await fill(page)
    await expect(page.get_by_label("State")).to_have_count(0)
    await page.get_by_label("Country").select_option("US")
    await pay(page)
    await expect(page.get_by_label("Address", exact=True)).to_be_focused()
    await ensure_accessible(page)
    await page.get_by_label("Address", exact=True).fill("1 Main Street")
    await page.get_by_label("ZIP code").fill("94105")
    await page.get_by_label("City").fill("San Francisco")
    await page.get_by_label("State").select_option("US-CA")
    await pay(page)
    await paid(page)
    address = (await shop.status(checkout))["customer_billing_address"]
    assert address | {"line2": None} == {
        "country": "US", "line1": "1 Main Street", "line2": None, "postal_code": "94105", "city": "San Francisco",
        "state": "US-CA",
    }  # fmt: skip


async def test_a_business_gives_its_name_and_tax_id(shop: Shop, visitor: Visitor) -> None:
    checkout = await shop.checkout(await shop.product(FIXED))
    page = await visitor.visit(path_of(checkout), locale="de-DE")
    await fill(page)
    await page.get_by_label("I buy as a business").check()
    await page.get_by_label("Tax ID").fill("DE1")
    await expect(page.locator("#customer_tax_id-error")).to_be_visible()
    await page.get_by_label("Tax ID").fill("DE136695976")
    await expect(page.locator("#customer_tax_id-error")).to_have_count(0)
    await pay(page)
    await expect(page.get_by_label("Business name")).to_be_focused()
    await page.get_by_label("Business name").fill("Lovelace GmbH")
    await pay(page)
    await paid(page)
    bought = await shop.status(checkout)
    assert (bought["customer_billing_name"], bought["customer_tax_id"]) == ("Lovelace GmbH", "DE136695976")
    assert bought["is_business_customer"]


async def test_the_sellers_questions_are_answered(shop: Shop, visitor: Visitor) -> None:
    asked: list[dict[str, Any]] = [
        {"type": "text", "slug": "team", "name": "Team"},
        {"type": "number", "slug": "size", "name": "Size", "properties": {"ge": 2, "le": 50}},
        {"type": "date", "slug": "start", "name": "Start"},
        {
            "type": "select",
            "slug": "field",
            "name": "Field",
            "properties": {"options": [{"value": "a", "label": "Art"}]},
        },
        {"type": "checkbox", "slug": "terms", "name": "I accept the terms"},
    ]
    made = [await shop.call("POST", "/v1/custom-fields/", one) for one in asked]
    attached = [{"custom_field_id": one["id"], "required": True} for one in made]
    checkout = await shop.checkout(await shop.product(FIXED, attached_custom_fields=attached))
    page = await visitor.visit(path_of(checkout))
    await fill(page)
    await pay(page)
    await expect(page.get_by_label("Team")).to_be_focused()
    await expect(page.get_by_text("Tick this box to go on")).to_be_visible()
    await ensure_accessible(page)
    await page.get_by_label("Team").fill("Engines")
    await page.get_by_label("Size").fill("1")
    await page.get_by_label("Start").fill("2026-12-24")
    await page.get_by_label("Field").select_option("a")
    await page.get_by_label("I accept the terms").check()
    await pay(page)
    await expect(page.get_by_text("From 2 to 50")).to_be_visible()
    await page.get_by_label("Size").fill("3")
    await pay(page)
    await paid(page)
    answers = (await shop.status(checkout))["custom_field_data"]
    assert answers == {"team": "Engines", "size": 3, "start": "2026-12-24", "field": "a", "terms": True}
