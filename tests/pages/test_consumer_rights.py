"""Consumers' rights in the browser: the consent at the checkout, withdrawing, and cancelling; none with a login."""

import re
from email import message_from_bytes, policy
from typing import Any

import pytest
from playwright.async_api import Page, expect
from polar_cli.stack import Stack
from servicekit.testing import eventually

from tests.pages.drawing import draw
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
)

HANDBOOK = {"amount_type": "fixed", "price_amount": 2900}


async def looks_right(page: Page, name: str) -> None:
    """Raises `AssertionError` where axe finds a fault, or the screen scrolls sideways."""
    await ensure_accessible(page)
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await draw(page, f"rights/{name}")


async def mailed(stack: Stack, mailbox: str, subject: str) -> Any:
    """The latest mail to an address whose subject has a text."""

    async def look() -> Any:
        files = sorted((stack.folder / "mails").glob("*.eml"), key=lambda path: path.stat().st_mtime)
        messages = [message_from_bytes(path.read_bytes(), policy=policy.default) for path in reversed(files)]
        return next((one for one in messages if mailbox in one["To"] and subject in one["Subject"]), None)

    return await eventually(look, seconds=30, what=f"{subject!r} to {mailbox}")


def text_of(message: Any) -> str:
    """The text part of a mail."""
    return str(message.get_body(("plain",)).get_content())


def link_in(message: Any, page: str) -> str:
    """The address of one of our pages in a mail, without the host."""
    found = re.search(rf"https?://[^/\s]+(/[a-z0-9-]+/{page}\S*)", text_of(message))
    assert found, text_of(message)
    return found[1]


async def bought(shop: Shop, visitor: Visitor, product: Any, **options: Any) -> tuple[str, Any, Page]:
    """Buys a product in the browser. Returns the address, the order and the page that confirms it."""
    mailbox = new_email()
    checkout = await shop.checkout(product)
    page = await visitor.visit(path_of(checkout), **options)
    await fill(page, email=mailbox)
    await pay(page)
    await paid(page)
    return mailbox, await shop.order((await shop.status(checkout))["order_id"]), page


async def test_the_consent_is_asked_for_kept_and_repeated(stack: Stack, shop: Shop, visitor: Visitor) -> None:
    checkout = await shop.checkout(await shop.product(HANDBOOK))
    page = await visitor.visit(path_of(checkout), viewport=PHONE)
    mailbox = new_email()
    await fill(page, email=mailbox)
    box = page.get_by_label(re.compile("^I agree that .* delivers at once"))
    await expect(box).not_to_be_checked()
    await pay_button(page).click()
    await expect(page.get_by_text("Tick this box to go on")).to_be_visible()
    await expect(box).to_be_focused()
    await looks_right(page, "checkout-consent")
    await page.get_by_label("Country").select_option("US")
    await expect(box).to_have_count(0)
    await page.get_by_label("Country").select_option("DE")
    await expect(box).to_be_visible()
    await pay(page)
    await paid(page)
    await expect(page.get_by_role("link", name="Withdraw from contract here")).to_have_count(0)
    order = await shop.order((await shop.status(checkout))["order_id"])
    consent = order["immediate_delivery_consent"]
    assert (consent["wording"], consent["country"], consent["locale"]) == ("2026-12-01", "DE", "en")
    assert "lose your right of withdrawal by that" in text_of(await mailed(stack, mailbox, "receipt"))


@pytest.mark.parametrize("language", ["en", "de"])
async def test_a_subscription_is_withdrawn_from_in_two_steps(
    stack: Stack, shop: Shop, visitor: Visitor, language: str
) -> None:
    product = await shop.product(HANDBOOK, name="Letters", recurring_interval="month")
    mailbox, order, page = await bought(shop, visitor, product)
    await expect(page.get_by_role("link", name="Cancel contracts here")).to_be_visible()
    address = link_in(await mailed(stack, mailbox, "receipt"), "withdraw").replace("&locale=en", "")
    page = await visitor.visit(address, viewport=PHONE, language=language)
    words = {
        "en": ["Withdraw from contract here", "Order number", "Email", "Name", "Continue", "Six-digit code",
               "Confirm withdrawal", "You have withdrawn from the contract"],
        "de": ["Vertrag widerrufen", "Bestellnummer", "E-Mail", "Name", "Weiter", "Sechsstelliger Code",
               "Widerruf best\u00e4tigen", "Sie haben den Vertrag widerrufen"],
    }[language]  # fmt: skip
    title, number, email, name, go_on, code, confirm, done = words
    await expect(page.get_by_role("heading", level=1, name=title)).to_be_visible()
    await expect(page.get_by_label(number)).to_have_value(order["invoice_number"])
    await looks_right(page, f"withdraw-order-{language}")
    await page.get_by_label(email).fill(mailbox)
    await page.get_by_label(name).fill("Ada Lovelace")
    await page.get_by_role("button", name=go_on).click()
    await expect(page.get_by_label(code)).to_have_attribute("autocomplete", "one-time-code")
    given = (await mailed(stack, mailbox, "to withdraw from order"))["Subject"][:6]
    await page.get_by_label(code).fill("000000" if given != "000000" else "111111")
    await page.get_by_role("button", name=confirm).click()
    await expect(page.locator("[aria-invalid=true]")).to_be_visible()
    await looks_right(page, f"withdraw-code-{language}")
    await page.get_by_label(code).fill(given)
    await page.get_by_role("button", name=confirm).click()
    await expect(page.get_by_role("heading", level=1, name=done)).to_be_visible()
    await looks_right(page, f"withdraw-done-{language}")
    receipt = text_of(await mailed(stack, mailbox, "Your withdrawal from order"))
    assert order["invoice_number"] in receipt
    assert "Ada Lovelace" in receipt
    subscription = await shop.call("GET", f"/v1/subscriptions/{order['subscription_id']}")
    assert subscription["ended_at"] is not None
    after = await shop.order(order["id"])
    assert after["refunded_amount"] + after["refunded_tax_amount"] > 0


