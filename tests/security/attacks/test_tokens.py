"""Cases 5 and 10: a replay needs the caller's own right, and a revoked token ends within five seconds."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from polar_cli.stack import Stack

from tests.security.attacks.people import Seller, address

WORKS_AT_MOST_SECONDS = 5.0


@asynccontextmanager
async def token_with(stack: Stack, seller: Seller, *scopes: str) -> AsyncIterator[tuple[httpx.AsyncClient, Any]]:
    """A client with a weak token of the same organization, and what was answered when it was made."""
    made = await seller.call("POST", "/v1/organization-access-tokens/", {"comment": "weak", "scopes": list(scopes)})
    headers = {"Authorization": f"Bearer {made['token']}"}
    async with httpx.AsyncClient(base_url=stack.url, headers=headers, timeout=60) as client:
        yield client, made


async def secrets_made(seller: Seller) -> list[tuple[str, str, Any]]:
    """Every request whose answer holds a secret: method, path and body."""
    customer = await seller.call("POST", "/v1/customers/", {"email": address()})
    endpoint = await seller.call(
        "POST", "/v1/webhooks/endpoints", {"url": "https://example.com/hook", "events": ["order.paid"]}
    )
    return [
        ("POST", "/v1/organization-access-tokens/", {"comment": "full", "scopes": ["orders:read"]}),
        ("POST", "/v1/customer-sessions/", {"customer_id": customer["id"]}),
        ("PATCH", f"/v1/webhooks/endpoints/{endpoint['id']}/secret", None),
        ("POST", "/v1/webhooks/endpoints/", {"url": "https://example.com/other", "events": ["order.paid"]}),
    ]


async def test_a_replay_gives_a_weak_token_nothing(stack: Stack, seller: Seller) -> None:
    """Neither one that may not ask at all, nor one that may: the secret was another token's answer."""
    may = "organization_access_tokens:write", "customer_sessions:write", "webhooks:write"
    requests = await secrets_made(seller)
    async with token_with(stack, seller, "products:read") as (weak, _), token_with(stack, seller, *may) as (equal, _):
        for method, path, body in requests:
            headers = {"Idempotency-Key": os.urandom(8).hex()}
            first = await seller.api.request(method, path, json=body, headers=headers)
            assert first.is_success, f"{path}: {first.text}"
            secrets = [text for text in _texts(first.json()) if text.startswith(("polar_", "whsec_"))]
            assert secrets, f"{path} gave no secret"
            answer = await weak.request(method, path, json=body, headers=headers)
            assert answer.status_code == 403, f"{path}: {answer.text}"
            answer = await equal.request(method, path, json=body, headers=headers)
            assert not [secret for secret in secrets if secret in answer.text], path


def _texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for inner in value.values() for text in _texts(inner)]
    return [value] if isinstance(value, str) else []


async def test_a_key_of_one_shop_s_software_is_not_in_another_s_way(seller: Seller, other: httpx.AsyncClient) -> None:
    """Nobody is known at these routes: keys are kept by what is asked about."""
    path, headers = "/v1/customer-portal/license-keys/validate", {"Idempotency-Key": f"order-{os.urandom(4).hex()}"}
    organizations = seller.organization_id, (await other.get("/v1/organizations/")).json()["items"][0]["id"]
    for organization_id in organizations:
        for key in ("first", "second"):
            body = {"key": f"{key}-{organization_id}", "organization_id": organization_id}
            answer = await seller.nobody.post(path, json=body, headers=headers)
            assert answer.status_code == 404, answer.text


async def test_a_revoked_token_ends_in_time(stack: Stack, seller: Seller) -> None:
    """Asked all the time, in parallel, as a cache that is refreshed in use would let it live."""
    async with token_with(stack, seller, "products:read") as (weak, made):
        assert (await weak.get("/v1/products/?limit=1")).status_code == 200
        await seller.call("DELETE", f"/v1/organization-access-tokens/{made['organization_access_token']['id']}")
        loop = asyncio.get_running_loop()
        ends = loop.time() + WORKS_AT_MOST_SECONDS
        while loop.time() < ends - 0.5:
            await asyncio.gather(*(weak.get("/v1/products/?limit=1") for _ in range(3)))
            await asyncio.sleep(0.4)
        await asyncio.sleep(max(0.0, ends - loop.time()))
        answers = await asyncio.gather(*(weak.get("/v1/products/?limit=1") for _ in range(5)))
    assert [answer.status_code for answer in answers] == [401] * 5


@pytest.mark.parametrize("scopes", [["organization_access_tokens:write", "orders:write"], ["products:write"]])
async def test_no_token_makes_a_stronger_one(stack: Stack, seller: Seller, scopes: list[str]) -> None:
    async with token_with(stack, seller, "organization_access_tokens:write") as (weak, made):
        path = "/v1/organization-access-tokens/"
        answer = await weak.post(path, json={"comment": "more", "scopes": scopes})
        assert answer.status_code in {403, 422}, json.dumps(answer.json())
        own = f"{path}{made['organization_access_token']['id']}"
        assert (await weak.patch(own, json={"scopes": scopes})).status_code in {403, 422}
