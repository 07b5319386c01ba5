"""`./polar bench webhooks`: deliveries of the real worker beside a bare loop of the same HTTP library, as ratios.

Three figures: deliveries a second of one worker; what a thousand endpoints that answer after two seconds do to one that
answers at once; what one merchant at fifty times the load, and a dead endpoint, do to the others, with two workers.

The first is measured in rounds, the loop before each worker: no machine is equally quick from one minute to the next.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import aiohttp
import asyncpg
import uvloop
from servicekit import clock, ids

from polar_cli.bench import fresh_stack
from polar_cli.console import Failure, say, step, table
from polar_cli.state import ROOT

EVENTS = 20_000
ROUNDS = 3
ENDPOINTS = 200
IN_FLIGHT = 200
SLOW_ENDPOINTS = 1_000
SLOW_EACH = 20
SECONDS = 20
WARM_UP_SECONDS = 4
OTHERS = 20
RATE = 5.0
"""Events a second for each of the other merchants' endpoints."""
TIMES = 50
_SECRET = b"a bench signs like everybody else"


def webhooks() -> int:
    """Starts servers, a sink and workers of its own, measures, prints. Returns 0: figures are read, not asserted."""
    stack = fresh_stack()
    try:
        stack.servers_up()
        stack.migrate()
        stack.declare()
        port = stack.state.port("bench.sink")
        with _sink(port):
            bench = _Bench(stack, f"http://127.0.0.1:{port}")
            with step(f"{EVENTS} deliveries to {ENDPOINTS} endpoints, {ROUNDS} times"):
                rounds = [uvloop.run(bench.throughput()) for _ in range(ROUNDS)]
            with step(f"one quick endpoint beside {SLOW_ENDPOINTS} that take two seconds"):
                quick = uvloop.run(bench.beside_slow_ones())
            with step(f"{OTHERS} merchants beside one at {TIMES} times the load, and a dead endpoint, {ROUNDS} times"):
                pairs = [uvloop.run(bench.fairness()) for _ in range(ROUNDS)]
    finally:
        stack.down()
    say()
    table(
        ("figure", "value", "ratio"),
        [
            ("bare aiohttp loop, deliveries/s", " ".join(f"{bare:.0f}" for _, bare in rounds), ""),
            (
                "one worker, deliveries/s",
                " ".join(f"{worker:.0f}" for worker, _ in rounds),
                " ".join(f"{worker / bare:.2f}" for worker, bare in rounds),
            ),
            ("quick endpoint beside 1,000 slow ones, p50 ms", f"{_percentile(quick, 50):.0f}", ""),
            ("quick endpoint beside 1,000 slow ones, p99 ms", f"{_percentile(quick, 99):.0f}", ""),
            *(_fairness(percent, pairs) for percent in (50, 99)),
        ],
    )
    return 0


def _fairness(percent: int, pairs: list[tuple[list[float], list[float]]]) -> tuple[str, str, str]:
    found = [(_percentile(alone, percent), _percentile(beside, percent)) for alone, beside in pairs]
    return (
        f"{OTHERS} merchants alone / beside one at {TIMES} times the load and a dead one, p{percent} ms",
        " ".join(f"{alone:.0f}/{beside:.0f}" for alone, beside in found),
        " ".join(f"{beside / alone:.2f}" for alone, beside in found),
    )


def _percentile(values: list[float], percent: int) -> float:
    return statistics.quantiles(values, n=100)[percent - 1]


@contextmanager
def _process(command: list[str], environment: dict[str, str] | None = None) -> Iterator[None]:
    running = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        running.terminate()
        running.wait(30)


@contextmanager
def _sink(port: int) -> Iterator[None]:
    with _process([sys.executable, "-m", "polar_cli.sink", str(port)]):
        yield


