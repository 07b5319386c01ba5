"""New: what a stranger is shown who follows a link, types somebody's e-mail, and takes what is free."""

from typing import Any

from servicekit.testing import eventually

from tests.security.attacks.people import PATIENCE, Seller, address

NOTE = "https://example.com/the-secret-of-the-course"


async def given_for_free(seller: Seller) -> Any:
    """A free product with a license key and a private note."""
    key = {"type": "license_keys", "description": "Key", "properties": {"activations": {"limit": 2}}}
    note = {"type": "custom", "description": "Course", "properties": {"note": NOTE}}
    benefits = [(await seller.call("POST", "/v1/benefits/", one))["id"] for one in (key, note)]
    product = await seller.product(metadata={"margin": "of-the-seller"})
    return await seller.call("POST", f"/v1/products/{product['id']}/benefits", {"benefits": benefits})


async def test_a_link_does_not_show_what_is_bought(seller: Seller) -> None:
    page = await seller.page(await given_for_free(seller))
    shown = await seller.nobody.get(page)
    assert {one["description"] for one in shown.json()["product"]["benefits"]} == {"Key", "Course"}
    assert NOTE not in shown.text
    assert "of-the-seller" not in shown.text


async def test_a_typed_address_tells_nothing_of_who_has_it(seller: Seller) -> None:
    victim, product = address("victim"), await given_for_free(seller)
    known = {
        "email": victim, "name": "Ada Lovelace", "external_id": address("crm"), "metadata": {"plan": "secret-plan"},
        "billing_address": {"country": "DE", "city": "Geheimstadt", "line1": "Verborgene Gasse 7"},
    }  # fmt: skip
    await seller.call("POST", "/v1/customers/", known)
    mine = await seller.bought(await seller.product(2900), victim)
    (order,) = await seller.until("orders", checkout_id=mine["id"])

    bought = await seller.bought(product, victim)
    assert bought["customer_session_token"] is None
    page = f"/v1/checkouts/client/{bought['client_secret']}"

    async def benefits() -> Any:
        shown = await seller.nobody.get(f"{page}/order")
        if shown.status_code != 200:
            return None
        items = (await seller.nobody.get(shown.json()["benefits_url"])).json()["items"]
        keys = [one["license_key"]["key"] for one in items if one["license_key"]]
        return (shown, keys[0]) if keys else None

    shown, key = await eventually(benefits, seconds=PATIENCE, what="the license key")
    body = {"key": key, "organization_id": seller.organization_id}
    answers = [
        shown,
        await seller.nobody.get(page),
        await seller.nobody.post("/v1/customer-portal/license-keys/validate", json=body),
        await seller.nobody.post("/v1/customer-portal/license-keys/activate", json={**body, "label": "mine"}),
    ]
    assert [answer.status_code for answer in answers] == [200] * 4, [answer.text for answer in answers]
    numbers = order["invoice_number"].rpartition("-")[0]
    private = ("Lovelace", "Geheimstadt", "Verborgene", "secret-plan", known["external_id"], numbers, order["id"])
    assert [one for answer in answers for one in private if one in answer.text] == []
