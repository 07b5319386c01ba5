"""After the purchase: who became known by it connects accounts, and nobody who only typed an e-mail."""

import json
from typing import Any

from playwright.async_api import Page, Route, expect

from tests.pages.support import PHONE, Shop, Visitor, ensure_accessible, fill, new_email, paid, path_of, pay

AUTHORIZE = "**/v1/customer-portal/oauth-accounts/authorize"


async def needs_github(route: Route) -> None:
    """The purchase's benefits as they are, with one that waits for an account at GitHub."""
    answer = await route.fetch()
    given = await answer.json()
    waiting = {
        "id": "0197f3a2-7c1e-7d4b-9f0a-3c5e8d2b6a41", "benefit_id": "0197f3a2-7c1e-7d4b-9f0a-3c5e8d2b6a42",
        "type": "github_repository", "description": "The engine's code", "status": "pending",
        "needs_account": "github", "note": None, "license_key": None, "files": [],
    }  # fmt: skip
    await route.fulfill(response=answer, json={"items": [*given["items"], waiting]})


async def _buys(shop: Shop, visitor: Visitor, email: str) -> tuple[Page, list[Any]]:
    """Buys something with a benefit of GitHub. Returns the confirmation, and the calls that begin to connect."""
    asked: list[Any] = []

    async def begin(route: Route) -> None:
        asked.append((await route.request.all_headers(), json.loads(route.request.post_data or "{}")))
        await route.fulfill(json={"url": f"{visitor.url}/missing-on-purpose"})

    answers = {"**/v1/checkouts/client/*/benefits?*": needs_github, AUTHORIZE: begin}
    checkout = await shop.checkout(await shop.product({"amount_type": "fixed", "price_amount": 2900}))
    page = await visitor.visit(path_of(checkout), viewport=PHONE, answers=answers)
    await fill(page, email=email)
    await pay(page)
    await paid(page)
    return page, asked


async def test_a_new_customer_connects_an_account_and_the_next_one_signs_in(shop: Shop, visitor: Visitor) -> None:
    email = new_email()
    page, asked = await _buys(shop, visitor, email)
    button = page.get_by_role("button", name="Connect GitHub")
    await expect(button).to_be_visible()
    await ensure_accessible(page)
    here = page.url
    async with page.expect_navigation():
        await button.click()
    headers, body = asked[0]
    assert (body["platform"], body["return_to"]) == ("github", here.removeprefix(visitor.url))
    # The session is the buyer's own, and works.
    me = await shop.api.get("/v1/customer-portal/customers/me", headers={"Authorization": headers["authorization"]})
    assert (me.status_code, me.json()["email"]) == (200, email)
    await page.goto(f"{here}&error=access_denied")
    await expect(page.get_by_text("GitHub was not connected. Try again.")).to_be_visible()
    visitor.faults = [fault for fault in visitor.faults if "missing-on-purpose" not in fault]
    # Whoever types the same e-mail again is not known to be its holder: they sign in with a mailed code.
    page, asked = await _buys(shop, visitor, email)
    link = page.get_by_role("link", name="Sign in to connect GitHub")
    await expect(link).to_be_visible()
    await expect(page.get_by_role("button", name="Connect GitHub")).to_have_count(0)
    await ensure_accessible(page)
    await link.click()
    await expect(page.get_by_label("Email")).to_have_value(email)
    assert asked == []