async def test_a_contract_is_canceled_at_its_end_and_then_at_once(stack: Stack, shop: Shop, visitor: Visitor) -> None:
    product = await shop.product(HANDBOOK, name="Notes", recurring_interval="month")
    mailbox, order, page = await bought(shop, visitor, product)
    await page.get_by_role("link", name="Cancel contracts here").click()
    await expect(page.get_by_role("heading", level=1, name="Cancel contracts here")).to_be_visible()
    await expect(page.get_by_label("Order number or contract number")).to_have_value(order["invoice_number"])
    await declare(page, mailbox)
    await looks_right(page, "cancel-check")
    await page.get_by_role("button", name="Cancel now").click()
    await expect(page.get_by_role("heading", level=1, name="Your cancellation was received")).to_be_visible()
    await looks_right(page, "cancel-done")
    receipt = text_of(await mailed(stack, mailbox, "Your cancellation of Notes"))
    assert "take the cancellation back" in receipt
    path = f"/v1/subscriptions/{order['subscription_id']}"
    assert (await shop.call("GET", path))["cancel_at_period_end"] is True

    slug = (await shop.call("GET", f"/v1/organizations/{shop.organization_id}"))["slug"]
    page = await visitor.visit(f"/{slug}/cancel?order={order['invoice_number']}", viewport=PHONE)
    await page.get_by_label("At once, for an important cause").check()
    await page.get_by_label("Cause", exact=True).fill("The notes never came.")
    await looks_right(page, "cancel-details")
    await declare(page, mailbox)
    await page.get_by_role("button", name="Cancel now").click()
    address = link_in(await mailed(stack, mailbox, "Confirm that Notes ends now"), "cancel")
    page = await visitor.visit(address, viewport=PHONE, language="")
    await expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert "#" not in page.url
    await looks_right(page, "cancel-link")
    await page.locator("main button").click()
    await expect(page.get_by_text("Notes")).to_be_visible()
    await looks_right(page, "cancel-ended")
    assert (await shop.call("GET", path))["ended_at"] is not None


async def declare(page: Page, mailbox: str) -> None:
    """Fills in who cancels, and goes on to the check."""
    await page.get_by_label("Email").fill(mailbox)
    await page.get_by_label("Name").fill("Ada Lovelace")
    await page.get_by_role("button", name="Continue").click()
    await expect(page.get_by_role("heading", level=1, name="Check your cancellation")).to_be_visible()


async def test_a_shop_that_is_not_there_or_offers_neither(stack: Stack, visitor: Visitor) -> None:
    off = {"enabled": False}
    async with new_shop(stack, "No Returns") as shop:
        changes = {"consumer_rights": {"withdrawal": off, "cancellation": off}}
        slug = (await shop.call("PATCH", f"/v1/organizations/{shop.organization_id}", changes))["slug"]
        public = f"/v1/customer-portal/organizations/{slug}"

        async def is_told() -> bool:
            answer = await shop.api.get(public)
            rights = answer.json().get("organization", {}).get("consumer_rights", {})
            return rights.get("withdrawal", {}).get("enabled") is False

        await eventually(is_told, seconds=30, what="the setting at the checkout")
        for name in ("withdraw", "cancel"):
            page = await visitor.visit(f"/{slug}/{name}", viewport=PHONE)
            await expect(page.get_by_text("does not offer this")).to_be_visible()
            await looks_right(page, f"{name}-off")
    page = await visitor.visit("/nobody-has-this-slug/withdraw", viewport=PHONE)
    await expect(page.get_by_text("There is no such shop")).to_be_visible()
    await looks_right(page, "unknown-shop")
