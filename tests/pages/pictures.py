"""Pictures of the checkout's screens for docs/pages, into the folder that POLAR_PICTURES names.

pytest collects this file by its name alone, beside a stack that `./polar test pages --keep` left running. The tests of
the portal, the consumers' rights and the embed draw their own screens where the folder is named:

    export POLAR_PICTURES=docs/pages POLAR_TEST_STACK=test
    .venv/bin/python -m pytest tests/pages/pictures.py tests/pages/test_{portal,portal_teams,consumer_rights,embed}.py
"""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from playwright.async_api import Page, expect
from polar_cli.stack import Stack
from servicekit.testing import eventually

from tests.pages.drawing import draw
from tests.pages.support import (
    VISA,
    Shop,
    Visitor,
    fill,
    fill_card,
    new_email,
    new_shop,
    paid,
    path_of,
    pay,
    pay_button,
)
from tests.pages.test_afterwards import needs_github
from tests.pages.test_purchases import FIXED, MONTHLY, SEATS, TRIAL

BRANDING = {
    "terms_url": "https://shop.example/terms",
    "privacy_url": "https://shop.example/privacy",
    "support_email": "help@shop.example",
}

Screen = Callable[[Shop, Visitor], Awaitable[Page]]


async def _plan(shop: Shop, visitor: Visitor) -> Page:
    euros = {"price_currency": "eur"}
    about = "Everything you need to **run** an engine, and a person who answers."
    note = {"type": "custom", "description": "A letter every month", "properties": {"note": "Soon."}}
    letter = (await shop.call("POST", "/v1/benefits/", note))["id"]
    small = await shop.product(FIXED, {**FIXED, **euros, "price_amount": 2600}, name="Workshop", **MONTHLY)
    large = await shop.product(
        {**FIXED, "price_amount": 9900}, {**FIXED, **euros, "price_amount": 8900}, name="Factory", description=about,
        benefits=[letter], **MONTHLY,
    )  # fmt: skip
    checkout = await shop.checkout(large, small, currency="usd", return_url="https://shop.example/")
    page = await visitor.visit(path_of(checkout))
    await expect(pay_button(page)).to_be_visible()
    return page


async def _trial(shop: Shop, visitor: Visitor) -> Page:
    product = await shop.product(SEATS, name="Reading room", **TRIAL)
    page = await visitor.visit(path_of(await shop.checkout(product, seats=12)))
    await expect(pay_button(page)).to_be_visible()
    return page


async def _custom(shop: Shop, visitor: Visitor) -> Page:
    price = {"amount_type": "custom", "minimum_amount": 500, "preset_amount": 2000, "price_currency": "eur"}
    checkout = await shop.checkout(await shop.product(price, name="Spende"), currency="eur")
    page = await visitor.visit(path_of(checkout), language="de")
    await expect(page.get_by_role("button", name="20,00 € zahlen")).to_be_visible()
    return page


async def _discount(shop: Shop, visitor: Visitor) -> Page:
    off = {"name": "Spring", "code": "SPRING", "type": "percentage", "basis_points": 2500, "duration": "once"}
    await shop.call("POST", "/v1/discounts/", off)
    page = await visitor.visit(path_of(await shop.checkout(await shop.product(FIXED, **MONTHLY))))
    await page.get_by_role("button", name="Add a discount code").click()
    await page.get_by_label("Discount code").fill("SPRING")
    await page.get_by_role("button", name="Apply").click()
    await expect(page.get_by_text("The discount SPRING is applied")).to_be_visible()
    return page


async def _declined(shop: Shop, visitor: Visitor) -> Page:
    page = await visitor.visit(path_of(await shop.checkout(await shop.product(FIXED))))
    await fill(page, email="ada@example.com", card="4000000000009995")
    await pay(page)
    await expect(page.get_by_role("alert")).to_be_visible()
    return page


async def _errors(shop: Shop, visitor: Visitor) -> Page:
    page = await visitor.visit(path_of(await shop.checkout(await shop.product(FIXED))))
    await pay(page)
    await expect(page.get_by_text("Enter an email address")).to_be_visible()
    return page


async def _usage(shop: Shop, visitor: Visitor) -> Page:
    meter = {"name": "calculations", "filter": {"conjunction": "and", "clauses": []}, "aggregation": {"func": "count"}}
    made = await shop.call("POST", "/v1/meters/", meter)
    usage = {"amount_type": "metered_unit", "meter_id": made["id"], "unit_amount": "0.05"}
    page = await visitor.visit(path_of(await shop.checkout(await shop.product(usage, name="Mill", **MONTHLY))))
    await expect(pay_button(page)).to_be_visible()
    return page


