"""Webhooks under test, with a receiver of its own."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from aiohttp import web
from contracts.benefits import Benefit, BenefitCreatedV1, BenefitUpdatedV1
from servicekit import clock, ids
from servicekit.testing import ServiceUnderTest
from servicekit.testing.harness import Bus
from webhooks.app import create_app
from webhooks.deliveries.courier import Courier
from webhooks.settings import Settings
from webhooks.worker import FLOWS


@pytest.fixture(scope="session")
def service() -> ServiceUnderTest:
    """Names webhooks to the kit's plugin."""
    return ServiceUnderTest(
        name="webhooks",
        root=Path(__file__).parents[1],
        create_app=create_app,
        settings=Settings,
        flows=FLOWS,
        environment={"webhook_allow_internal_addresses": "true"},
        scopes=["webhooks:read", "webhooks:write"],
    )


class Receiver:
    """A merchant's endpoint: keeps what it gets, and answers with `answers` in turn, then 200."""

    def __init__(self) -> None:
        self.requests: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[web.Response] = []
        self.paths: list[tuple[str, float]] = []
        self.handler: Callable[[web.Request], Awaitable[web.StreamResponse]] | None = None
        self.held = asyncio.Event()
        self.held.set()
        self.url = ""

    async def take(self, request: web.Request) -> web.StreamResponse:
        self.requests.append((dict(request.headers), await request.read()))
        self.paths.append((request.path, asyncio.get_running_loop().time()))
        await self.held.wait()
        if self.handler is not None:
            return await self.handler(request)
        return self.answers.pop(0) if self.answers else web.Response(text="OK")


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/hook", receiver.take)
    app.router.add_route("*", "/{elsewhere}", receiver.take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    receiver.url = f"http://127.0.0.1:{port}/hook"
    yield receiver
    receiver.held.set()
    await runner.cleanup()


@pytest.fixture
async def courier(settings: Any, database: Any) -> AsyncIterator[Courier]:
    async with Courier(settings, database) as courier:
        yield courier


@pytest.fixture
def deliver(courier: Courier, database: Any) -> Callable[[], Awaitable[int]]:
    """Makes every delivery that is due, in as many rounds as it takes. Returns how many there were."""

    async def deliver() -> int:
        total = 0
        while done := await courier.claim_due(database.transaction):
            total += done
            await courier.settle()
        return total

    return deliver


@pytest.fixture
def tell(bus: Bus, organization_id: UUID) -> Callable[..., Awaitable[Any]]:
    """Tells of a benefit: created, or with a later sequence updated."""

    async def tell(sequence: int = 1, id: UUID | None = None, owner: UUID | None = None) -> Any:
        now = clock.now()
        fields = {
            "id": id or ids.uuid7(), "created_at": now, "modified_at": None, "type": "custom",
            "description": f"number {sequence} – ünïcode", "selectable": True, "deletable": True,
            "is_deleted": False, "organization_id": owner or organization_id, "metadata": {},
            "visibility": "public", "visibility_configurable": True, "properties": {"note": None},
        }  # fmt: skip
        data = Benefit.model_validate(fields)
        contract = BenefitCreatedV1 if sequence == 1 else BenefitUpdatedV1
        event = contract(subject=data.id, organization_id=data.organization_id, time=now, data=data)
        event.sequence = sequence
        await bus.deliver(event)
        return event

    return tell


@pytest.fixture
async def endpoint(client: Any, receiver: Receiver) -> Any:
    """An endpoint at the receiver that asks for benefits' events."""
    body = {"url": receiver.url, "events": ["benefit.created", "benefit.updated"]}
    answer = await client.post("/v1/webhooks/endpoints", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()
