"""The gateway's question."""

from datetime import timedelta

import httpx
import pytest
from identity.commands import create_organization
from identity.customer_sessions import models as sessions
from identity.organization_access_tokens import models, operations, refusals
from identity.settings import Settings
from servicekit import auth, clock, tokens
from servicekit.auth import Verifier
from servicekit.database import Database
from servicekit.testing.harness import PUBLIC_KEY
from sqlalchemy import select, update

SCOPES = frozenset({"orders:read", "products:write"})


async def ask(client: httpx.AsyncClient, token: str | None) -> httpx.Response:
    return await client.get("/internal/authenticate", headers={"Authorization": f"Bearer {token}"} if token else {})


async def test_a_token_is_exchanged_for_a_principal_that_services_verify(
    client: httpx.AsyncClient, settings: Settings, database: Database
) -> None:
    created = await create_organization(settings, "Acme", "acme", SCOPES)
    answer = await ask(client, created["access_token"])
    assert answer.status_code == 200
    principal = Verifier(PUBLIC_KEY).verify(answer.headers[auth.HEADER])
    assert [str(organization) for organization in principal.organization_ids] == [created["organization_id"]]
    assert principal.scopes == SCOPES
    async with database.transaction() as session:
        stored = (await session.execute(select(models.AccessToken))).scalar_one()
    assert created["access_token"].encode() not in stored.token_hash
    assert stored.last_used_at is not None


@pytest.mark.parametrize("spoil", ["missing", "made up", "wrong checksum", "not ascii", "other scheme"])
async def test_what_is_no_token_is_refused(
    client: httpx.AsyncClient, settings: Settings, database: Database, spoil: str
) -> None:
    created = await create_organization(settings, "Acme", "acme", SCOPES)
    token = created["access_token"]
    if spoil == "other scheme":
        answer = await client.get("/internal/authenticate", headers={"Authorization": f"Basic {token}"})
    else:
        spoilt = {
            "missing": None,
            "made up": tokens.generate(models.PREFIX),
            "wrong checksum": token[:-1] + ("0" if token[-1] != "0" else "1"),
            "not ascii": "polar_oat_\xff",
        }[spoil]
        headers = {b"authorization": f"Bearer {spoilt}".encode("latin-1")} if spoilt else {}
        answer = await client.get("/internal/authenticate", headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (401, "Unauthorized")


async def test_revoked_and_expired_tokens_are_refused(
    client: httpx.AsyncClient, settings: Settings, database: Database
) -> None:
    token = (await create_organization(settings, "Acme", "acme", SCOPES))["access_token"]
    assert (await ask(client, token)).status_code == 200
    for changes in ({"expires_at": clock.now()}, {"expires_at": None, "revoked_at": clock.now()}):
        async with database.transaction() as session:
            await session.execute(update(models.AccessToken).values(**changes))
        assert (await ask(client, token)).status_code == 401


async def test_made_up_tokens_of_an_address_are_looked_up_no_more(
    client: httpx.AsyncClient, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tokens that the gateway knows, other addresses, and a while later this one too, are looked up."""
    token = (await create_organization(settings, "Acme", "acme", SCOPES))["access_token"]
    monkeypatch.setattr(refusals, "MOST", 3)
    monkeypatch.setattr(refusals, "FORGOTTEN_PER_SECOND", 0.01)

    async def asked(text: str, address: str = "81.2.69.142", **headers: str) -> int:
        headers |= {"Authorization": f"Bearer {text}", "X-Forwarded-For": address}
        return (await client.get("/internal/authenticate", headers=headers)).status_code

    kinds = [models.PREFIX, sessions.PREFIX, "polar_pat_", models.PREFIX, sessions.PREFIX]
    assert [await asked(tokens.generate(prefix)) for prefix in kinds] == [401, 401, 401, 403, 403]
    assert await asked(token) == 403
    assert await asked(token, **{"X-Polar-Known": '"known"'}) == 200
    assert await asked(token, "81.2.69.143") == 200
    for address in ("2a02:db8:1:2::1", "2a02:db8:1:2::2", "2a02:db8:1:2:3::3"):
        assert await asked(tokens.generate(models.PREFIX), address) == 401
    assert await asked(token, "2a02:db8:1:2:ffff::9") == 403
    assert await asked(token, "2a02:db8:1:3::1") == 200
    for _ in range(5):
        assert await asked(tokens.generate(models.PREFIX), "10.1.2.3") == 401, "a proxy that nobody trusts: everybody"
    clock.move(timedelta(minutes=5))
    assert await asked(token) == 200


async def test_a_principal_ends(client: httpx.AsyncClient, settings: Settings, database: Database) -> None:
    token = (await create_organization(settings, "Acme", "acme", SCOPES))["access_token"]
    header = (await ask(client, token)).headers[auth.HEADER]
    verifier = Verifier(PUBLIC_KEY)
    verifier.verify(header)
    clock.move(auth.LIFETIME + timedelta(seconds=1))
    with pytest.raises(operations.Unauthorized):
        verifier.verify(header)
