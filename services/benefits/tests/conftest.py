"""The benefits service under test."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from benefits.app import create_app
from benefits.benefit_grants.fulfilment import Fulfilment
from benefits.benefit_grants.timers import Backlog
from benefits.settings import Settings
from benefits.strategies.outside import outsides
from benefits.worker import FLOWS
from servicekit import clock
from servicekit.testing import ServiceUnderTest

from services.benefits.tests.providers.discord import BOT, DiscordServer
from services.benefits.tests.providers.github import GITHUB_PEM, GitHubServer
from services.benefits.tests.providers.provider import CLIENT
from services.benefits.tests.support import Story


@pytest.fixture(scope="session")
def service() -> ServiceUnderTest:
    """Names the service to the kit's plugin."""
    return ServiceUnderTest(
        name="benefits",
        root=Path(__file__).parents[1],
        create_app=create_app,
        settings=Settings,
        flows=FLOWS,
        environment={
            "github_app_id": "123456",
            "github_app_private_key": GITHUB_PEM.replace("\n", "\\n"),
            "github_client_id": CLIENT[0],
            "github_client_secret": CLIENT[1],
            "discord_client_id": CLIENT[0],
            "discord_client_secret": CLIENT[1],
            "discord_bot_token": BOT,
            "public_url": "http://test",
        },
        scopes=["benefits:read", "benefits:write", "license_keys:read", "license_keys:write"],
    )


@pytest.fixture
def story(client: Any, bus: Any, organization_id: UUID) -> Story:
    """What other services tell of one organization."""
    return Story(client, bus, organization_id)


async def _serving(server: Any) -> AsyncIterator[Any]:
    await server.server.start_server()
    yield server
    await server.server.close()
    assert server.faults == []


@pytest_asyncio.fixture
async def github() -> AsyncIterator[GitHubServer]:
    """GitHub; what does not fit its description fails the test."""
    async for server in _serving(GitHubServer()):
        yield server


@pytest_asyncio.fixture
async def discord() -> AsyncIterator[DiscordServer]:
    """Discord; what does not fit its description fails the test."""
    async for server in _serving(DiscordServer()):
        yield server


@pytest.fixture
def impatient(monkeypatch: Any) -> None:
    """Clients that wait for a second, for a test in which the outside is silent for longer; named before the others."""
    monkeypatch.setattr("benefits.strategies.outside.TIMEOUT_SECONDS", 1)


@pytest_asyncio.fixture
async def outside(app: Any, github: GitHubServer, discord: DiscordServer, monkeypatch: Any) -> AsyncIterator[Any]:
    """Clients of the two; the application uses them too."""
    settings = app.state.settings
    monkeypatch.setattr(settings, "github_api_url", f"{github.url}/api/v3")
    monkeypatch.setattr(settings, "discord_api_url", f"{discord.url}/api/v10")
    async with outsides(settings) as clients:
        own, app.state.outside = app.state.outside, clients
        yield clients
        app.state.outside = own


@pytest_asyncio.fixture
async def fulfil(app: Any, database: Any, outside: Any) -> AsyncIterator[Any]:
    """Does what is due outside, until nothing is; `later` moves the clock first."""
    async with Fulfilment(app.state.settings, outside) as fulfilment:

        async def work(later: timedelta = timedelta(0)) -> int:
            clock.move(later)
            done = 0
            while claimed := await fulfilment.fulfil_due(database.transaction):
                done += claimed
                await fulfilment.settle()
            return done

        yield work


@pytest.fixture
def work_off(database: Any) -> Any:
    """Works through what was edited, until nothing is left."""

    async def work() -> None:
        backlog = Backlog()
        for timer in (backlog.follow_changed_products, backlog.follow_changed_benefits):
            while await timer(database.transaction):
                pass

    return work
