"""The portal in a browser: opened by a session's link, looked at, and entered with a mailed code."""

import asyncio
import re
from email import message_from_bytes, policy
from typing import Any

import pytest
from playwright.async_api import Page, expect
from polar_cli.stack import Stack
from servicekit.testing import eventually

from tests.pages.drawing import draw
from tests.pages.support import PHONE, Shop, Visitor, ensure_accessible, fill, new_email, paid, path_of, pay


async def looks_right(page: Page, name: str) -> None:
    """Raises `AssertionError` where axe finds a fault, or the screen scrolls sideways."""
    await expect(page.get_by_role("status").filter(has_text="Loading")).to_have_count(0)
    await ensure_accessible(page)
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await draw(page, f"portal/{name}")


async def subscribed(shop: Shop, visitor: Visitor, product: Any) -> tuple[Any, str]:
    """Buys a product in the browser. Returns the subscription, and a new session's token."""
    checkout = await shop.checkout(product)
    page = await visitor.visit(path_of(checkout))
    await fill(page, email=new_email())
    await pay(page)
    await paid(page)
    bought = await shop.status(checkout)
    await shop.order(bought["order_id"])
    token = await portal_token(shop, bought["customer_id"])
    subscription = await shop.call("GET", f"/v1/subscriptions/{bought['subscription_id']}")
    return subscription, token


async def open_portal(visitor: Visitor, token: str, **options: Any) -> Page:
    """The portal on a phone, by a session's link."""
    page = await visitor.visit(f"/portal?customer_session_token={token}", viewport=PHONE, **options)
    await expect(page.get_by_role("heading", level=1, name="Your purchases")).to_be_visible()
    return page


async def mailed_code(stack: Stack, email: str) -> str:
    """The code in the latest mail to an address."""

    for _ in range(100):
        for path in sorted((stack.folder / "mails").glob("*.eml"), key=lambda path: path.stat().st_mtime, reverse=True):
            mail = message_from_bytes(path.read_bytes(), policy=policy.default)
            if mail["to"] != email:
                continue
            body = mail.get_body(("plain",))
            found = re.search(r"\b(\d{6})\b", body.get_content() if body else "")
            if found:
                return found[1]
        await asyncio.sleep(0.2)
    pytest.fail(f"no code was mailed to {email}")


async def sold(shop: Shop, product: Any, email: str, **fields: Any) -> Any:
    """A purchase without a browser: the checkout, confirmed with a card."""
    checkout = await shop.checkout(product, **fields)
    body = {"customer_email": email, "customer_billing_address": {"country": "AT"}}
    card = {"confirmation_token_id": "pm_card_visa"}
    await shop.call("POST", f"/v1/checkouts/client/{checkout['client_secret']}/confirm", {**body, **card})
    return await shop.status(checkout)


async def portal_token(shop: Shop, customer_id: str, **wish: Any) -> str:
    """The token of a new session; the customer, or the member, may be a moment old."""

    async def opened() -> str | None:
        answer = await shop.api.post("/v1/customer-sessions/", json={"customer_id": customer_id, **wish})
        return answer.json()["token"] if answer.status_code == 201 else None

    return str(await eventually(opened, what="a session in the portal"))


async def sign_in(stack: Stack, page: Page, email: str) -> None:
    """Signs in with the mailed code."""
    await page.get_by_label("Email").fill(email)
    await page.get_by_role("button", name="Send the code").click()
    await page.get_by_label("Six-digit code").fill(await mailed_code(stack, email))
    await page.get_by_role("button", name="Sign in").click()
