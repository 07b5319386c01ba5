"""Teams in the portal, the choice of a seller at the sign-in, license keys, and what a seller's settings forbid."""

import re
from typing import Any

import httpx
from contracts.identity import CustomerPortalSettings
from playwright.async_api import Page, expect
from polar_cli.stack import Stack
from pydantic import BaseModel
from servicekit.testing import eventually

from tests.pages.portal import looks_right, open_portal, portal_token, sign_in, sold
from tests.pages.support import PHONE, Shop, Visitor, new_email, new_shop

FREE = {"amount_type": "free"}
SEATS = {
    "amount_type": "seat_based",
    "seat_tiers": {"seat_tier_type": "volume", "tiers": [{"min_seats": 1, "price_per_seat": 500}]},
}
UNITS = {"amount_type": "unit_based", "tiers": {"type": "volume", "tiers": [{"unit_amount": "150"}]}}
KEYS = {"type": "license_keys", "description": "Desktop app", "properties": {"activations": {"limit": 2}}}


async def given(shop: Shop, customer_id: str, **fields: Any) -> Any:
    """A free subscription that the seller gives to a customer."""
    product = await shop.product(FREE, recurring_interval="month", **fields)
    body = {"product_id": product["id"], "customer_id": customer_id}
    return await shop.call("POST", "/v1/subscriptions/", body)


async def test_a_team_adds_a_member_who_sees_what_is_theirs(stack: Stack, shop: Shop, visitor: Visitor) -> None:
    body = {"type": "team", "email": new_email(), "name": "Analytical Society"}
    team = await shop.call("POST", "/v1/customers/", body)
    await given(shop, team["id"], name="Reading room")
    page = await open_portal(visitor, await portal_token(shop, team["id"]))
    await page.get_by_role("link", name="Team", exact=True).click()
    await expect(page.get_by_text(team["email"])).to_be_visible()
    joining = new_email()
    await page.get_by_label("Email").fill(joining)
    await page.get_by_label("Name").fill("Grace")
    await page.get_by_role("button", name="Add a member").click()
    await expect(page.get_by_text(f"{joining} can sign in here now.")).to_be_visible()
    await looks_right(page, "team")

    slug = (await shop.call("GET", f"/v1/organizations/{shop.organization_id}"))["slug"]
    own = await visitor.visit(f"/{slug}/portal", viewport=PHONE)
    await sign_in(stack, own, joining)
    await expect(own.get_by_text("Reading room")).to_be_visible()
    await expect(own.get_by_role("link", name="Benefits", exact=True)).to_be_visible()
    for hidden in ("Orders", "Payment methods", "Team", "Manage Reading room"):
        await expect(own.get_by_role("link", name=hidden, exact=True)).to_have_count(0)
    await looks_right(own, "member")
    await own.goto(f"{visitor.url}/{slug}/portal/payment-methods?locale=en")
    await expect(own.get_by_text("Only owners and billing managers of the team see this.")).to_be_visible()

    await page.get_by_label("Role of Grace").select_option("billing_manager")
    await expect(page.get_by_role("listitem").filter(has_text="Grace")).to_contain_text("Billing manager")
    await own.reload()
    await eventually(lambda: shows_orders(own), what="the orders of a new billing manager")
    await page.get_by_role("button", name="Remove Grace").click()
    await looks_right(page, "team-remove")
    await page.get_by_role("button", name="Remove", exact=True).click()
    await expect(page.get_by_text(joining, exact=True)).to_have_count(0)
    found = await shop.call("GET", f"/v1/customers/{team['id']}/members")
    assert [one["role"] for one in found["items"]] == ["owner"]


async def shows_orders(page: Page) -> bool:
    """Whether the portal leads to the orders; the gateway knows a role for some seconds."""
    await page.reload()
    await expect(page.get_by_role("link", name="Benefits", exact=True)).to_be_visible()
    return await page.get_by_role("link", name="Orders", exact=True).count() > 0