class _Bench:
    def __init__(self, stack: Any, sink: str) -> None:
        self._stack = stack
        self._sink = sink
        self._address = f"{stack.postgres_url.rsplit('/', 1)[0]}/webhooks"
        self._secret = stack.environment("webhooks")["SECRET"]
        self._body = json.dumps(
            {"type": "order.paid", "timestamp": "2026-01-31T12:00:00Z", "data": {"note": "x" * 900}},
            separators=(",", ":"),
        ).encode()

    @contextmanager
    def _worker(self, number: int = 1) -> Iterator[None]:
        environment = self._stack.environment("webhooks", "webhooks.worker")
        environment["WORKER_PORT"] = str(self._stack.state.port(f"bench.worker{number}"))
        environment["LOG_LEVEL"] = "WARNING"
        with _process([sys.executable, "-m", "webhooks.worker"], environment):
            yield

    async def _empty(self, connection: Any) -> None:
        await connection.execute("truncate webhook_endpoints, webhook_events, webhook_deliveries cascade")
        await connection.execute("vacuum analyze webhook_events")

    async def _endpoints(self, connection: Any, count: int, path: str) -> list[tuple[UUID, UUID]]:
        """New endpoints, each of an organization of its own: (endpoint, organization)."""
        from webhooks.endpoints.models import Endpoint, new_secret

        made = Endpoint()
        made.set_secret(new_secret(), self._secret)
        found = [(ids.uuid7(), ids.uuid7()) for _ in range(count)]
        await connection.executemany(
            "insert into webhook_endpoints (id, organization_id, created_at, url, format, api_version, events, "
            "enabled, encrypted_secret) values ($1, $2, $3, $4, 'raw', '2026-10', '[\"order.paid\"]', true, $5)",
            [
                (id, owner, clock.now(), f"{self._sink}/{path}/{number}", made.encrypted_secret)
                for number, (id, owner) in enumerate(found)
            ],
        )
        return found

    async def _announce(self, connection: Any, endpoints: list[tuple[UUID, UUID]], each: int = 1) -> None:
        """Events that are due now, as the service's consumer writes them."""
        rows = [pair for _ in range(each) for pair in endpoints]
        now = clock.now()
        new = [ids.uuid7() for _ in rows]
        await connection.execute(
            "insert into webhook_events (id, organization_id, created_at, endpoint_id, event_id, type, api_version, "
            "resource_id, sequence, payload, correlation_id, due_at, attempts) "
            "select id, owner, $4, endpoint, id, 'order.paid', '2026-10', id, 1, $5, id, $4, 0 "
            "from unnest($1::uuid[], $2::uuid[], $3::uuid[]) told (id, endpoint, owner)",
            new, [id for id, _ in rows], [owner for _, owner in rows], now, self._body,
        )  # fmt: skip
        await connection.execute("notify wakeup, 'work'")  # as the consumer does

    async def throughput(self) -> tuple[float, float]:
        """Deliveries a second: the worker's, from the first to the last, and those of a bare loop."""
        connection = await asyncpg.connect(self._address)
        await self._empty(connection)
        endpoints = await self._endpoints(connection, ENDPOINTS, "fast")
        await self._announce(connection, endpoints, EVENTS // ENDPOINTS)
        await connection.execute("vacuum analyze webhook_events")
        bare = await self._bare()
        with self._worker():
            deadline = time.monotonic() + 120
            while await connection.fetchval("select exists (select from webhook_events where due_at is not null)"):
                if time.monotonic() > deadline:
                    raise Failure("the worker did not come to an end")
                await asyncio.sleep(0.1)
        row = await connection.fetchrow(
            "select extract(epoch from max(created_at) - min(created_at)) as seconds, "
            "count(*) filter (where succeeded) as taken from webhook_deliveries"
        )
        if row is None or row["taken"] != EVENTS:
            raise Failure(f"not all of {EVENTS} deliveries were taken: {row}")
        await self._empty(connection)
        await connection.close()
        return EVENTS / float(row["seconds"]), bare

    async def _bare(self) -> float:
        """The same bytes, signed the same way, by aiohttp alone."""
        signed = [self._signed(number) for number in range(EVENTS)]
        numbers = iter(range(EVENTS))
        connector = aiohttp.TCPConnector(limit=IN_FLIGHT)
        async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session:

            async def sender() -> None:
                for number in numbers:
                    url = f"{self._sink}/fast/{number % ENDPOINTS}"
                    async with session.post(
                        url, data=self._body, headers=signed[number], allow_redirects=False
                    ) as answer:
                        await answer.read()

            began = time.monotonic()
            await asyncio.gather(*(sender() for _ in range(IN_FLIGHT)))
            return EVENTS / (time.monotonic() - began)

    def _signed(self, number: int) -> dict[str, str]:
        id, timestamp = str(ids.uuid7()), str(int(clock.now().timestamp()))
        content = f"{id}.{timestamp}.".encode() + self._body
        return {
            "Content-Type": "application/json",
            "webhook-id": id,
            "webhook-timestamp": timestamp,
            "webhook-signature": f"v1,{base64.b64encode(hmac.digest(_SECRET, content, hashlib.sha256)).decode()}",
            "X-Polar-Signature": hmac.digest(_SECRET, self._body, hashlib.sha256).hex(),
        }

    async def beside_slow_ones(self) -> list[float]:
        """Milliseconds from the announcement to the quick endpoint's answer, twenty times a second."""
        connection = await asyncpg.connect(self._address)
        slow = await self._endpoints(connection, SLOW_ENDPOINTS, "slow")
        quick = await self._endpoints(connection, 1, "fast")
        with self._worker():
            await self._at_a_rate(connection, [(quick, 20.0)], 3)
            await connection.execute("truncate webhook_events, webhook_deliveries cascade")
            await self._announce(connection, slow, SLOW_EACH)
            await self._at_a_rate(connection, [(quick, 20.0)], WARM_UP_SECONDS + SECONDS)
            left = await connection.fetchval(
                "select count(*) from webhook_events w join webhook_endpoints e on e.id = w.endpoint_id "
                "where e.url like '%/slow/%' and w.due_at is not null"
            )
            if not left:
                raise Failure("the slow endpoints had nothing left to do: the figure says nothing")
            found = await self._latencies(connection, quick)
        await self._empty(connection)
        await connection.close()
        return found

    async def fairness(self) -> tuple[list[float], list[float]]:
        """Milliseconds of the others, alone and beside the loud and the dead, with two workers."""
        connection = await asyncpg.connect(self._address)
        others = await self._endpoints(connection, OTHERS, "fast")
        loud = await self._endpoints(connection, 1, "fast")
        dead = await self._endpoints(connection, 1, "dead")
        with self._worker(1), self._worker(2):
            await self._at_a_rate(connection, [(others, RATE)], WARM_UP_SECONDS + SECONDS)
            alone = await self._latencies(connection, others)
            await connection.execute("truncate webhook_events, webhook_deliveries cascade")
            await self._announce(connection, loud, 2_000)
            loads = [(others, RATE), (loud, RATE * TIMES), (dead, RATE * OTHERS / 10)]
            await self._at_a_rate(connection, loads, WARM_UP_SECONDS + SECONDS)
            beside = await self._latencies(connection, others)
        await self._empty(connection)
        await connection.close()
        return alone, beside

    async def _at_a_rate(
        self, connection: Any, loads: list[tuple[list[tuple[UUID, UUID]], float]], seconds: float
    ) -> None:
        """Announces for `seconds`: each of the endpoints gets so many events a second, evenly."""
        ticks: list[tuple[float, list[tuple[UUID, UUID]]]] = []
        for endpoints, rate in loads:
            gap = 1 / (rate * len(endpoints))
            ticks += [(number * gap, [endpoints[number % len(endpoints)]]) for number in range(int(seconds / gap))]
        ticks.sort(key=lambda tick: tick[0])
        began = time.monotonic()
        while ticks:
            await asyncio.sleep(max(0.0, began + ticks[0][0] - time.monotonic()))
            passed = time.monotonic() - began
            now = [pair for at, pairs in ticks if at <= passed for pair in pairs]
            ticks = ticks[len(now) :]
            if now:
                await self._announce(connection, now)
        await asyncio.sleep(1)

    async def _latencies(self, connection: Any, endpoints: list[tuple[UUID, UUID]]) -> list[float]:
        rows = await connection.fetch(
            "select extract(epoch from d.at - w.created_at) * 1000 as ms from webhook_events w "
            "cross join lateral (select min(created_at) as at from webhook_deliveries where webhook_event_id = w.id) d "
            "where w.endpoint_id = any($1) "
            "and w.created_at > (select min(created_at) from webhook_events) + make_interval(secs => $2)",
            [id for id, _ in endpoints], float(WARM_UP_SECONDS),
        )  # fmt: skip
        found = [float(row["ms"]) for row in rows if row["ms"] is not None]
        if len(found) < len(rows) - OTHERS:
            raise Failure(f"{len(rows) - len(found)} of {len(rows)} events were not delivered")
        return found
