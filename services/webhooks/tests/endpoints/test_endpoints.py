"""`/v1/webhooks/endpoints`"""

import pytest
from sqlalchemy import text
from webhooks.endpoints.schemas import is_public

SDK = {"Polar-Version": "2026-10"}
SEED = {
    "url": "https://api.example.com/webhooks/polar",
    "events": ["order.created", "subscription.created", "benefit.granted", "benefit.revoked"],
}


async def test_create_get_change_delete(client, stranger, database):
    created = (await client.post("/v1/webhooks/endpoints", json=SEED)).json()
    assert created["events"] == SEED["events"]
    assert created["secret"].startswith("whsec_")
    assert (created["format"], created["enabled"], created["api_version"]) == ("raw", True, "2026-10")
    path = f"/v1/webhooks/endpoints/{created['id']}"
    assert (await client.get(path)).json() == created
    assert (await client.get(path, headers=SDK)).json()["events"][2:] == [
        "benefit_grant.created",
        "benefit_grant.revoked",
    ]
    (listed,) = (await client.get("/v1/webhooks/endpoints")).json()["items"]
    assert listed["secret"] == f"whsec_…{created['secret'][-4:]}"
    async with database.transaction() as session:
        kept = (await session.execute(text("select encrypted_secret from webhook_endpoints"))).scalar_one()
        assert created["secret"].encode() not in kept
    reset = (await client.patch(f"{path}/secret")).json()
    assert reset["secret"] not in ("", created["secret"])
    changed = (await client.patch(path, json={"events": ["order.paid"], "enabled": False})).json()
    assert (changed["events"], changed["enabled"], changed["secret"]) == (["order.paid"], False, reset["secret"])
    for method, where in (("GET", path), ("PATCH", path), ("DELETE", path), ("PATCH", f"{path}/secret")):
        assert (await stranger.request(method, where, json={})).status_code == 404
    assert (await stranger.get("/v1/webhooks/endpoints")).json()["items"] == []
    assert (await client.delete(path)).status_code == 204
    assert (await client.get(path)).status_code == 404


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"url": "ftp://example.com"}, "url"),
        ({"url": "nothing"}, "url"),
        ({"url": "https://"}, "url"),
        ({"url": "https://example.com:99999/"}, "url"),
        ({"url": None}, "url"),
        ({"events": ["order.exploded"]}, "events"),
        ({"events": "order.created"}, "events"),
        ({"format": "morse"}, "format"),
        ({"api_version": "2020-01"}, "api_version"),
    ],
)
async def test_bad_wishes_name_their_field(client, changes, field):
    answer = await client.post("/v1/webhooks/endpoints", json={**SEED, **changes})
    assert answer.status_code == 422, answer.text
    assert field in answer.json()["detail"][0]["loc"]


@pytest.mark.parametrize(
    ("url", "public"),
    [
        ("https://example.com/hook", True),
        ("http://example.com/hook", False),
        ("https://localhost/hook", False),
        ("https://127.0.0.1/hook", False),
        ("https://10.0.0.8/hook", False),
        ("https://169.254.169.254/latest", False),
        ("https://[::1]/hook", False),
        ("https://[fd00::1]/hook", False),
        ("https://db.internal/hook", False),
        ("https://8.8.8.8/hook", True),
    ],
)
def test_only_public_addresses_in_production(url, public):
    assert is_public(url) is public
