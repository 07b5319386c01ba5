"""The TypeScript workspace: its own tests, its budgets, and the documented components against the running stack."""

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from playwright.async_api import expect
from polar_cli import pages
from polar_cli.stack import Stack
from polar_cli.state import State
from servicekit.testing import eventually

from tests.pages.support import Shop, Visitor, new_email, path_of


def _pnpm(*arguments: str, **environment: str) -> str:
    """Runs a command in `clients/`. Raises `AssertionError` with its output where it fails."""
    done = subprocess.run(
        ["pnpm", *arguments], cwd=pages.CLIENTS, env={**pages.tools(), **environment}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_documented_commands_pass(stack: Stack) -> None:
    """`pnpm test` of a page's folder is one of those that the whole workspace's runs."""
    assert "failed" not in _pnpm("test")
    _pnpm("--dir", "apps/web", "lint")
    scripts = re.findall(r"^  (\w+)$", _pnpm("--dir", "apps/web", "run"), re.MULTILINE)
    assert {"dev", "lint", "test", "generate", "build"} <= set(scripts)


@contextmanager
def _developed(stack: Stack, folder: Path) -> Iterator[str]:
    """`pnpm dev` before a stack, on a free port; gives its address."""
    port = State(folder).port("vite")
    command = ["pnpm", "dev", "--port", str(port), "--strictPort", "--host", "127.0.0.1"]
    environment = {**pages.tools(), "POLAR_API_URL": stack.url}
    log = folder / "vite.log"
    with log.open("w") as output:
        server = subprocess.Popen(
            command, cwd=pages.CLIENTS, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            start_new_session=True,
        )  # fmt: skip
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(20)


async def test_pages_are_developed_before_a_running_stack(
    shop: Shop, stack: Stack, visitor: Visitor, tmp_path: Path
) -> None:
    checkout = await shop.checkout(await shop.product({"amount_type": "fixed", "price_amount": 4200}))
    with _developed(stack, tmp_path) as address:
        async with httpx.AsyncClient(base_url=address, timeout=60) as client:

            async def config() -> Any:
                try:
                    return (await client.get("/config.json")).json()
                except httpx.TransportError:
                    return None

            proxied = await eventually(config, seconds=60, what="the development server")
            assert proxied["stripe_js_url"] == "/_stripe/stripe.js"
            page = await client.get(path_of(checkout))
            assert "/@vite/client" in page.text, "a change of a file is shown without a build"
            assert (await client.get("/@vite/client")).status_code == 200
        visitor.url = address
        opened = await visitor.visit(path_of(checkout))
        await expect(opened.get_by_text("$42.00").first).to_be_visible()
        await visitor.close()  # what the page loads still is there as long as the server is


def test_no_page_loads_more_script_than_it_may(stack: Stack) -> None:
    said = _pnpm("--filter", "web", "budget", PAGES=str(stack.data / "gateway" / "pages"))
    assert "checkout.html" in said
    assert "embed.js" in said


def test_the_package_of_the_embed_is_a_module_with_types(stack: Stack) -> None:
    _pnpm("--filter", "@polar-sh/checkout", "build")
    script = (
        "const { PolarEmbedCheckout: it } = await import('@polar-sh/checkout/embed'); console.log(typeof it.create)"
    )
    assert "function" in _pnpm("--filter", "web", "exec", "node", "--input-type=module", "--eval", script)
    types = (pages.CLIENTS / "packages" / "checkout" / "dist" / "embed.d.ts").read_text()
    assert "PolarEmbedCheckout" in types


async def test_the_documented_components_work(shop: Shop, stack: Stack) -> None:
    product = await shop.product({"amount_type": "fixed", "price_amount": 2900}, recurring_interval="month")
    checkout = await shop.checkout(product, customer_email=new_email())
    body = {"client_secret": checkout["client_secret"], "confirmation_token_id": "pm_card_visa"}
    bought = await shop.call("POST", f"/v1/checkouts/{checkout['id']}/confirm", body)

    async def subscription() -> Any:
        return (await shop.api.get(f"/v1/subscriptions/{bought['subscription_id']}")).status_code

    await eventually(subscription, until=lambda status: status == 200)
    _pnpm(
        "--filter", "web", "test:stack",
        POLAR_API_URL=stack.url,
        POLAR_ACCESS_TOKEN=shop.api.headers["Authorization"].removeprefix("Bearer "),
        POLAR_ORGANIZATION_ID=shop.organization_id,
        CUSTOMER_ID=bought["customer_id"],
        PRICE_ID=product["prices"][0]["id"],
    )  # fmt: skip
