"""The end-to-end tests' fixtures, for the stack of docker-compose.yml: `./polar test containers` starts it."""

from collections.abc import AsyncIterator

import pytest
from polar_cli.compose import ComposedStack
from polar_cli.testing import IN_CONTAINERS

from tests.end_to_end.conftest import (  # noqa: F401  (fixtures are found by their names in this module)
    api,
    nobody,
    organization,
    organization_id,
    other_organization,
    shop,
    stranger,
)
from tests.end_to_end.support import Receiver, listening


@pytest.fixture(scope="session")
def stack() -> ComposedStack:
    """The running stack."""
    return ComposedStack(IN_CONTAINERS)


@pytest.fixture(scope="session")
async def receiver() -> AsyncIterator[Receiver]:
    """An endpoint that verifies signatures, as the containers can reach it."""
    async with listening("0.0.0.0", "host.docker.internal") as receiver:
        yield receiver
