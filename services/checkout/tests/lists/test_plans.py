"""Lists over 100,000 rows."""

from servicekit.testing.plans import check_lists


async def test_lists_walk_no_table(client, sell, database, database_url, app):
    product = await sell()
    assert (await client.post("/v1/checkouts/", json={"products": [str(product.id)]})).status_code == 201
    assert (await client.post("/v1/checkout-links/", json={"products": [str(product.id)]})).status_code == 201
    discount = {"name": "Ten", "code": "TEN", "type": "percentage", "basis_points": 1000}
    assert (await client.post("/v1/discounts/", json=discount)).status_code == 201
    tables = {
        "checkouts": {"client_secret": "'c' || n"},
        "checkout_links": {"client_secret": "'l' || n"},
        "discounts": {"code": "'D' || n"},
    }
    paths = [
        "/v1/checkouts/", "/v1/checkouts/?status=open&limit=100", "/v1/checkout-links/", "/v1/discounts/",
        "/v1/discounts/?query=d5",
    ]  # fmt: skip
    await check_lists(client, database, database_url, app, tables, paths)
