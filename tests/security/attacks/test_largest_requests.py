"""The largest bad request of every route: a clear 4xx, a short answer, and little of the service's processor.

CI sends each route its two dearest shapes; POLAR_ALL_LARGEST=1 sends all of them, and measures more (report with -s).
"""

import asyncio
import json
import math
import os
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from itertools import islice
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from polar_cli.console import say
from polar_cli.stack import Stack
from polar_cli.state import SERVICES
from servicekit.testing import eventually

from tests.end_to_end.openapi import Operation, operations
from tests.security.attacks.largest import INGEST, Request, requests_of
from tests.security.attacks.people import PATIENCE, Seller, address

ALL = bool(os.environ.get("POLAR_ALL_LARGEST"))
SHAPES_IN_CI = 2
REPEATED = 800 if ALL else 50
LARGEST_ANSWER = 64 * 1024
CPU_SECONDS = 0.3
YARDSTICK_SECONDS = 0.03
"""What `yardstick` takes of the processor that `CPU_SECONDS` is said for; a slower one is allowed more."""
TRIES = 3
MEMORY = 50 * 1024 * 1024
PORTAL = "/v1/customer-portal/"
YARDSTICK = json.dumps([{"number": number, "text": "some text"} for number in range(1_000)])
YARDSTICK_ROUNDS = 100
TICK = os.sysconf("SC_CLK_TCK")
EVENT_TYPES = "/v1/webhooks/event-types/"
"""Its answer has the schema of every event, which takes 0.3 s when it is first asked for."""
REPRESENTATIVES = {
    "identity": ("POST", "/v1/organization-access-tokens/"),
    "catalog": ("POST", "/v1/products/"),
    "checkout": ("POST", "/v1/checkouts/"),
    "billing": ("POST", "/v1/customers/"),
    "benefits": ("POST", "/v1/benefits/"),
    "webhooks": ("POST", "/v1/webhooks/endpoints/"),
    "metering": ("POST", "/v1/meters/"),
}
WITH_INGEST = [*REPRESENTATIVES.items(), ("metering", ("POST", INGEST))]


def yardstick() -> float:
    """Seconds of this processor for a fixed piece of work, as slow as the machine is at this moment."""
    began = time.process_time()
    for _ in range(YARDSTICK_ROUNDS):
        json.loads(YARDSTICK)
    return time.process_time() - began


