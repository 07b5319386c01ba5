"""One tenant makes benefits without end."""

from servicekit.testing.filling import check_quota


async def test_benefits_have_a_limit(client, settings, monkeypatch):
    body = {"type": "custom", "description": "Thanks", "properties": {"note": "Hello"}}
    made = await check_quota(settings, monkeypatch, "benefits", lambda _: client.post("/v1/benefits/", json=body))
    assert (await client.delete(f"/v1/benefits/{made[0]['id']}")).status_code == 204
    assert (await client.post("/v1/benefits/", json=body)).status_code == 201
