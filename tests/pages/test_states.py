"""What a buyer sees of a checkout that cannot be paid, of one that is paid, and with other abilities and screens."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import expect
from polar_cli.stack import Stack
from servicekit.testing import eventually

from tests.pages.support import (
    PHONE,
    Shop,
    Visitor,
    ensure_accessible,
    fill,
    new_email,
    new_shop,
    paid,
    path_of,
    pay,
    pay_button,
)  # fmt: skip

FIXED = {"amount_type": "fixed", "price_amount": 2900}
MONTHLY = {"recurring_interval": "month"}


async def test_a_wrong_link_says_so(visitor: Visitor) -> None:
    page = await visitor.visit("/checkout/polar_c_none")
    await expect(page.get_by_role("heading", name="This checkout does not exist")).to_be_focused()
    await ensure_accessible(page)


async def test_a_link_without_its_secret_says_so(shop: Shop, visitor: Visitor) -> None:
    checkout = await shop.checkout(await shop.product(FIXED))
    page = await visitor.visit(f"/checkout/{checkout['id']}")
    await expect(page.get_by_role("heading", name="This link is incomplete")).to_be_visible()
    await ensure_accessible(page)


async def test_the_documented_address_shows_the_checkout(shop: Shop, visitor: Visitor) -> None:
    checkout = await shop.checkout(await shop.product(FIXED))
    page = await visitor.visit(f"/checkout/{checkout['id']}/public/{checkout['client_secret']}")
    await expect(page.get_by_role("heading", name="Handbook")).to_be_visible()


async def test_a_page_that_cannot_be_loaded_can_be_tried_again(shop: Shop, visitor: Visitor) -> None:
    checkout = await shop.checkout(await shop.product(FIXED))
    away = {"**/v1/checkouts/client/*": lambda route: route.fulfill(status=503, body="{}")}
    page = await visitor.visit(path_of(checkout), answers=away)
    await expect(page.get_by_role("heading", name="This page could not be loaded")).to_be_visible()
    await ensure_accessible(page)
    await page.unroute("**/v1/checkouts/client/*")
    await page.get_by_role("button", name="Try again").click()
    await expect(page.get_by_role("heading", name="Handbook")).to_be_visible()


async def test_an_expired_checkout_says_where_to_begin_again(stack: Stack, visitor: Visitor) -> None:
    async with new_shop(stack, "Old Engines") as shop:
        now = datetime.now(UTC)
        clock = await shop.call("POST", "/v1/test-clocks/", {"frozen_time": now.isoformat()})
        path = f"/v1/test-clocks/{clock['id']}"
        checkout = await shop.checkout(await shop.product(FIXED), return_url="https://shop.example/cart")
        await eventually(lambda: shop.call("GET", path), until=lambda one: one["status"] == "ready")
        await shop.call("POST", f"{path}/advance", {"frozen_time": (now + timedelta(days=3)).isoformat()})
        public = f"/v1/checkouts/client/{checkout['client_secret']}"
        await eventually(lambda: shop.api.get(public), until=lambda answer: answer.status_code == 410)
        page = await visitor.visit(path_of(checkout))
        await expect(page.get_by_role("heading", name="This checkout has expired")).to_be_visible()
        back = page.get_by_role("link", name="Back to Old Engines")
        assert await back.get_attribute("href") == "https://shop.example/cart"
        await ensure_accessible(page)


async def test_a_second_subscription_is_explained(shop: Shop, visitor: Visitor) -> None:
    product = await shop.product(FIXED, **MONTHLY)
    email = new_email()
    first = await shop.checkout(product, customer_email=email)
    body = {"client_secret": first["client_secret"], "confirmation_token_id": "pm_card_visa"}
    await shop.call("POST", f"/v1/checkouts/{first['id']}/confirm", body)
    path = f"/v1/subscriptions/?product_id={product['id']}"
    await eventually(lambda: shop.call("GET", path), until=lambda found: found["items"])
    page = await visitor.visit(path_of(await shop.checkout(product)))
    await fill(page, email=email)
    await pay(page)
    await expect(page.get_by_text("This email already has a subscription")).to_be_visible()
    await ensure_accessible(page)
    await page.get_by_role("link", name="Sign in to manage it").click()
    await expect(page.get_by_label("Email")).to_have_value(email)


async def test_a_second_trial_is_offered_without_one(stack: Stack, visitor: Visitor) -> None:
    async with new_shop(stack, "Trial Engines") as shop:
        settings = {"allow_multiple_subscriptions": True, "prevent_trial_abuse": True}
        path = f"/v1/organizations/{shop.organization_id}"
        await shop.call("PATCH", path, {"subscription_settings": settings})
        product = await shop.product(FIXED, trial_interval="day", trial_interval_count=7, **MONTHLY)
        email = new_email()
        page = await visitor.visit(path_of(await shop.checkout(product)))
        await fill(page, email=email)
        await pay(page)
        await paid(page)
        await expect(page.get_by_text("First charge")).to_be_visible()
        page = await visitor.visit(path_of(await shop.checkout(product)))
        await fill(page, email=email)
        await pay(page)
        await expect(page.get_by_text("You have already had a free trial here.")).to_be_visible()
        await ensure_accessible(page)
        await page.get_by_role("button", name="Go on without a trial").click()
        await expect(pay_button(page)).to_have_text("Subscribe for $29.00")
        await pay(page)
        await paid(page)


async def test_the_confirmation_has_all_that_was_bought(shop: Shop, visitor: Visitor) -> None:
    key = await shop.call(
        "POST", "/v1/benefits/",
        {"type": "license_keys", "description": "A key", "properties": {"prefix": "ENGINE"}},
    )  # fmt: skip
    note = await shop.call(
        "POST", "/v1/benefits/",
        {"type": "custom", "description": "A note", "properties": {"note": "Write to **ada**."}},
    )  # fmt: skip
    product = await shop.product(FIXED, benefits=[key["id"], note["id"]], **MONTHLY)
    page = await visitor.visit(path_of(await shop.checkout(product)), viewport=PHONE)
    await fill(page)
    await pay(page)
    await paid(page)
    await expect(page.get_by_text("Your order is ready")).to_be_visible()
    await expect(page.get_by_text(re.compile("^ENGINE-"))).to_be_visible()
    await expect(page.get_by_text("Valid while your subscription is active")).to_be_visible()
    await expect(page.get_by_text("Write to ada.")).to_be_visible()
    await expect(page.get_by_text("Order number")).to_be_visible()
    await ensure_accessible(page)


async def test_the_sellers_own_page_comes_after_the_purchase(shop: Shop, visitor: Visitor) -> None:
    checkout = await shop.checkout(
        await shop.product(FIXED), success_url="http://shop.test/thanks?checkout={CHECKOUT_ID}"
    )
    page = await visitor.visit(path_of(checkout))
    await page.route(
        "http://shop.test/**", lambda route: route.fulfill(body="<h1>Thanks</h1>", content_type="text/html")
    )
    await fill(page)
    await pay(page)
    await page.wait_for_url("http://shop.test/thanks?**")
    # The seller learns which checkout it was, and no secret of it.
    assert page.url == f"http://shop.test/thanks?checkout={checkout['id']}"
    visitor.faults = [fault for fault in visitor.faults if not fault.startswith("asked http://shop.test/")]


async def test_a_confirmation_that_is_not_paid_leads_back(shop: Shop, visitor: Visitor) -> None:
    checkout = await shop.checkout(await shop.product(FIXED))
    page = await visitor.visit(f"{path_of(checkout)}/confirmation")
    await expect(page.get_by_role("heading", name="This checkout is not paid yet")).to_be_visible()
    await ensure_accessible(page)
    await page.get_by_role("link", name="Go to the checkout").click()
    await expect(page.get_by_role("heading", name="Handbook")).to_be_visible()


async def test_the_language_can_be_chosen(shop: Shop, visitor: Visitor) -> None:
    page = await visitor.visit(path_of(await shop.checkout(await shop.product(FIXED), locale="de")), language="")
    await expect(page.get_by_role("button", name="29,00 $ zahlen")).to_be_visible()
    assert await page.evaluate("document.documentElement.lang") == "de"
    await page.get_by_label("Sprache").select_option("en")
    await expect(page.get_by_role("button", name="Pay $29.00")).to_be_visible()
    assert await page.evaluate("document.documentElement.lang") == "en"
    await ensure_accessible(page)


@pytest.mark.parametrize("look", ["light", "dark"])
async def test_both_looks_have_enough_contrast(look: str, shop: Shop, visitor: Visitor) -> None:
    product = await shop.product(FIXED, description="Everything in **one** [place](https://example.com).", **MONTHLY)
    page = await visitor.visit(path_of(await shop.checkout(product)), color_scheme=look)
    await expect(pay_button(page)).to_be_visible()
    await ensure_accessible(page)