async def test_an_address_of_two_sellers_chooses_one(stack: Stack, shop: Shop, visitor: Visitor) -> None:
    async with new_shop(stack, "Second Engines") as other:
        email = new_email()
        for seller, name in ((shop, "Analytical Engines"), (other, "Second Engines")):
            customer = await seller.call("POST", "/v1/customers/", {"email": email, "name": "Ada"})
            await given(seller, customer["id"], name=f"Letters of {name}")
            await portal_token(seller, customer["id"])
        page = await visitor.visit("/portal", viewport=PHONE)
        await sign_in(stack, page, email)
        await expect(page.get_by_role("heading", level=1, name="Choose an account")).to_be_visible()
        await looks_right(page, "choose-seller")
        await page.get_by_role("button", name=re.compile("Second Engines")).click()
        await expect(page.get_by_role("link", name="Manage Letters of Second Engines")).to_be_visible()
        await expect(page.locator("header").get_by_text("Second Engines")).to_be_visible()


async def test_a_license_key_is_freed_and_replaced(shop: Shop, visitor: Visitor) -> None:
    customer = await shop.call("POST", "/v1/customers/", {"email": new_email()})
    benefit = await shop.call("POST", "/v1/benefits/", KEYS)
    await given(shop, customer["id"], name="App", benefits=[benefit["id"]])
    where = f"/v1/license-keys/?customer_id={customer['id']}"
    (key,) = await eventually(lambda: items_of(shop, where), what="the license key")
    wish = {"key": key["key"], "organization_id": shop.organization_id, "label": "Old laptop"}
    await shop.call("POST", "/v1/license-keys/activate", wish)
    page = await open_portal(visitor, await portal_token(shop, customer["id"]))
    await page.get_by_role("link", name="Benefits", exact=True).click()
    await expect(page.get_by_text(key["key"])).to_be_visible()
    await expect(page.get_by_text("Valid while your subscription is active")).to_be_visible()
    await expect(page.get_by_text("Activations: 1 of 2")).to_be_visible()
    await looks_right(page, "license-key")
    await page.get_by_role("button", name="Deactivate Old laptop").click()
    await expect(page.get_by_text("Activations:")).to_have_count(0)
    await page.get_by_role("button", name="Replace the key").click()
    await page.get_by_role("button", name="Replace the key").click()
    await expect(page.get_by_text(key["key"])).to_have_count(0)
    now = await shop.call("GET", f"/v1/license-keys/{key['id']}")
    await expect(page.get_by_text(now["key"])).to_be_visible()
    assert (now["key"] != key["key"], now["activations"]) == (True, [])


async def items_of(shop: Shop, path: str) -> list[Any]:
    """What a list has."""
    return list((await shop.call("GET", path))["items"])


def switches(model: type[BaseModel], before: str = "") -> set[str]:
    """The name of every switch of the portal's settings, with the names of the settings that it is in."""
    found = set()
    for name, entry in model.model_fields.items():
        inner = [kind for kind in (entry.annotation, *getattr(entry.annotation, "__args__", ())) if is_model(kind)]
        found |= switches(inner[0], f"{before}{name}.") if inner else {before + name}
    return found


def is_model(kind: Any) -> bool:
    """Whether a field is settings of its own."""
    return isinstance(kind, type) and issubclass(kind, BaseModel)


