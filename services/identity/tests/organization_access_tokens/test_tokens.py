"""`/v1/organization-access-tokens/`: made once, never shown again, revoked at once."""

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from identity.commands import create_organization
from identity.settings import Settings
from servicekit import clock, ids
from servicekit.database import Database
from servicekit.testing import signed_headers
from sqlalchemy import text

PATH = "/v1/organization-access-tokens/"
SCOPES = frozenset({"orders:write", "products:write", "organization_access_tokens:write"})


@pytest.fixture
async def own(settings: Settings) -> dict[str, str]:
    """The header of an organization that exists."""

    created = await create_organization(settings, "Acme", "acme", SCOPES)
    return signed_headers(UUID(created["organization_id"]), *SCOPES)


async def ask(client: httpx.AsyncClient, token: str) -> int:
    answer = await client.get("/internal/authenticate", headers={"Authorization": f"Bearer {token}"})
    return answer.status_code


async def made(client: httpx.AsyncClient, own: dict[str, str], **changes: Any) -> dict[str, Any]:
    answer = await client.post(PATH, headers=own, json={"comment": "CI", "scopes": ["orders:read"], **changes})
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def test_a_token_is_shown_once_and_works(client: httpx.AsyncClient, own: dict[str, str]) -> None:
    created = await made(client, own)
    token = created["organization_access_token"]
    assert created["token"].startswith("polar_oat_")
    assert (token["comment"], token["scopes"], token["last_used_at"]) == ("CI", ["orders:read"], None)
    assert await ask(client, created["token"]) == 200
    listed = await client.get(PATH, headers=own)
    assert created["token"] not in listed.text
    by_id = {item["id"]: item for item in listed.json()["items"]}
    assert len(by_id) == 2
    assert by_id[token["id"]]["last_used_at"] is not None


async def test_a_deleted_token_is_refused(client: httpx.AsyncClient, own: dict[str, str]) -> None:
    created = await made(client, own)
    path = f"{PATH}{created['organization_access_token']['id']}"
    assert (await client.delete(path, headers=own)).status_code == 204
    assert await ask(client, created["token"]) == 401
    assert (await client.delete(path, headers=own)).status_code == 404
    assert (await client.patch(path, headers=own, json={"comment": "x"})).status_code == 404


async def test_a_token_expires(client: httpx.AsyncClient, own: dict[str, str]) -> None:
    created = await made(client, own, expires_in="PT1H")
    assert created["organization_access_token"]["expires_at"] is not None
    assert await ask(client, created["token"]) == 200
    clock.move(timedelta(hours=1, seconds=1))
    assert await ask(client, created["token"]) == 401


async def test_scopes_can_be_taken_away_and_not_be_given_beyond_ones_own(
    client: httpx.AsyncClient, own: dict[str, str]
) -> None:
    created = await made(client, own, scopes=["orders:read", "products:write"])
    path = f"{PATH}{created['organization_access_token']['id']}"
    assert (await client.patch(path, headers=own, json={"scopes": ["orders:read"]})).json()["scopes"] == ["orders:read"]
    beyond = await client.post(PATH, headers=own, json={"comment": "More", "scopes": ["customers:read"]})
    assert (beyond.status_code, beyond.json()["error"]) == (403, "NotPermitted")
    assert (await client.patch(path, headers=own, json={"scopes": ["refunds:write"]})).status_code == 403


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"scopes": ["everything"]}, "scopes"),
        ({"scopes": []}, "scopes"),
        ({"comment": " "}, "comment"),
        ({"expires_in": "PT0S"}, "expires_in"),
        ({"expires_in": "soon"}, "expires_in"),
        ({"organization_id": "00000000-0000-4000-8000-000000000000"}, "organization_id"),
    ],
)
async def test_wrong_wishes_name_their_field(
    client: httpx.AsyncClient, own: dict[str, str], changes: dict[str, Any], field: str
) -> None:
    answer = await client.post(PATH, headers=own, json={"comment": "CI", "scopes": ["orders:read"], **changes})
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["body", field]


async def test_another_organization_sees_and_changes_none(client: httpx.AsyncClient, own: dict[str, str]) -> None:
    token = (await made(client, own))["organization_access_token"]["id"]
    other = signed_headers(ids.uuid7(), "organization_access_tokens:write")
    assert (await client.get(PATH, headers=other)).json()["items"] == []
    for answer in (
        await client.patch(f"{PATH}{token}", headers=other, json={"comment": "x"}),
        await client.delete(f"{PATH}{token}", headers=other),
    ):
        assert answer.status_code == 404


async def test_a_repeated_request_gets_the_same_token_which_is_nowhere_readable(
    client: httpx.AsyncClient, own: dict[str, str], database: Database
) -> None:
    wish, key = {"comment": "CI", "scopes": ["orders:read"]}, {"Idempotency-Key": "once"}
    first = await client.post(PATH, headers={**own, **key}, json=wish)
    again = await client.post(PATH, headers={**own, **key}, json=wish)
    assert again.headers["idempotent-replayed"] == "true"
    assert again.json() == first.json()
    async with database.transaction() as session:
        (stored,) = (await session.execute(text("select body from idempotency_keys"))).scalars()
    assert first.json()["token"].encode() not in stored


async def test_tokens_have_a_limit(
    client: httpx.AsyncClient, own: dict[str, str], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One tenant makes tokens without end; the token that it came with is one of them."""
    body = {"comment": "CI", "scopes": ["orders:read"]}
    monkeypatch.setattr(settings, "quotas", {"organization_access_tokens": 6})
    answers = await asyncio.gather(*(client.post(PATH, headers=own, json=body) for _ in range(24)))
    made = [answer.json() for answer in answers if answer.status_code == 201]
    assert Counter(answer.status_code for answer in answers) == {201: 5, 403: 19}
    path = f"{PATH}{made[0]['organization_access_token']['id']}"
    assert (await client.delete(path, headers=own)).status_code == 204
    assert (await client.post(PATH, headers=own, json=body)).status_code == 201
