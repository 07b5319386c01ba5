"""What the server refuses of a form is said at its field; what no field is for is said all the same."""

from playwright.async_api import Route, expect

from tests.pages.portal import portal_token
from tests.pages.support import PHONE, Shop, Visitor, ensure_accessible, fill, new_email, path_of, pay

FIXED = {"amount_type": "fixed", "price_amount": 2900}


async def test_the_checkout_shows_refusals_at_their_fields(shop: Shop, visitor: Visitor) -> None:
    async def refuse(route: Route) -> None:
        detail = [
            {"loc": ["body", "customer_name"], "msg": "Name has too many letters", "type": "string_too_long"},
            {"loc": ["body", "customer_billing_address", "country"], "msg": "Not sold there", "type": "value_error"},
            {"loc": ["body", "external_customer_id"], "msg": "Belongs to somebody else", "type": "value_error"},
        ]
        await route.fulfill(status=422, json={"error": "RequestValidationError", "detail": detail})

    checkout = await shop.checkout(await shop.product(FIXED))
    page = await visitor.visit(path_of(checkout), viewport=PHONE, answers={"**/confirm": refuse})
    await fill(page)
    await pay(page)
    await expect(page.get_by_label("Cardholder name")).to_be_focused()
    await expect(page.locator("#customer_name-error")).to_have_text("Name has too many letters")
    await expect(page.locator('[id="customer_billing_address.country-error"]')).to_have_text("Not sold there")
    await expect(page.get_by_role("alert").get_by_text("external_customer_id: Belongs to")).to_be_visible()
    await ensure_accessible(page)
    await page.unroute("**/confirm")
    await page.get_by_label("Cardholder name").fill("Ada")
    await expect(page.locator("#customer_name-error")).to_have_count(0)


async def test_the_portal_shows_refusals_at_their_fields(shop: Shop, visitor: Visitor) -> None:
    customer = await shop.call("POST", "/v1/customers/", {"email": new_email()})
    token = await portal_token(shop, customer["id"])
    page = await visitor.visit(f"/portal?customer_session_token={token}", viewport=PHONE)
    await page.get_by_role("link", name="Settings").click()
    await page.get_by_label("Country").select_option("DE")
    name = page.get_by_label("Name", exact=True)
    await name.fill("Ada" * 1000)
    await page.get_by_role("button", name="Save").click()
    await expect(name).to_be_focused()
    await expect(page.locator("#name-error")).to_be_visible()
    await ensure_accessible(page)
    await name.fill("Ada")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Saved")).to_be_visible()
    # A picture is drawn for every customer, and for nobody: it tells nothing.
    for id in (customer["id"], "0197f3a2-7c1e-4d4b-9f0a-3c5e8d2b6a41"):
        assert customer["avatar_url"] == f"{visitor.url}/v1/avatars/{customer['id']}.svg"
        picture = await shop.api.get(f"/v1/avatars/{id}.svg")
        assert picture.headers["Content-Type"] == "image/svg+xml"
        assert "immutable" in picture.headers["Cache-Control"]
        assert picture.text.startswith("<svg")
    assert (await shop.api.get("/v1/avatars/nobody.svg")).status_code == 404
    assert (await shop.api.post(f"/v1/avatars/{customer['id']}.svg")).status_code == 405
