"""What everybody may see of a seller: `/v1/customer-portal/organizations/{slug}`, and beside a buyer's checkout."""

import asyncio
from uuid import uuid4

import pytest

from services.checkout.tests.support import opened, seller_told


@pytest.fixture
def acme(organization_id):
    """The event that tells of the seller."""
    return seller_told(organization_id, name="Acme", slug="acme", email="owner@acme.example")


async def test_a_seller_with_its_public_products_and_nothing_of_its_own(anonymous, bus, sell, acme):
    await bus.deliver(acme)
    shown = await sell(metadata={"cost": "secret"})
    await sell(visibility="private")
    await sell(is_archived=True)
    answer = await anonymous.get("/v1/customer-portal/organizations/acme")
    assert answer.status_code == 200, answer.text
    assert answer.json()["organization"]["name"] == "Acme"
    assert [product["id"] for product in answer.json()["products"]] == [str(shown.id)]
    assert "owner@acme.example" not in answer.text
    assert "secret" not in answer.text
    assert (await anonymous.get("/v1/customer-portal/organizations/nobody")).status_code == 404


async def test_a_seller_is_found_by_its_id_as_by_its_slug(anonymous, bus, sell, acme, organization_id):
    await bus.deliver(acme)
    await sell()
    by_slug = await anonymous.get("/v1/customer-portal/organizations/acme")
    by_id = await anonymous.get(f"/v1/customer-portal/organizations/{organization_id}")
    assert by_id.status_code == 200, by_id.text
    assert by_id.json() == by_slug.json()
    assert by_id.json()["organization"]["id"] == str(organization_id)
    assert (await anonymous.get(f"/v1/customer-portal/organizations/{uuid4()}")).status_code == 404


async def test_a_buyer_sees_a_seller_of_whom_checkout_hears_a_moment_later(client, anonymous, bus, sell, acme):
    checkout = await opened(client, await sell())
    asked = asyncio.create_task(anonymous.get(f"/v1/checkouts/client/{checkout['client_secret']}"))
    await asyncio.sleep(0.2)
    await bus.deliver(acme)
    answer = await asked
    assert (answer.status_code, answer.json()["organization"]["name"]) == (200, "Acme"), answer.text
