"""Lists over 100,000 rows."""

from servicekit.testing.plans import check_lists


async def test_lists_walk_no_table(client, database, database_url, app):
    for n in range(2):
        await client.post("/v1/products/", json={"name": f"Plan {n}", "prices": [{"price_amount": 2900}]})
    await client.post("/v1/custom-fields/", json={"type": "text", "slug": "a", "name": "A"})
    part = {"number": 1, "chunk_start": 0, "chunk_end": 1}
    file = {"name": "a", "mime_type": "a/b", "size": 1, "service": "downloadable", "upload": {"parts": [part]}}
    assert (await client.post("/v1/files/", json=file)).status_code == 201
    tables = {
        "products": {"name": "model.name || n"},
        "prices": {"product_id": "(array(select id from products))[n]"},
        "custom_fields": {"slug": "'s' || n"},
        "files": {"path": "'p' || n", "is_uploaded": "true"},
    }
    paths = [
        "/v1/products/", "/v1/products/?is_archived=false&is_recurring=false&query=plan", "/v1/custom-fields/",
        "/v1/files/",
    ]  # fmt: skip
    await check_lists(client, database, database_url, app, tables, paths)
