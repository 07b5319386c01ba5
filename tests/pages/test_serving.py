"""How the gateway serves the pages: their policy, who may frame them, what is cached, and what is not found."""

from collections.abc import AsyncIterator

import httpx
import pytest
from aiohttp import web
from playwright.async_api import Browser, expect
from polar_cli.stack import Stack
from servicekit.testing import eventually

from tests.pages.support import Shop, Visitor, path_of

FIXED = {"amount_type": "fixed", "price_amount": 2900}


@pytest.fixture(scope="module")
async def gateway(stack: Stack) -> AsyncIterator[httpx.AsyncClient]:
    """Asks the gateway as a browser does."""
    async with httpx.AsyncClient(base_url=stack.url, headers={"Accept": "text/html"}) as client:
        yield client


def _policy(answer: httpx.Response) -> dict[str, str]:
    parts = [part.strip().partition(" ") for part in answer.headers["Content-Security-Policy"].split(";")]
    return {name: value for name, _, value in parts}


async def test_a_checkout_allows_no_script_but_its_own(gateway: httpx.AsyncClient, shop: Shop) -> None:
    checkout = await shop.checkout(await shop.product(FIXED))
    answer = await gateway.get(path_of(checkout))
    assert answer.status_code == 200
    policy = _policy(answer)
    assert (policy["default-src"], policy["script-src"], policy["style-src"]) == ("'none'", "'self'", "'self'")
    assert policy["frame-ancestors"] == "'none'"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-cache"
    assert "noindex" in answer.headers["X-Robots-Tag"]


@pytest.mark.parametrize(
    "way", ["/..%2f..%2fportal", "/..%2f..%2facme%2fportal", "/%2e%2e/%2e%2e/portal", "/../../portal"]
)
async def test_no_checkout_s_frame_shows_the_portal(stack: Stack, shop: Shop, way: str) -> None:
    """Whoever may frame a checkout of their own puts its address before the portal's: the path is the portal's."""
    checkout = await shop.checkout(await shop.product(FIXED), embed_origin="https://attacker.example")
    async with httpx.AsyncClient(headers={"Accept": "text/html"}) as client:
        own = await client.get(f"{stack.url}{path_of(checkout)}/")
        assert _policy(own)["frame-ancestors"] == "https://attacker.example"
        request = client.build_request("GET", stack.url)
        request.url = request.url.copy_with(raw_path=f"{path_of(checkout)}{way}".encode())
        answer = await client.send(request)
    assert _policy(answer)["frame-ancestors"] == "'none'"


async def test_a_checkout_is_framed_by_its_own_origin_alone(
    shop: Shop, stack: Stack, browser: Browser, gateway: httpx.AsyncClient
) -> None:
    framing = web.Application()
    runner = web.AppRunner(framing)
    html = ""

    async def frame(_: web.Request) -> web.Response:
        return web.Response(text=html, content_type="text/html")

    framing.router.add_get("/", frame)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    checkout = await shop.checkout(await shop.product(FIXED), embed_origin=f"http://localhost:{port}")
    html = f'<iframe src="{stack.url}{path_of(checkout)}?locale=en" width="600" height="900"></iframe>'
    policy = _policy(await gateway.get(path_of(checkout)))
    assert policy["frame-ancestors"] == f"http://localhost:{port}"
    context = await browser.new_context(locale="de-AT")
    page = await context.new_page()
    refused: list[str] = []
    page.on("console", lambda message: refused.append(message.text) if "frame-ancestors" in message.text else None)
    await page.goto(f"http://localhost:{port}/")
    await expect(page.frame_locator("iframe").get_by_role("heading", name="Handbook")).to_be_visible()
    assert refused == []
    # The same page under another name is a stranger's.
    await page.goto(f"http://127.0.0.1:{port}/")

    async def said() -> list[str]:
        return refused

    await eventually(said, seconds=10)
    await context.close()
    await runner.cleanup()


async def test_assets_are_compressed_and_kept_for_ever(gateway: httpx.AsyncClient) -> None:
    page = (await gateway.get("/checkout/polar_c_none")).text
    name = page.partition('src="')[2].partition('"')[0]
    answer = await gateway.get(name, headers={"Accept-Encoding": "gzip"})
    assert answer.status_code == 200
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"


async def test_the_script_of_sellers_pages_is_kept_for_minutes(gateway: httpx.AsyncClient) -> None:
    answer = await gateway.get("/embed.js", headers={"Accept-Encoding": "gzip"})
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/javascript")
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.headers["Cache-Control"] == "public, max-age=300"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    again = await gateway.get("/embed.js", headers={"If-Modified-Since": answer.headers["Last-Modified"]})
    assert again.status_code == 304


@pytest.mark.parametrize("path", ["/nothing-here", "/assets/none.js", "/docs/none"])
async def test_people_get_a_page_that_is_not_found(path: str, gateway: httpx.AsyncClient) -> None:
    answer = await gateway.get(path)
    assert (answer.status_code, answer.headers["Content-Type"]) == (404, "text/html")
    assert "This page does not exist" in answer.text


async def test_programs_get_json_that_is_not_found(gateway: httpx.AsyncClient) -> None:
    for path, accept in (("/nothing-here", "application/json"), ("/v1/nothing", "text/html")):
        answer = await gateway.get(path, headers={"Accept": accept})
        assert answer.status_code == 404
        assert answer.json()["error"] == "ResourceNotFound"


async def test_the_configuration_names_the_card_form(gateway: httpx.AsyncClient, stack: Stack) -> None:
    given = (await gateway.get("/config.json")).json()
    assert given["stripe_js_url"] == "/_stripe/stripe.js"
    assert given["stripe_publishable_key"] == stack.card_form()["STRIPE_PUBLISHABLE_KEY"]


async def test_the_reference_of_the_api_is_drawn(visitor: Visitor) -> None:
    page = await visitor.visit("/docs/", language="")
    await expect(page.get_by_role("heading", name="Polar suite")).to_be_visible()
    await expect(page.locator("h3.opblock-tag").first).to_be_visible()
