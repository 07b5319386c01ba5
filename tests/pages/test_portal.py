"""What a customer does in the portal, through the pages, and what billing then has."""

import asyncio
import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import expect
from polar_cli.stack import Stack

from tests.pages.portal import looks_right, mailed_code, open_portal, subscribed
from tests.pages.support import PHONE, Shop, Visitor, fill, fill_card, new_email, new_shop, paid, path_of, pay

MONTHLY = {"amount_type": "fixed", "price_amount": 2900}
BANK_ASKS = "4000002760003184"
CHARGE_FAILS = "4000000000000341"


async def test_the_token_leaves_the_address_and_each_screen_is_accessible(shop: Shop, visitor: Visitor) -> None:
    product = await shop.product(MONTHLY, name="Engine notes", recurring_interval="month")
    _, token = await subscribed(shop, visitor, product)
    page = await open_portal(visitor, token)
    assert token not in page.url
    await expect(page.get_by_text("$29.00 / month")).to_be_visible()
    await looks_right(page, "overview")
    for name in ("Orders", "Benefits", "Payment methods", "Settings"):
        await page.get_by_role("link", name=name, exact=True).click()
        await expect(page.get_by_role("heading", level=1, name=name)).to_be_visible()
        await looks_right(page, name.lower().replace(" ", "-"))
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_label("Email")).to_be_visible()
    await looks_right(page, "login")


async def test_from_the_mailed_code_to_the_invoice(stack: Stack, shop: Shop, visitor: Visitor) -> None:
    product = await shop.product(MONTHLY, name="Letters")
    email = new_email()
    checkout = await shop.checkout(product)
    buying = await visitor.visit(path_of(checkout))
    await fill(buying, email=email)
    await pay(buying)
    await paid(buying)
    # The code arrives even where the news of the customer is still on its way when it is requested.
    slug = (await shop.call("GET", f"/v1/organizations/{shop.organization_id}"))["slug"]
    page = await visitor.visit(f"/{slug}/portal", viewport=PHONE)
    await page.get_by_label("Email").fill(email)
    await page.get_by_role("button", name="Send the code").click()
    code = page.get_by_label("Six-digit code")
    await expect(code).to_have_attribute("autocomplete", "one-time-code")
    await looks_right(page, "code")
    await code.fill(await mailed_code(stack, email))
    await page.get_by_role("button", name="Sign in").click()
    await page.get_by_role("link", name="Letters").click()
    await page.get_by_role("button", name="Invoice").click()
    await page.get_by_label("Name on the invoice").fill("Ada Lovelace")
    await expect(page.get_by_label("Country")).to_be_disabled()
    await page.get_by_label("City").fill("Wien")
    await looks_right(page, "invoice-details")
    await page.get_by_role("button", name="Save and make the invoice").click()
    link = page.get_by_role("link", name="Open the invoice")
    await expect(link).to_be_visible()
    await looks_right(page, "invoice")
    url = await link.get_attribute("href")
    assert url is not None
    document = await shop.api.get(url)
    assert document.content.startswith(b"%PDF")


async def test_a_change_costs_what_its_preview_said(stack: Stack, visitor: Visitor) -> None:
    async with new_shop(stack, "Difference Engines") as shop:
        await shop.call(
            "PATCH",
            f"/v1/organizations/{shop.organization_id}",
            {"subscription_settings": {"proration_behavior": "invoice"}},
        )
        await change_and_compare(shop, visitor)


async def change_and_compare(shop: Shop, visitor: Visitor) -> None:
    """Changes a plan in the portal, and compares the order with the preview."""
    product = await shop.product(MONTHLY, name="Small", recurring_interval="month")
    larger = await shop.product(
        {"amount_type": "fixed", "price_amount": 5900}, name="Large", recurring_interval="month"
    )
    subscription, token = await subscribed(shop, visitor, product)
    page = await open_portal(visitor, token)
    await page.get_by_role("link", name="Manage Small").click()
    await page.get_by_role("button", name="Change the plan").click()
    await page.get_by_label("New plan").select_option(larger["id"])
    due = page.locator("dt", has_text="Due today").locator("..").locator("dd")
    shown = await due.inner_text()
    assert shown != "$0.00"
    await looks_right(page, "change")
    await page.get_by_role("button", name=f"Change and pay {shown}").click()
    await expect(page.get_by_role("heading", level=1, name="Large")).to_be_visible()
    await expect(page.get_by_text("Your subscription is changed.")).to_be_visible()
    orders = await shop.call("GET", f"/v1/orders/?subscription_id={subscription['id']}&sorting=-created_at")
    changed = [order for order in orders["items"] if order["billing_reason"] == "subscription_update"]
    assert len(changed) == 1
    assert changed[0]["status"] == "paid"
    assert shown == f"${(changed[0]['total_amount'] - changed[0]['applied_balance_amount']) / 100:.2f}"
    assert (await shop.call("GET", f"/v1/subscriptions/{subscription['id']}"))["product_id"] == larger["id"]


