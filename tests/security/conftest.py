"""What is forbidden, tried against the running stack: `./polar test security` starts it."""

import os
from collections.abc import AsyncIterator

import httpx
import pytest
from polar_cli.stack import Stack
from polar_cli.testing import stack_of_tests


@pytest.fixture(scope="session")
def stack() -> Stack:
    """The running stack of the tests."""
    name = os.environ.get("POLAR_TEST_STACK")
    if not name:
        pytest.fail("POLAR_TEST_STACK is not set: run `./polar test security`", pytrace=False)
    return stack_of_tests(name)


@pytest.fixture(scope="session")
def organization(stack: Stack) -> dict[str, str]:
    """An organization of this run's own: `organization_id` and `access_token`."""
    return stack.create_organization("Vault", f"vault-{os.urandom(4).hex()}")


@pytest.fixture(scope="session")
def other_organization(stack: Stack) -> dict[str, str]:
    """A second one, whose token tries to get at the first one's data."""
    return stack.create_organization("Burglar", f"burglar-{os.urandom(4).hex()}")


@pytest.fixture(scope="session")
async def api(stack: Stack, organization: dict[str, str]) -> AsyncIterator[httpx.AsyncClient]:
    """The first organization's token at the gateway."""
    headers = {"Authorization": f"Bearer {organization['access_token']}"}
    async with httpx.AsyncClient(base_url=stack.url, headers=headers, timeout=60) as client:
        yield client