async def _us(shop: Shop, visitor: Visitor) -> Page:
    page = await visitor.visit(path_of(await shop.checkout(await shop.product(FIXED))), locale="en-US")
    await page.get_by_label("I buy as a business").check()
    await expect(page.get_by_label("ZIP code")).to_be_visible()
    await expect(pay_button(page)).to_be_visible()
    return page


async def _bank(shop: Shop, visitor: Visitor) -> Page:
    page = await visitor.visit(path_of(await shop.checkout(await shop.product(FIXED))))
    await fill(page, email="ada@example.com", card="4000002760003184")
    await pay(page)
    await expect(page.get_by_role("button", name="Complete authentication")).to_be_visible()
    await page.reload()
    await expect(page.get_by_text("Your bank asks you to confirm this payment.")).to_be_visible()
    return page


async def _subscribed(shop: Shop, visitor: Visitor) -> Page:
    product, email = await shop.product(FIXED, **MONTHLY), new_email()
    first = await shop.checkout(product, customer_email=email)
    body = {"client_secret": first["client_secret"], "confirmation_token_id": "pm_card_visa"}
    await shop.call("POST", f"/v1/checkouts/{first['id']}/confirm", body)
    path = f"/v1/subscriptions/?product_id={product['id']}"
    await eventually(lambda: shop.call("GET", path), until=lambda found: found["items"])
    page = await visitor.visit(path_of(await shop.checkout(product)))
    await fill(page, email=email)
    await pay(page)
    await expect(page.get_by_role("link", name="Sign in to manage it")).to_be_visible()
    return page


async def _done(shop: Shop, visitor: Visitor) -> Page:
    key = {"type": "license_keys", "description": "License of the engine", "properties": {"prefix": "ENGINE"}}
    made = await shop.call("POST", "/v1/benefits/", key)
    product = await shop.product(FIXED, name="Workshop", benefits=[made["id"]], **MONTHLY)
    checkout = await shop.checkout(product, return_url="https://shop.example/")
    page = await visitor.visit(path_of(checkout), answers={"**/v1/checkouts/client/*/benefits?*": needs_github})
    await fill(page, email=f"ada+{checkout['id'][-6:]}@example.com")
    await fill_card(page, VISA)
    await pay(page)
    await paid(page)
    await expect(page.get_by_text("Your order is ready")).to_be_visible()
    await expect(page.get_by_role("button", name="Connect GitHub")).to_be_visible()
    return page


async def _unknown(_: Shop, visitor: Visitor) -> Page:
    page = await visitor.visit("/checkout/polar_c_none")
    await expect(page.get_by_role("heading")).to_be_visible()
    return page


async def _unreachable(shop: Shop, visitor: Visitor) -> Page:
    def away(route: Any) -> Any:
        return route.fulfill(status=503, body="{}")

    checkout = await shop.checkout(await shop.product(FIXED))
    page = await visitor.visit(path_of(checkout), answers={"**/v1/checkouts/client/*": away})
    await expect(page.get_by_role("button", name="Try again")).to_be_visible()
    return page


async def _loading(shop: Shop, visitor: Visitor) -> Page:
    page = await visitor.visit(
        path_of(await shop.checkout(await shop.product(FIXED))), answers={"**/v1/checkouts/client/*": lambda _: None}
    )
    await expect(page.get_by_text("Loading your checkout")).to_be_attached()
    return page


SCREENS: dict[str, Screen] = {
    "plan": _plan, "trial": _trial, "custom": _custom, "discount": _discount, "declined": _declined, "errors": _errors,
    "us": _us, "usage": _usage, "bank": _bank, "subscribed": _subscribed, "done": _done, "unknown": _unknown,
    "unreachable": _unreachable, "loading": _loading,
}  # fmt: skip


@pytest.mark.parametrize("name", SCREENS)
async def test_picture(name: str, stack: Stack, visitor: Visitor) -> None:
    async with new_shop(stack, "Analytical Engines") as shop:
        await shop.call("PATCH", f"/v1/organizations/{shop.organization_id}", {"branding": BRANDING})
        await draw(await SCREENS[name](shop, visitor), f"checkout/{name}")
    visitor.faults = []