class Processes:
    """The API processes of the stack, as the kernel counts them."""

    def __init__(self, stack: Stack) -> None:
        self._pids = {service: stack[f"{service}.api"].pid for service in SERVICES}

    def cpu(self) -> dict[str, float]:
        """Seconds of a processor that each has used."""
        return {service: self._ticks(pid) / TICK for service, pid in self._pids.items()}

    def resident(self, service: str) -> int:
        """Bytes of memory."""
        pages = Path(f"/proc/{self._pids[service]}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    def _ticks(self, pid: int | None) -> int:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])


class Sender:
    """Sends a request as it stands. aiohttp's client takes less of a processor than httpx's."""

    def __init__(self, session: aiohttp.ClientSession, url: str, seller: str, customer: str) -> None:
        self._session, self._url, self._seller, self._customer = session, url, seller, customer

    async def send(self, operation: Operation, request: Request, *, token: bool = True) -> tuple[int, bytes]:
        """Returns the status and the answer's body."""
        headers = {"Content-Type": "application/json", **request.headers}
        if token:
            headers["Authorization"] = self._customer if operation.path.startswith(PORTAL) else self._seller
        path = operation.url(client_secret="polar_c_none")
        address = f"{self._url}{path}{'&' if '?' in path else '?'}{request.query}".rstrip("?&")
        try:
            async with self._session.request(
                operation.method, address, data=request.body, headers=headers, allow_redirects=False
            ) as answer:
                return answer.status, await answer.read()
        except aiohttp.ClientConnectionError:
            # The gateway answers before it has read everything, and closes: once more for the answer.
            return 0, b""


@pytest.fixture(scope="module")
async def sender(stack: Stack, seller: Seller) -> AsyncIterator[Sender]:
    """With the seller's token, and in the portal with a customer's."""
    customer = await seller.call("POST", "/v1/customers/", {"email": address()})

    async def opened() -> Any:
        answer = await seller.api.post("/v1/customer-sessions/", json={"customer_id": customer["id"]})
        return answer.json() if answer.status_code == 201 else None

    session = await eventually(opened, seconds=PATIENCE, what="the session of a new customer")
    async with aiohttp.ClientSession() as client:
        yield Sender(client, stack.url, seller.api.headers["Authorization"], f"Bearer {session['token']}")


@pytest.fixture(scope="module")
async def document(seller: Seller) -> list[Operation]:
    """Every operation of the merged document."""
    return list(operations((await seller.nobody.get("/openapi.json")).json()))


def problem(status: int, content: bytes, *, is_read: bool) -> str:
    """What is wrong about an answer; reads may ignore what is large about headers, and answer as ever."""
    if is_read and status in {200, 302, 307}:
        return ""
    if len(content) > LARGEST_ANSWER:
        return f"an answer of {len(content)} bytes"
    if 400 <= status < 500 or status == 0:
        return ""
    return f"{status} {content[:200]!r}"


async def test_each_is_refused_shortly_and_costs_little(
    stack: Stack, sender: Sender, document: list[Operation]
) -> None:
    processes, problems, costs = Processes(stack), [], defaultdict(list)
    sent = 0
    await sender.send(
        next(one for one in document if one.path == EVENT_TYPES), Request("first")
    )  # the schemas are made once
    for operation in document:
        for request in islice(requests_of(operation), None if ALL else SHAPES_IN_CI):
            name = f"{operation.method} {operation.path} {request.name}"
            spent = math.inf
            # A process has other work as well: what was dear is sent again, and the least is its cost.
            for _ in range(TRIES):
                before = processes.cpu()
                status, content = await sender.send(operation, request)
                after = processes.cpu()
                spent = min(spent, max(after[service] - before[service] for service in SERVICES))
                sent += 1
                if spent <= CPU_SECONDS:
                    break
            costs[request.name].append((round(spent, 2), name))
            wrong = problem(status, content, is_read=request.body is None)
            if wrong or (spent > CPU_SECONDS and spent > CPU_SECONDS * yardstick() / YARDSTICK_SECONDS):
                problems.append(f"{name}: {wrong or f'{spent:.2f} s of CPU'}")
    say(f"\n{sent} requests; the dearest of each shape:")
    for name, spent in costs.items():
        say(f"  {name}: {sum(cost for cost, _ in spent):.1f} s in all, at most {max(spent)}")
    assert problems == []
    assert sent > 300


async def test_without_a_token_they_do_not_reach_a_service(
    stack: Stack, sender: Sender, document: list[Operation]
) -> None:
    problems = []
    for operation in document:
        if operation.needs_token:
            request = next(requests_of(operation))
            status, content = await sender.send(operation, request, token=False)
            if status not in {0, 401} or len(content) > LARGEST_ANSWER:
                problems.append(f"{operation.method} {operation.path}: {status} {content[:100]!r}")
    assert problems == []


@pytest.mark.parametrize(("service", "route"), WITH_INGEST if ALL else REPRESENTATIVES.items())
async def test_refused_bodies_give_their_memory_back(
    stack: Stack, sender: Sender, document: list[Operation], service: str, route: tuple[str, str]
) -> None:
    operation = next(one for one in document if (one.method, one.path) == route)
    shapes = [request for request in requests_of(operation) if request.body is not None]
    processes = Processes(stack)
    for request in shapes:
        await sender.send(operation, request)
    before = processes.resident(service)
    for number in range(REPEATED):
        status, _ = await sender.send(operation, shapes[number % len(shapes)])
        assert status == 0 or 400 <= status < 500
    grown = processes.resident(service) - before
    say(f"\n{service} {operation.path}: {REPEATED} requests, {grown / 2**20:+.1f} MB")
    assert grown < MEMORY


@pytest.mark.parametrize(("service", "route"), WITH_INGEST if ALL else [("catalog", REPRESENTATIVES["catalog"])])
async def test_another_tenant_is_answered_meanwhile(
    stack: Stack, sender: Sender, document: list[Operation], other: Any, service: str, route: tuple[str, str]
) -> None:
    """Eight at once of each shape; meanwhile another organization asks the same service. How long it waits is said."""
    operation = next(one for one in document if (one.method, one.path) == route)
    path = REPRESENTATIVES[service][1]
    waited, done = [], asyncio.Event()

    async def ask() -> None:
        while not done.is_set():
            began = time.perf_counter()
            answer = await other.get(path, params={"limit": 1})
            waited.append(time.perf_counter() - began)
            assert answer.status_code == 200, answer.text
            await asyncio.sleep(0.02)

    asking = asyncio.create_task(ask())
    for request in requests_of(operation):
        await asyncio.gather(*(sender.send(operation, request) for _ in range(8)))
    done.set()
    await asking
    say(f"\n{service} {operation.path}: another tenant's {len(waited)} requests waited at most {max(waited):.2f} s")
