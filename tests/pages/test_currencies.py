"""A buyer chooses the currency, and what is charged is what was shown: whatever another tab, or the seller, changed."""

from typing import Any

from playwright.async_api import expect
from servicekit.testing import eventually

from tests.pages.support import PHONE, Shop, Visitor, ensure_accessible, fill, paid, path_of, pay, pay_button

DOLLARS = {"amount_type": "fixed", "price_amount": 2900}
EUROS = {"amount_type": "fixed", "price_amount": 2600, "price_currency": "eur"}


def _tiers(each: int) -> dict[str, Any]:
    tier = {"min_seats": 1, "max_seats": None, "price_per_seat": each}
    return {"amount_type": "seat_based", "seat_tiers": {"seat_tier_type": "volume", "tiers": [tier]}}


async def test_the_chosen_currency_is_charged(shop: Shop, visitor: Visitor) -> None:
    off = {"name": "Off", "code": "OFF500", "type": "fixed", "amounts": {"usd": 500}, "duration": "once"}
    await shop.call("POST", "/v1/discounts/", off)
    product = await shop.product(_tiers(1000), {**_tiers(900), "price_currency": "eur"}, recurring_interval="month")
    checkout = await shop.checkout(product, seats=3, currency="usd", discount_code="OFF500")
    page = await visitor.visit(path_of(checkout), viewport=PHONE)
    await fill(page)
    await expect(pay_button(page)).to_have_text("Subscribe for $25.00")
    await page.get_by_label("Currency").select_option("eur")
    await expect(pay_button(page)).to_have_text("Subscribe for €27.00")
    # The discount has no amount in euros: it goes, and the buyer reads why.
    await expect(page.get_by_text("This code is not valid in this currency")).to_be_visible()
    await expect(page.get_by_label("Seats")).to_have_value("3")
    await ensure_accessible(page)
    await pay(page)
    await paid(page)
    bought = await shop.status(checkout)
    order = await shop.order(bought["order_id"])
    assert (order["currency"], order["total_amount"], order["discount_amount"]) == ("eur", 2700, 0)


async def test_one_currency_is_no_choice(shop: Shop, visitor: Visitor) -> None:
    both, dollars = await shop.product(DOLLARS, EUROS), await shop.product(DOLLARS, name="Letters")
    page = await visitor.visit(path_of(await shop.checkout(both, dollars, currency="usd")))
    await expect(pay_button(page)).to_be_visible()
    await expect(page.get_by_label("Currency")).to_have_count(0)


async def test_another_tab_changes_nothing_of_what_is_charged(shop: Shop, visitor: Visitor) -> None:
    checkout = await shop.checkout(await shop.product(_tiers(1000), recurring_interval="month"), seats=2)
    page = await visitor.visit(path_of(checkout))
    await fill(page)
    await expect(pay_button(page)).to_have_text("Subscribe for $20.00")
    public = f"/v1/checkouts/client/{checkout['client_secret']}"
    await shop.call("PATCH", public, {"seats": 40})
    await pay(page)
    await paid(page)
    order = await shop.order((await shop.status(checkout))["order_id"])
    assert order["total_amount"] == 2000


async def test_a_price_that_was_changed_is_shown_before_it_is_charged(shop: Shop, visitor: Visitor) -> None:
    product = await shop.product(DOLLARS)
    checkout = await shop.checkout(product)
    page = await visitor.visit(path_of(checkout))
    await fill(page)
    await expect(pay_button(page)).to_have_text("Pay $29.00")
    dearer = {**DOLLARS, "price_amount": 3900, "price_currency": "usd"}
    await shop.call("PATCH", f"/v1/products/{product['id']}", {"prices": [dearer]})
    await eventually(lambda: shop.checkout(product), until=lambda opened: opened["amount"] == 3900)
    await pay(page)
    await expect(page.get_by_text("The price changed while this page was open.")).to_be_visible()
    await expect(pay_button(page)).to_have_text("Pay $39.00")
    assert (await shop.status(checkout))["status"] == "open"
    await pay(page)
    await paid(page)
    order = await shop.order((await shop.status(checkout))["order_id"])
    assert order["total_amount"] == 3900


async def test_a_product_that_is_not_sold_any_more_says_whom_to_ask(shop: Shop, visitor: Visitor) -> None:
    product = await shop.product(DOLLARS)
    checkout = await shop.checkout(product, return_url="https://shop.example/cart")
    page = await visitor.visit(path_of(checkout))
    await fill(page)
    await expect(pay_button(page)).to_be_visible()
    await shop.call("PATCH", f"/v1/products/{product['id']}", {"is_archived": True})
    body = {"products": [product["id"]]}
    await eventually(lambda: shop.api.post("/v1/checkouts/", json=body), until=lambda answer: answer.status_code == 422)
    await pay(page)
    await expect(page.get_by_text("This product is no longer on sale.")).to_be_visible()
    await expect(page.get_by_role("alert").get_by_role("link", name="Back to Analytical Engines")).to_be_visible()
    assert (await shop.status(checkout))["status"] == "open"