async def test_cancel_with_a_reason_and_keep_it_after_all(shop: Shop, visitor: Visitor) -> None:
    product = await shop.product(MONTHLY, name="Almanac", recurring_interval="month")
    subscription, token = await subscribed(shop, visitor, product)
    page = await open_portal(visitor, token)
    await page.get_by_role("link", name="Manage Almanac").click()
    await looks_right(page, "subscription")
    await page.get_by_role("button", name="Cancel the subscription").click()
    await page.get_by_label("Why are you canceling?").select_option("too_expensive")
    await page.get_by_label("Comment").fill("Too many pages")
    await looks_right(page, "cancel")
    await page.get_by_role("button", name=re.compile("^Cancel on")).click()
    keep = page.get_by_role("button", name="Keep the subscription")
    await expect(keep).to_be_visible()
    now = await shop.call("GET", f"/v1/subscriptions/{subscription['id']}")
    assert now["cancel_at_period_end"] is True
    assert (now["customer_cancellation_reason"], now["customer_cancellation_comment"]) == (
        "too_expensive",
        "Too many pages",
    )
    await looks_right(page, "canceled")
    await keep.click()
    await expect(page.get_by_role("button", name="Cancel the subscription")).to_be_visible()
    assert (await shop.call("GET", f"/v1/subscriptions/{subscription['id']}"))["cancel_at_period_end"] is False


@pytest.mark.parametrize("number", ["5555555555554444", BANK_ASKS])
async def test_another_card_becomes_the_default(number: str, shop: Shop, visitor: Visitor) -> None:
    product = await shop.product(MONTHLY, name="Gazette", recurring_interval="month")
    _, token = await subscribed(shop, visitor, product)
    page = await open_portal(visitor, token, color_scheme="dark")
    await page.get_by_role("link", name="Payment methods").click()
    await page.get_by_role("button", name="Add a card").click()
    await fill_card(page, number)
    await looks_right(page, "add-card")
    await page.get_by_role("button", name="Save the card").click()
    if number == BANK_ASKS:
        await page.get_by_role("button", name="Complete authentication").click()
    await expect(page.get_by_text("Your card is saved.")).to_be_visible()
    default = page.get_by_role("listitem").filter(has=page.get_by_text("Default", exact=True))
    await expect(default).to_contain_text(number[-4:])
    await page.get_by_role("button", name=re.compile("^Remove Visa ending in 4242")).click()
    await page.get_by_role("button", name="Remove", exact=True).first.click()
    await expect(page.get_by_text("ending in 4242")).to_have_count(0)


async def test_an_ended_session_asks_for_the_code_again(shop: Shop, visitor: Visitor) -> None:
    page = await visitor.visit("/portal?customer_session_token=polar_cst_unknown", viewport=PHONE)
    await expect(page.get_by_text("Your session has ended.")).to_be_visible()
    await looks_right(page, "ended")


async def test_a_failed_renewal_is_paid_with_another_card(stack: Stack, visitor: Visitor) -> None:
    async with new_shop(stack, "Late Engines") as shop:
        now = datetime.now(UTC)
        clock = await shop.call("POST", "/v1/test-clocks/", {"frozen_time": now.isoformat()})
        path = f"/v1/test-clocks/{clock['id']}"
        await settled(shop, path)
        product = await shop.product(MONTHLY, name="Ledger", recurring_interval="month")
        subscription, token = await subscribed(shop, visitor, product)
        page = await open_portal(visitor, token)
        await page.get_by_role("link", name="Payment methods").click()
        await page.get_by_role("button", name="Add a card").click()
        await fill_card(page, CHARGE_FAILS)
        await page.get_by_role("button", name="Save the card").click()
        await expect(page.get_by_text("Your card is saved.")).to_be_visible()
        await shop.call("POST", f"{path}/advance", {"frozen_time": (now + timedelta(days=32)).isoformat()})
        await settled(shop, path)
        assert (await shop.call("GET", f"/v1/subscriptions/{subscription['id']}"))["status"] == "past_due"
        customer = {"customer_id": subscription["customer_id"]}
        session = await shop.call("POST", "/v1/customer-sessions/", customer)
        page = await open_portal(visitor, session["token"])
        await page.get_by_role("link", name="Manage Ledger").click()
        await expect(page.get_by_text("The last payment failed.")).to_be_visible()
        await looks_right(page, "past-due")
        await page.get_by_role("radio", name="Another card").check()
        await fill_card(page, BANK_ASKS)
        await page.get_by_role("button", name=re.compile("^Pay")).click()
        await page.get_by_role("button", name="Complete authentication").click()
        await expect(page.get_by_text("The last payment failed.")).to_have_count(0)
        assert (await shop.call("GET", f"/v1/subscriptions/{subscription['id']}"))["status"] == "active"


async def settled(shop: Shop, path: str) -> None:
    """Waits until a test clock has arrived where it was sent."""
    for _ in range(300):
        if (await shop.call("GET", path))["status"] == "ready":
            return
        await asyncio.sleep(0.1)
    pytest.fail("the test clock does not arrive")
