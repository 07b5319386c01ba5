"""`/v1/webhooks/endpoints`"""

import pytest
from sqlalchemy import text

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
    hidden = f"whsec_…{created['secret'][-4:]}"
    assert (await client.get(path)).json() == {**created, "secret": hidden}
    assert (await client.get(path, headers=SDK)).json()["events"][2:] == [
        "benefit_grant.created",
        "benefit_grant.revoked",
    ]
    (listed,) = (await client.get("/v1/webhooks/endpoints")).json()["items"]
    assert listed["secret"] == hidden
    async with database.transaction() as session:
        kept = (await session.execute(text("select encrypted_secret from webhook_endpoints"))).scalar_one()
        assert created["secret"].encode() not in kept
    reset = (await client.patch(f"{path}/secret")).json()
    assert reset["secret"] not in ("", created["secret"])
    changed = (await client.patch(path, json={"events": ["order.paid"], "enabled": False})).json()
    assert (changed["events"], changed["enabled"], changed["secret"]) == (
        ["order.paid"],
        False,
        f"whsec_…{reset['secret'][-4:]}",
    )
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
        ({"url": "https://[::1"}, "url"),
        ({"format": "morse"}, "format"),
        ({"api_version": "2020-01"}, "api_version"),
    ],
)
async def test_bad_wishes_name_their_field(client, changes, field):
    answer = await client.post("/v1/webhooks/endpoints", json={**SEED, **changes})
    assert answer.status_code == 422, answer.text
    assert field in answer.json()["detail"][0]["loc"]
