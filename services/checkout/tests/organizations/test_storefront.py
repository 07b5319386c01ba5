"""`/v1/customer-portal/organizations/{slug}`: what everybody may see of a seller."""

from contracts.identity import Organization, OrganizationCreatedV1
from servicekit import clock


async def test_a_seller_with_its_public_products_and_nothing_of_its_own(anonymous, bus, sell, organization_id):
    data = Organization(
        id=organization_id, created_at=clock.now(), modified_at=None, name="Acme", slug="acme", avatar_url=None,
        email="owner@acme.example", website=None,
    )  # fmt: skip
    await bus.deliver(OrganizationCreatedV1(subject=data.id, organization_id=data.id, time=data.created_at, data=data))
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