class Settings:
    """What a seller allows, as it changes one switch after the other, and what a customer's session then may do."""

    def __init__(self, shop: Shop, token: str, url: str) -> None:
        self.shop = shop
        self.portal = httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=60)
        self.switched: set[str] = set()

    async def switch(self, name: str, value: bool) -> None:
        """Changes one switch, and waits until the pages know it."""
        section, _, inner = name.partition(".")
        wish = {"customer_portal_settings": {section: {inner: value}}}
        await self.shop.call("PATCH", f"/v1/organizations/{self.shop.organization_id}", wish)
        self.switched.add(name)

        async def is_known() -> bool:
            answer = await self.portal.get(f"/v1/customer-portal/organizations/{self.shop.organization_id}")
            shown = answer.json()["organization"]["customer_portal_settings"]
            return bool((shown.get(section) or {}).get(inner) is value)

        await eventually(is_known, what=name)

    async def refuses(self, error: str, method: str, path: str, body: Any) -> None:
        """Waits until an operation is refused with this error."""

        async def is_refused() -> bool:
            answer = await self.portal.request(method, f"/v1/customer-portal/{path}", json=body)
            return answer.status_code == 403 and answer.json()["error"] == error

        await eventually(is_refused, what=error)

    async def allows(self, method: str, path: str, body: Any) -> None:
        """Waits until an operation is done."""

        async def is_done() -> bool:
            return (await self.portal.request(method, f"/v1/customer-portal/{path}", json=body)).is_success

        await eventually(is_done, what=f"{method} {path}")


async def test_what_a_setting_forbids_is_neither_shown_nor_done(stack: Stack, visitor: Visitor) -> None:
    async with new_shop(stack, "Strict Engines") as shop:
        path = f"/v1/organizations/{shop.organization_id}"
        await shop.call("PATCH", path, {"subscription_settings": {"allow_multiple_subscriptions": True}})
        email, monthly = new_email(), {"recurring_interval": "month"}
        team = await sold(shop, await shop.product(SEATS, name="Desks", **monthly), email, seats=2)
        some = await sold(shop, await shop.product(UNITS, name="Parts", **monthly), email, units=2)
        other = await shop.product(SEATS, name="Rooms", **monthly)
        token = await portal_token(shop, team["customer_id"])
        seats, units = (f"subscriptions/{one['subscription_id']}" for one in (team, some))
        settings = Settings(shop, token, stack.url)
        await settings.allows("GET", seats, None)
        await settings.allows("GET", units, None)
        page = await open_portal(visitor, token)

        async def shown(where: str, expected: list[str]) -> None:
            await page.goto(f"{visitor.url}/portal/{where}?locale=en")
            await expect(page.get_by_role("button", name="Cancel the subscription")).to_be_visible()
            buttons = page.get_by_role("button", name=re.compile("^(Change the|Pause)"))
            await expect(buttons).to_have_text(expected)

        async def changes_email(expected: bool) -> None:
            await page.goto(f"{visitor.url}/portal/settings?locale=en")
            await expect(page.get_by_role("heading", name="Email", exact=True)).to_be_visible()
            await expect(page.get_by_label("New email")).to_have_count(int(expected))

        try:
            await shown(seats, ["Change the plan"])
            await settings.switch("subscription.update_plan", False)
            await settings.refuses("UpdateSubscriptionPlanNotAllowed", "PATCH", seats, {"product_id": other["id"]})
            await settings.refuses("UpdateSubscriptionUnitsNotAllowed", "PATCH", units, {"units": 3})
            await shown(seats, ["Change the seats"])
            await shown(units, [])
            await settings.switch("subscription.update_seats", False)
            await settings.refuses("UpdateSubscriptionSeatsNotAllowed", "PATCH", seats, {"seats": 3})
            await settings.refuses("PauseResumeNotAllowed", "PATCH", seats, {"pause_at_period_end": True})
            await shown(seats, [])
            await settings.switch("subscription.update_units", True)
            await settings.switch("subscription.pause", True)
            await settings.allows("POST", f"{units}/change-preview", {"units": 3})
            await settings.allows("PATCH", seats, {"pause_at_period_end": True})
            await settings.allows("PATCH", seats, {"pause_at_period_end": False})
            await shown(units, ["Change the quantity", "Pause at the end of the period"])
            change = ("POST", "customers/me/email-update/request", {"email": new_email()})
            await settings.refuses("EmailUpdateNotAllowed", *change)
            await changes_email(False)
            await settings.switch("customer.allow_email_change", True)
            await settings.allows(*change)
            await changes_email(True)
        finally:
            await settings.portal.aclose()
        # Usage is on no screen: the switch has nothing to hide.
        assert switches(CustomerPortalSettings) == settings.switched | {"usage.show"}
