"""A checkout inside a seller's own page: the examples of clients/examples, opened from another origin."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web
from playwright.async_api import Frame, FrameLocator, Page, expect
from polar_cli.pages import CLIENTS
from polar_cli.stack import Stack
from servicekit.testing import eventually

from tests.pages.drawing import draw
from tests.pages.support import PHONE, Shop, Visitor, ensure_accessible, fill, new_shop, pay

EXAMPLES = CLIENTS / "examples" / "embed"
FIXED = {"amount_type": "fixed", "price_amount": 2900}
BANK_ASKS = "4000002760003184"
LOCALE = "en-IE"


@dataclass
class Site:
    """A seller's web server: the examples, with the installation's address in the place of the one in the files."""

    shop: Shop
    product: Any
    link: Any
    polar: str
    port: int = 0
    fields: dict[str, Any] = field(default_factory=dict)
    """What the next checkouts are created with."""
    created: list[Any] = field(default_factory=list)

    @property
    def origin(self) -> str:
        """The origin that the checkouts name."""
        return f"http://localhost:{self.port}"

    @property
    def stranger(self) -> str:
        """The same pages under an origin that no checkout names."""
        return f"http://127.0.0.1:{self.port}"

    async def page(self, request: web.Request) -> web.Response:
        """One of the examples."""
        path = EXAMPLES / request.match_info["name"]
        text = path.read_text().replace("https://polar.example.com", self.polar)
        text = text.replace("polar_cl_example", self.link["client_secret"])
        return web.Response(text=text, content_type="text/css" if path.suffix == ".css" else "text/html")

    async def checkout(self, _: web.Request) -> web.Response:
        """What a seller's server does when a buyer presses the button."""
        fields = {"embed_origin": self.origin, **self.fields}
        self.created.append(await self.shop.checkout(self.product, **fields))
        return web.json_response({"url": self.created[-1]["url"]})

    async def thanks(self, _: web.Request) -> web.Response:
        """The seller's page after a purchase."""
        html = '<link rel="icon" href="data:,"><title>Thanks</title><h1>Thanks from the shop</h1>'
        return web.Response(text=html, content_type="text/html")


@pytest.fixture(scope="module")
async def site(stack: Stack) -> AsyncIterator[Site]:
    async with new_shop(stack, "Analytical Engines") as shop:
        product = await shop.product(FIXED, description="Everything in one place.")
        site = Site(shop, product, None, stack.url)
        application = web.Application()
        application.router.add_get("/thanks", site.thanks)
        application.router.add_post("/checkout", site.checkout)
        application.router.add_get("/{name:(?:modal|inline)\\.html|shop\\.css}", site.page)
        runner = web.AppRunner(application)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        site.port = runner.addresses[0][1]
        # Whoever follows a link names its origin; the seller lists the hosts that may be named.
        hosts = {"embed_hosts": [f"localhost:{site.port}"]}
        await shop.call("PATCH", f"/v1/organizations/{shop.organization_id}", hosts)
        link = {"products": [product["id"]], "success_url": f"{site.origin}/thanks"}
        site.link = await shop.call("POST", "/v1/checkout-links/", link)
        other = {"products": [product["id"]], "embed_origin": "https://other.example"}

        async def is_known() -> bool:
            return (await shop.api.post("/v1/checkouts/", json=other)).status_code == 422

        await eventually(is_known)
        yield site
        await runner.cleanup()


async def _opened(page: Page) -> tuple[FrameLocator, Frame]:
    """The checkout in its frame, once it is drawn."""
    frame = page.frame_locator("iframe")
    await expect(frame.get_by_role("heading", name="Handbook")).to_be_visible()
    handle = await page.locator("iframe").element_handle()
    inner = await handle.content_frame()
    assert inner is not None
    return frame, inner


async def test_a_link_sells_in_a_modal_and_the_shop_thanks(site: Site, visitor: Visitor) -> None:
    visitor.site = site.origin
    page = await visitor.visit(f"{site.origin}/modal.html", locale=LOCALE, language="", viewport=PHONE)
    await page.evaluate("document.body.style.minHeight = '3000px'; scrollTo(0, 40)")
    trigger = page.get_by_role("link", name="Buy the handbook")
    before = await trigger.bounding_box()
    await trigger.click()
    dialog = page.get_by_role("dialog", name="Checkout")
    frame, inner = await _opened(page)
    assert f"embed_origin=http%3A%2F%2Flocalhost%3A{site.port}" in inner.url
    await ensure_accessible(page)
    await ensure_accessible(inner)
    await draw(page, "embed/modal", is_whole=False, looks=["light"])
    # The page behind it neither scrolls nor takes the focus, however often the key is pressed.
    await page.mouse.wheel(0, 500)
    for _ in range(30):
        await page.keyboard.press("Tab")
        assert await page.evaluate("['IFRAME', 'DIALOG', 'BODY'].includes(document.activeElement.tagName)")
    assert await page.evaluate("scrollY") == 40
    await frame.get_by_label("Email", exact=True).press("Escape")
    await expect(dialog).to_have_count(0)
    await expect(trigger).to_be_focused()
    assert await page.evaluate("document.documentElement.style.overflow") == ""
    assert await trigger.bounding_box() == before
    await page.keyboard.press("Enter")
    frame, _ = await _opened(page)
    await fill(frame)
    await pay(frame)
    await page.wait_for_url(f"{site.origin}/thanks")


