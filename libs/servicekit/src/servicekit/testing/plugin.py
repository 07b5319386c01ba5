"""The pytest plugin of the kit. A service's `conftest.py` gives a `service` fixture; the rest is here.

Tests run on real servers: `./polar test` starts them, or POLAR_TEST_POSTGRES_URL (a superuser's address),
POLAR_TEST_RABBITMQ_URL and POLAR_TEST_RABBITMQ_MANAGEMENT_URL name some that run already.
"""

import asyncio
import base64
import json
import os
from collections.abc import AsyncIterator, Generator, Iterator
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit
from urllib.request import Request, urlopen
from uuid import UUID

import aio_pika
import httpx
import pytest
import pytest_asyncio
import uvloop
from fastapi import FastAPI

from servicekit import auth, broker, clock, ids, memory
from servicekit.database import Database
from servicekit.testing.harness import (
    Bus,
    ServiceUnderTest,
    create_database,
    drop_database,
    empty,
    signed_headers,
)


def _needed(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        pytest.fail(f"{name} is not set: run the tests with `./polar test`, which starts the servers", pytrace=False)
    return value


def pytest_configure() -> None:
    """Tests run on the event loop that services run on."""
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())


def pytest_collection_finish() -> None:
    """And with the memory of services."""
    memory.collect_seldom()


class Token(httpx.Auth):
    """An organization's token behind the gateway: every request gets a fresh principal, wherever the clock stands."""

    def __init__(self, organization_id: UUID, *scopes: str) -> None:
        self._organization_id = organization_id
        self._scopes = scopes

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Signs, unless the test sends a principal of its own."""
        if auth.HEADER not in request.headers:
            request.headers.update(signed_headers(self._organization_id, *self._scopes))
        yield request


@pytest.fixture(scope="session")
def postgres_url() -> str:
    """A superuser's address on the test server."""
    return _needed("POLAR_TEST_POSTGRES_URL")


@pytest.fixture(scope="session")
def rabbitmq_url() -> Iterator[str]:
    """The address of a virtual host of this run's own, with the exchange of all events."""
    address, management = _needed("POLAR_TEST_RABBITMQ_URL"), _needed("POLAR_TEST_RABBITMQ_MANAGEMENT_URL")
    host = f"test-{os.getpid()}-{ids.uuid7().hex[-6:]}"
    user = urlsplit(address).username or "guest"

    def call(method: str, path: str, body: dict[str, Any] | None = None) -> None:
        parts = urlsplit(management)
        bare = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], "", "", ""))
        request = Request(f"{bare}/api/{path}", json.dumps(body or {}).encode(), method=method)
        credentials = base64.b64encode(f"{parts.username}:{parts.password}".encode()).decode()
        request.add_header("Authorization", f"Basic {credentials}")
        request.add_header("Content-Type", "application/json")
        urlopen(request, timeout=30).close()

    call("PUT", f"vhosts/{host}")
    call("PUT", f"permissions/{host}/{quote(user)}", {"configure": ".*", "write": ".*", "read": ".*"})
    call("PUT", f"exchanges/{host}/{broker.EXCHANGE}", {"type": "topic", "durable": True})
    yield urlunsplit(urlsplit(address)._replace(path=f"/{host}"))
    call("DELETE", f"vhosts/{host}")


@pytest_asyncio.fixture(scope="session")
async def database_url(service: ServiceUnderTest, postgres_url: str) -> AsyncIterator[str]:
    """A database of this run's own, at the service's newest revision."""
    name = f"test_{service.name}_{os.getpid()}"
    address = await create_database(postgres_url, name)
    await service.migrate(address)
    yield address
    await drop_database(postgres_url, name)


@pytest.fixture(scope="session")
def settings(service: ServiceUnderTest, database_url: str) -> Any:
    """The service's settings."""
    return service.load_settings(database_url)


@pytest_asyncio.fixture(scope="session")
async def app(service: ServiceUnderTest, settings: Any) -> AsyncIterator[FastAPI]:
    """The service's application, started."""
    application = service.create_app(settings)
    async with application.router.lifespan_context(application):
        yield application


@pytest_asyncio.fixture
async def database(app: FastAPI) -> AsyncIterator[Database]:
    """The service's database, emptied before the test; the clock is put right after it."""
    held: Database = app.state.database
    await empty(held)
    yield held
    clock.reset()


@pytest.fixture
def organization_id() -> UUID:
    """The organization of the default caller."""
    return ids.uuid7()


@pytest_asyncio.fixture
async def client(
    app: FastAPI, database: Database, service: ServiceUnderTest, organization_id: UUID
) -> AsyncIterator[httpx.AsyncClient]:
    """Calls the application as a token of `organization_id` with all of the service's scopes."""
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    token = Token(organization_id, *service.scopes)
    async with httpx.AsyncClient(transport=transport, base_url="http://test", auth=token) as caller:
        yield caller


@pytest_asyncio.fixture
async def anonymous(app: FastAPI, database: Database) -> AsyncIterator[httpx.AsyncClient]:
    """Calls the application without a token."""
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as caller:
        yield caller


@pytest_asyncio.fixture
async def stranger(app: FastAPI, database: Database, service: ServiceUnderTest) -> AsyncIterator[httpx.AsyncClient]:
    """Calls the application as a token of another organization with the same scopes."""
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    token = Token(ids.uuid7(), *service.scopes)
    async with httpx.AsyncClient(transport=transport, base_url="http://test", auth=token) as caller:
        yield caller


@pytest.fixture
def bus(database: Database, service: ServiceUnderTest) -> Bus:
    """Delivers events to the service's handlers and shows the events that it recorded."""
    return Bus(database, service.flows)


@pytest_asyncio.fixture
async def amqp_channel(rabbitmq_url: str) -> AsyncIterator[aio_pika.abc.AbstractChannel]:
    """A channel with confirms on this run's virtual host."""
    async with await aio_pika.connect(rabbitmq_url) as connection:
        yield await connection.channel(on_return_raises=True)
