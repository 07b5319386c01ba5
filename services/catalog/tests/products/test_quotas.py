"""One tenant fills the catalog: products, their prices, fields, and files of ten gigabytes."""

import pytest
from servicekit.testing.filling import check_quota

PRICE = {"amount_type": "fixed", "price_amount": 900, "price_currency": "usd"}
PRODUCT = {"name": "Pro Plan", "recurring_interval": "month", "prices": [PRICE]}
PART = {"number": 1, "chunk_start": 0, "chunk_end": 1000}
FILE = {
    "name": "a.zip", "mime_type": "application/zip", "size": 1000, "service": "downloadable",
    "upload": {"parts": [PART]},
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "path", "body"),
    [
        ("products", "/v1/products/", PRODUCT),
        ("custom_fields", "/v1/custom-fields/", {"type": "text", "name": "Size"}),
        ("files", "/v1/files/", FILE),
    ],
)
async def test_what_a_tenant_may_have_has_a_limit(client, stranger, settings, monkeypatch, name, path, body):
    def create(number, caller=client):
        own = {"slug": f"size_{number}"} if name == "custom_fields" else {}
        return caller.post(path, json={**body, **own})

    made = await check_quota(settings, monkeypatch, name, create)
    assert (await create(0, stranger)).status_code == 201, "another organization has its own"
    if name == "custom_fields":
        assert (await client.delete(f"{path}{made[0]['id']}")).status_code == 204
        assert (await create(99)).status_code == 201


async def test_a_tenants_bytes_have_a_limit(client, settings, monkeypatch):
    monkeypatch.setattr(settings, "quotas", {"file_bytes": 2500})
    first = (await client.post("/v1/files/", json=FILE)).json()
    assert (await client.post("/v1/files/", json=FILE)).status_code == 201
    assert (await client.delete(f"/v1/files/{first['id']}")).status_code == 204
    refused = await client.post("/v1/files/", json=FILE)
    assert (refused.status_code, refused.json()["resource"]) == (403, "file_bytes"), "deleted bytes lie there still"


async def test_prices_of_one_product_have_a_limit(client, settings, monkeypatch):
    """Each change of the price leaves an archived one, and all of them stand in each event of the product."""
    product = (await client.post("/v1/products/", json=PRODUCT)).json()
    path = f"/v1/products/{product['id']}"
    monkeypatch.setattr(settings, "quotas", {"prices": 3})
    answers = [await client.patch(path, json={"prices": [{**PRICE, "price_amount": 1000 + n}]}) for n in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 403, 403]
    assert answers[-1].json()["limit"] == 3
    assert (await client.get(path)).json()["prices"][0]["price_amount"] == 1001
