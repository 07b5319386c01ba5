"""A sandbox in a process of its own, the official library, and a receiver of call-backs."""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import stripe
from aiohttp import web

SECRET = "whsec_of_the_tests"


def free_port() -> int:
    """A port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Receiver:
    """Keeps what was called back; refuses the first `refusals` calls."""

    def __init__(self) -> None:
        self.events: list[Any] = []
        self.refusals = 0
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/webhook"

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        event = stripe.Webhook.construct_event(body, request.headers["Stripe-Signature"], SECRET)
        if self.refusals:
            self.refusals -= 1
            return web.Response(status=503)
        self.events.append(event)
        return web.Response()

    async def of_type(self, kind: str, count: int = 1) -> list[Any]:
        """Waits for `count` events of a type."""
        async with asyncio.timeout(60):
            while len(found := [event for event in self.events if event["type"] == kind]) < count:
                await asyncio.sleep(0.01)
        return found


class Sandbox:
    """The sandbox's process."""

    def __init__(self, data: Path, webhook_url: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._command = [sys.executable, "-m", "stripe_sandbox", "--port", str(self.port), "--data", str(data)]
        self._command += ["--webhook-url", webhook_url]
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        self._process = subprocess.Popen(
            self._command, env={**os.environ, "STRIPE_SANDBOX_WEBHOOK_SECRET": SECRET}, stdin=subprocess.DEVNULL
        )
        async with asyncio.timeout(60), aiohttp.ClientSession() as session:
            while True:
                try:
                    async with session.get(f"{self.url}/healthz") as response:
                        if response.status == 200:
                            return
                except aiohttp.ClientError:
                    await asyncio.sleep(0.05)

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def client(self, **options: Any) -> stripe.StripeClient:
        return stripe.StripeClient(
            "sk_test_of_the_tests",
            base_addresses={"api": self.url},
            http_client=stripe.HTTPXClient(timeout=60),
            **{"max_network_retries": 0, **options},
        )

    async def control(self, method: str, path: str, body: Any = None) -> Any:
        async with aiohttp.ClientSession() as session, session.request(method, f"{self.url}/{path}", json=body) as got:
            assert got.status == 200, await got.text()
            return await got.json()

    async def faults(self, **faults: Any) -> None:
        await self.control("POST", "_sandbox/faults", faults)

    async def summary(self) -> Any:
        return await self.control("GET", "_sandbox/summary")


@pytest.fixture(scope="session")
async def receiver_of_all() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/webhook", receiver.take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", receiver.port).start()
    yield receiver
    await runner.cleanup()


@pytest.fixture
def receiver(receiver_of_all: Receiver) -> Receiver:
    receiver_of_all.events.clear()
    receiver_of_all.refusals = 0
    return receiver_of_all


@pytest.fixture(scope="session")
async def process(tmp_path_factory: pytest.TempPathFactory, receiver_of_all: Receiver) -> AsyncIterator[Sandbox]:
    sandbox = Sandbox(tmp_path_factory.mktemp("sandbox"), receiver_of_all.url)
    await sandbox.start()
    yield sandbox
    sandbox.kill()


@pytest.fixture
async def sandbox(process: Sandbox) -> Sandbox:
    await process.control("POST", "_sandbox/reset")
    return process


@pytest.fixture
def client(sandbox: Sandbox) -> stripe.StripeClient:
    return sandbox.client()
