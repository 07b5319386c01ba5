"""The list of products: its plainest form is answered beside the route, and must be what the route answers."""

import pytest
from servicekit.database import Database


@pytest.fixture
def plain_reads(monkeypatch):
    """What was asked of the database beside the routes."""
    asked = []
    fetchrow = Database.fetchrow

    async def noted(self, statement, *values):
        asked.append(values)
        return await fetchrow(self, statement, *values)

    monkeypatch.setattr(Database, "fetchrow", noted)
    return asked


@pytest.mark.parametrize(
    "query",
    [
        "", "?page=1&limit=2", "?page=2&limit=2&sorting=-created_at", "?limit=500", "?page=9", "?is_archived=true",
        "?is_archived=false&is_recurring=true&limit=1",
    ],
)  # fmt: skip
async def test_the_plain_form_is_answered_as_the_route_does(client, plain_reads, query):
    for n in range(5):
        wish = {"name": f'Plan "{n}" – ü', "prices": [{"price_amount": 100}]}
        if n % 2:
            wish["recurring_interval"] = "month"
        product = (await client.post("/v1/products/", json=wish)).json()
    await client.patch(f"/v1/products/{product['id']}", json={"is_archived": True})
    plain = await client.get(f"/v1/products/{query}")
    assert len(plain_reads) == 1
    by_the_route = await client.get(
        f"/v1/products{query}{'&' if query else '?'}organization_id={product['organization_id']}"
    )
    assert len(plain_reads) == 1
    assert (plain.status_code, plain.content) == (200, by_the_route.content)
    assert set(plain.headers) == set(by_the_route.headers)
    assert plain.json()["pagination"]["page_size"] in (1, 2, 10, 100)


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("?page=0", 422), ("?page=-1", 422), ("?limit=ten", 422), ("?page=1&page=2", 200), ("?sorting=name", 200),
        ("?sorting=colour", 422), ("?is_archived=perhaps", 422), ("?metadata[a]=b", 200), ("?page=%00", 422),
        ("?query=plan", 200), ("?page=9999999", 422),
    ],
)  # fmt: skip
async def test_every_other_form_is_the_routes(client, plain_reads, query, status):
    await client.get("/v1/products/?sorting=name")
    answer = await client.get(f"/v1/products/{query}")
    assert (answer.status_code, plain_reads) == (status, [])


async def test_the_plain_form_is_for_those_who_may_read_and_of_their_own(client, stranger, plain_reads):
    await client.post("/v1/products/", json={"name": "Plan", "prices": [{"price_amount": 100}]})
    assert len((await client.get("/v1/products/")).json()["items"]) == 1
    await stranger.get("/v1/products/?sorting=name")
    assert (await stranger.get("/v1/products/")).json()["items"] == []
    assert len(plain_reads) == 2
    assert (await client.get("/v1/products/", headers={"X-Polar-Principal": "forged"})).status_code == 401
    assert (await client.get("/v1/products/", headers={"X-Polar-Principal": ""})).status_code == 401
    assert len(plain_reads) == 2
