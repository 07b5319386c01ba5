"""A seller, an attacker and victims, as they meet at the gateway."""

import os
from collections.abc import AsyncIterator

import httpx
import pytest
from polar_cli.stack import Stack

from tests.security.attacks.people import Seller


@pytest.fixture(scope="session")
async def nobody(stack: Stack) -> AsyncIterator[httpx.AsyncClient]:
    """A stranger without a token."""
    async with httpx.AsyncClient(base_url=stack.url, timeout=60) as client:
        yield client


@pytest.fixture(scope="session")
async def seller(stack: Stack, nobody: httpx.AsyncClient) -> AsyncIterator[Seller]:
    """The organization that is attacked. It allows several subscriptions, and one trial for each buyer."""
    made = stack.create_organization("Attacked", f"attacked-{os.urandom(4).hex()}")
    headers = {"Authorization": f"Bearer {made['access_token']}"}
    async with httpx.AsyncClient(base_url=stack.url, headers=headers, timeout=60) as api:
        seller = Seller(api, nobody, made["organization_id"])
        settings = {"allow_multiple_subscriptions": True, "prevent_trial_abuse": True}
        path = f"/v1/organizations/{seller.organization_id}"
        await seller.call("PATCH", path, {"subscription_settings": settings})
        yield seller


@pytest.fixture(scope="session")
async def other(stack: Stack, other_organization: dict[str, str]) -> AsyncIterator[httpx.AsyncClient]:
    """Another organization's token."""
    headers = {"Authorization": f"Bearer {other_organization['access_token']}"}
    async with httpx.AsyncClient(base_url=stack.url, headers=headers, timeout=60) as client:
        yield client
