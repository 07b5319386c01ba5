"""A shop whose checkouts are opened in a browser, and what a buyer does on them."""

import os
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from playwright.async_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Frame,
    FrameLocator,
    Page,
    Request,
    Route,
    expect,
)
from polar_cli.pages import CLIENTS
from polar_cli.stack import Stack
from servicekit.testing import eventually

VISA = "4242424242424242"
AXE = CLIENTS / "apps" / "web" / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
"""What axe looks for: WCAG 2.2 AA, and good practice beyond it."""
PHONE = {"width": 390, "height": 844}
PATIENCE_MS = 60_000
"""How long a page is waited for: a busy machine is slow, and a page that is right shows it much sooner."""
expect.set_options(timeout=PATIENCE_MS)


@dataclass
class Shop:
    """An organization that sells, through the public API."""

    api: httpx.AsyncClient
    organization_id: str

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        """One request that must succeed."""
        answer = await self.api.request(method, path, json=body)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    async def product(self, *prices: dict[str, Any], benefits: list[str] | None = None, **fields: Any) -> Any:
        """A product; `fields` as the API takes them."""
        named = {"name": "Handbook", **fields, "prices": [{"price_currency": "usd", **price} for price in prices]}
        product = await self.call("POST", "/v1/products/", named)
        if benefits:
            await self.call("POST", f"/v1/products/{product['id']}/benefits", {"benefits": benefits})
        return product

    async def checkout(self, *products: Any, **fields: Any) -> Any:
        """An open checkout."""
        return await self.call("POST", "/v1/checkouts/", {"products": [one["id"] for one in products], **fields})

    async def status(self, checkout: Any) -> Any:
        """A checkout as it is now."""
        return await self.call("GET", f"/v1/checkouts/{checkout['id']}")

    async def order(self, order_id: str) -> Any:
        """The order of a paid checkout; billing creates it a moment after the payment."""
        path = f"/v1/orders/{order_id}"
        answer = await eventually(lambda: self.api.get(path), until=lambda answer: answer.status_code == 200)
        return answer.json()

    async def payments(self, checkout: Any) -> list[Any]:
        """The payments of a paid checkout, once billing has its order."""
        await self.order((await self.status(checkout))["order_id"])
        return list((await self.call("GET", f"/v1/payments/?checkout_id={checkout['id']}"))["items"])


@asynccontextmanager
async def new_shop(stack: Stack, name: str) -> AsyncIterator[Shop]:
    """A new organization in test mode."""
    created = stack.create_organization(name, f"shop-{os.urandom(4).hex()}", is_test=True)
    headers = {"Authorization": f"Bearer {created['access_token']}", "Polar-Version": "2026-10"}
    async with httpx.AsyncClient(base_url=stack.url, headers=headers, timeout=60) as api:
        yield Shop(api, created["organization_id"])


@dataclass
class Visitor:
    """Opens pages in a browser, and notes what no page may do: log an error, or ask another host."""

    browser: Browser
    url: str
    contexts: list[BrowserContext] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    site: str = ""
    """The address of a seller's own site, which may be asked too."""

    async def visit(
        self,
        address: str,
        *,
        locale: str = "de-AT",
        language: str = "en",
        answers: dict[str, Callable[[Route], Any]] | None = None,
        before: Callable[[Page], Awaitable[None]] | None = None,
        **options: Any,
    ) -> Page:
        """A page in a window of its own. The country that it begins with is the one of `locale`.

        `answers` has what is answered in the place of the server, by the pattern of the address; `before` is called
        before anything is loaded.
        """
        context = await self.browser.new_context(locale=locale, **options)
        self.contexts.append(context)
        page = await context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.faults.append(f"error on {page.url}: {error}"))
        page.on("request", self._asked)
        for pattern, answer in (answers or {}).items():
            await page.route(pattern, answer)
        if before is not None:
            await before(page)
        mark = "&" if "?" in address else "?"
        whole = address if address.startswith("http") else f"{self.url}{address}"
        await page.goto(f"{whole}{mark}locale={language}" if language else whole)
        return page

    def _heard(self, message: ConsoleMessage) -> None:
        # The browser logs each refusal of the API as a failed load; those are answers that the page shows.
        is_answer = message.text.startswith("Failed to load resource") and "/v1/" in message.location.get("url", "")
        if message.type in ("error", "warning") and not is_answer:
            self.faults.append(f"{message.type}: {message.text} ({message.location.get('url', '')})")

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((f"{self.url}/", f"{self.site or self.url}/", "data:", "blob:")):
            self.faults.append(f"asked {request.url}")

    async def close(self) -> None:
        """Closes the windows."""
        while self.contexts:
            await self.contexts.pop().close()


def path_of(checkout: Any) -> str:
    """The address of a checkout's page, without the host."""
    return f"/checkout/{checkout['client_secret']}"


def new_email() -> str:
    """An address that nobody has bought with."""
    return f"ada.{os.urandom(5).hex()}@example.com"


async def fill_card(page: Page | FrameLocator, number: str = VISA) -> None:
    """Types a card into the frame."""
    frame = page.frame_locator('iframe[title="Secure payment input frame"]')
    await frame.get_by_label("Card number").fill(number)
    await frame.get_by_label("Expiration date").fill("12/34")
    await frame.get_by_label("Security code").fill("123")


async def fill(page: Page | FrameLocator, *, email: str = "", card: str | None = VISA) -> None:
    """Says who buys, and with which card; None where no card is asked for."""
    await page.get_by_label("Email", exact=True).fill(email or new_email())
    if card is not None:
        await fill_card(page, card)
        await page.get_by_label("Cardholder name").fill("Ada Lovelace")


def pay_button(page: Page | FrameLocator) -> Any:
    """The button that pays, once it can be pressed."""
    return page.locator('button[type=submit]:not([aria-disabled]):text-matches("^(Pay|Subscribe|Start|Get)")')


async def consent(page: Page | FrameLocator) -> None:
    """Agrees to delivery at once where the page asks for it: in the country that tests begin with, it does."""
    box = page.locator("#immediate_delivery_consent")
    if await box.count():
        await box.check()


async def pay(page: Page | FrameLocator) -> str:
    """Presses the button that pays. Returns what it said."""
    button = pay_button(page)
    text: str = await button.inner_text()
    await consent(page)
    await button.click()
    return text


async def paid(page: Page) -> None:
    """Waits for the page that says so."""
    await page.wait_for_url(re.compile("/confirmation"))
    await expect(page.get_by_role("heading", name=re.compile("^(Thank you|Your free trial)"))).to_be_visible()


async def ensure_accessible(page: Page | Frame) -> None:
    """Raises `AssertionError` with what axe finds wrong with a page as it is now; the card form's frame is Stripe's."""
    await page.evaluate(AXE.read_text())
    found = await page.evaluate(
        """(rules) => axe.run(document, { runOnly: rules, iframes: false, resultTypes: ['violations'] })""", RULES
    )
    faults = [
        f"{one['id']}: {node['target']} {node['failureSummary']}"
        for one in found["violations"]
        for node in one["nodes"]
    ]
    assert not faults, "\n".join(faults)