async def test_a_purchase_with_3d_secure_is_announced_and_the_page_stays(site: Site, visitor: Visitor) -> None:
    visitor.site = site.origin
    site.fields = {"success_url": f"{site.origin}/thanks"}
    page = await visitor.visit(f"{site.origin}/modal.html", locale=LOCALE, language="")
    await page.get_by_role("button", name="Buy and stay here").click()
    frame, inner = await _opened(page)
    await ensure_accessible(page)
    await ensure_accessible(inner)
    await fill(frame, card=BANK_ASKS)
    await pay(frame)
    await frame.get_by_role("button", name="Fail authentication").click()
    await expect(frame.get_by_text("Your bank could not confirm that it is you.")).to_be_visible()
    await pay(frame)
    # While the bank is asked nothing closes it, neither from inside nor from the page around.
    await expect(frame.get_by_role("button", name="Complete authentication")).to_be_visible()
    await page.evaluate("document.querySelector('dialog').dispatchEvent(new Event('cancel', { cancelable: true }))")
    await expect(page.get_by_role("dialog", name="Checkout")).to_be_visible()
    await frame.get_by_role("button", name="Complete authentication").click()
    bought = site.created[-1]["id"]
    await expect(page.locator("#result")).to_have_text(f"Thank you! Checkout {bought} is paid.")
    await expect(frame.get_by_role("heading", name="Thank you for your order")).to_be_visible()
    await ensure_accessible(inner)
    await frame.get_by_role("button", name="Close").click()
    await expect(page.get_by_role("dialog")).to_have_count(0)
    assert page.url == f"{site.origin}/modal.html"
    assert (await site.shop.status(site.created[-1]))["status"] == "succeeded"


async def test_a_stranger_shows_nothing_and_reads_why(site: Site, visitor: Visitor) -> None:
    page = await visitor.visit(f"{site.stranger}/modal.html", locale=LOCALE, language="")
    loaded: list[str] = []
    page.on("request", lambda request: loaded.append(request.url) if "/assets/" in request.url else None)
    async with page.expect_console_message(lambda message: message.text.startswith("Polar: ")) as caught:
        await page.get_by_role("link", name="Buy the handbook").click()
        await expect(page.get_by_role("dialog", name="Checkout")).to_be_visible()
    text = (await caught.value).text
    assert site.stranger in text
    assert "embed_hosts" in text
    await expect(page.get_by_role("dialog")).to_have_count(0)
    assert loaded == [], "the refused page ran"
    # The browser's own words for it, and ours; nothing else went wrong.
    rest = [fault for fault in visitor.faults if not re.search(r"frame-ancestors|Polar: |^asked http://127", fault)]
    assert rest == []
    visitor.faults = []


async def test_a_checkout_inline_is_as_high_as_its_content(site: Site, visitor: Visitor) -> None:
    visitor.site = site.origin
    site.fields = {}
    page = await visitor.visit(f"{site.origin}/inline.html", locale=LOCALE, language="", viewport=PHONE)
    frame, inner = await _opened(page)

    async def rest() -> int:
        content: int = await inner.evaluate("document.documentElement.scrollHeight - innerHeight")
        return content

    await eventually(rest, until=lambda pixels: pixels == 0)
    await draw(page, "embed/inline", looks=["light"])
    await frame.get_by_role("button", name="Show details").click()
    await eventually(rest, until=lambda pixels: pixels == 0)
    await expect(frame.get_by_role("button", name="Close")).to_have_count(0)
    await ensure_accessible(inner)
    await fill(frame)
    await pay(frame)
    await expect(page.locator("#result")).to_have_text("Thank you!")
    await expect(frame.get_by_role("heading", name="Thank you for your order")).to_be_visible()
    assert page.url == f"{site.origin}/inline.html"


def test_the_guide_shows_what_is_tested_here() -> None:
    guide = (CLIENTS.parent / "docs" / "guides" / "embedding-the-checkout.md").read_text()
    example = " ".join((EXAMPLES / "modal.html").read_text().split())
    block = re.findall(r"^```html\n(.*?)^```", guide, re.DOTALL | re.M)[0]
    lines = re.findall(r"<(?:a|script)\b.*?</(?:a|script)>", " ".join(block.split()))
    assert len(lines) == 2
    for line in lines:
        assert line in example
