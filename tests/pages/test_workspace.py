"""The TypeScript workspace: its own tests, its budgets, and the documented components against the running stack."""

import subprocess
from typing import Any

from polar_cli import pages
from polar_cli.stack import Stack
from servicekit.testing import eventually

from tests.pages.support import Shop, new_email


def _pnpm(*arguments: str, **environment: str) -> str:
    """Runs a command in `clients/`. Raises `AssertionError` with its output where it fails."""
    done = subprocess.run(
        ["pnpm", *arguments], cwd=pages.CLIENTS, env={**pages.tools(), **environment}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_its_own_tests_pass(stack: Stack) -> None:
    assert "failed" not in _pnpm("-r", "test")


def test_no_page_loads_more_script_than_it_may(stack: Stack) -> None:
    said = _pnpm("--filter", "web", "budget", PAGES=str(stack.data / "gateway" / "pages"))
    assert "checkout.html" in said


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
