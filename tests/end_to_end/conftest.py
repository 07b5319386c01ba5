"""The whole stack from the outside: the gateway, two organizations, and a receiver of webhooks.

`./polar test` starts the stack and names it in POLAR_API_URL and POLAR_TEST_STACK. Every run has organizations of its
own.
"""

import os
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from polar_cli.stack import Stack
from polar_cli.testing import stack_of_tests
from servicekit.testing import eventually

from tests.end_to_end.support import Receiver, Shop, listening


def needed(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        pytest.fail(f"{name} is not set: run `./polar test end_to_end`", pytrace=False)
    return value


@pytest.fixture(scope="session")
def stack() -> Stack:
    """The running stack, to kill parts of it."""
    return stack_of_tests(needed("POLAR_TEST_STACK"))


@pytest.fixture(scope="session")
async def receiver() -> AsyncIterator[Receiver]:
    """An endpoint that verifies signatures."""
    async with listening("127.0.0.1", "127.0.0.1") as receiver:
        yield receiver


def caller(token: str) -> httpx.AsyncClient:
    """A client of the gateway."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    limits = httpx.Limits(max_connections=200)
    return httpx.AsyncClient(base_url=needed("POLAR_API_URL"), headers=headers, timeout=60, limits=limits)


@pytest.fixture(scope="session")
def organization(stack: Stack) -> dict[str, str]:
    """The first organization: `organization_id` and `access_token`."""
    return stack.create_organization("Shop", f"shop-{os.urandom(4).hex()}")


@pytest.fixture(scope="session")
async def api(organization: dict[str, str]) -> AsyncIterator[httpx.AsyncClient]:
    """The first organization's token."""
    async with caller(organization["access_token"]) as client:
        yield client


@pytest.fixture(scope="session")
async def nobody() -> AsyncIterator[httpx.AsyncClient]:
    """No token."""
    async with caller("") as client:
        yield client


@pytest.fixture(scope="session")
def other_organization(stack: Stack) -> dict[str, str]:
    """A second organization: `organization_id` and `access_token`."""
    return stack.create_organization("Stranger", f"stranger-{os.urandom(4).hex()}")


@pytest.fixture(scope="session")
async def stranger(other_organization: dict[str, str]) -> AsyncIterator[httpx.AsyncClient]:
    """The second organization's token."""
    async with caller(other_organization["access_token"]) as client:
        yield client


@pytest.fixture(scope="session")
async def stranger_in_portal(stranger: httpx.AsyncClient) -> AsyncIterator[httpx.AsyncClient]:
    """A customer of the other organization, in the portal."""
    customer = (await stranger.post("/v1/customers/", json={"email": "stranger@example.com", "type": "team"})).json()

    async def opened() -> Any:
        answer = await stranger.post("/v1/customer-sessions/", json={"customer_id": customer["id"]})
        return answer.json() if answer.status_code == 201 else None

    session = await eventually(opened, seconds=60, what="the session of a new customer")
    async with caller(session["token"]) as client:
        yield client


@pytest.fixture(scope="session")
def organization_id(organization: dict[str, str]) -> str:
    """The first organization."""
    return organization["organization_id"]


@pytest.fixture(scope="session")
async def shop(api: httpx.AsyncClient, receiver: Receiver, organization_id: str) -> Shop:
    """A product with a license key on sale, and an endpoint that is told of everything."""
    shop = Shop(api, receiver, organization_id)
    await shop.open()
    return shop
