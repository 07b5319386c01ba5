"""The message process of a service: the relay, its consumers, its timers, and two health routes.

`python -m <service>.worker` runs it; `python -m <service>.worker declare` only declares the queues, so that nothing
is published before every consumer's queue exists; `python -m <service>.worker rebuild` has every copy told again.
"""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from datetime import timedelta
from typing import Any

import aio_pika
import structlog
import uvloop
from aio_pika.abc import AbstractChannel
from contracts import avatars

from servicekit import broker, clock, memory, rebuild, telemetry
from servicekit import timers as due_work
from servicekit.backlogs import Backlog, Backlogs
from servicekit.clocks import Clocks
from servicekit.consumers import ConsumerLoop, Consumers
from servicekit.database import Database, Sessions
from servicekit.housekeeping import Housekeeping
from servicekit.invariants import Invariant, Invariants
from servicekit.projections import Projections
from servicekit.relay import Relay
from servicekit.settings import Settings
from servicekit.timers import Timer

log = structlog.get_logger()

Timers = Callable[[Database], AbstractAsyncContextManager[Sequence[Timer]]]


@asynccontextmanager
async def no_timers(_: Database) -> AsyncIterator[Sequence[Timer]]:
    """For a service without due work of its own."""
    yield ()


def run(
    service: str,
    settings: Settings,
    flows: Sequence[Consumers],
    timers: Timers = no_timers,
    invariants: Sequence[Invariant] = (),
    projections: Projections | None = None,
    backlogs: Sequence[Backlog] = (),
    *,
    clocks: Clocks,
) -> None:
    """Runs the worker until SIGTERM or SIGINT; then every part finishes what it has in hand.

    `timers` is entered once, with the database, and may hold what its timers share, for example a client of the
    outside. `invariants` are looked at besides those of every service, and so are `backlogs`. `projections` are its
    copies, and those that others keep of its own; `clocks` are the test clocks that it follows.
    Raises `ValueError` when two flows have a handler for the same event.
    """
    seen: dict[str, str] = {}
    for flow in flows:
        for key in flow.handlers:
            if key in seen:
                raise ValueError(f"{key} is handled in {seen[key]} and in {flow.queue}")
            seen[key] = flow.queue
    telemetry.configure(service, settings)
    avatars.use(settings.public_url)
    copies = projections or Projections(service)
    match sys.argv[1:]:
        case ["declare"]:
            uvloop.run(declare(settings.rabbitmq_url, flows))
        case ["rebuild", *options]:
            raise SystemExit(uvloop.run(rebuild.run(service, settings, copies, empty="--empty" in options)))
        case _:
            uvloop.run(_run(service, settings, flows, timers, invariants, copies, backlogs, clocks))


async def declare(rabbitmq_url: str, flows: Sequence[Consumers]) -> None:
    """Declares the queues of some flows, so that what is said from now on waits for them."""
    async with await broker.connect(rabbitmq_url, "declare") as connection:
        channel = await connection.channel()
        for flow in flows:
            await flow.declare(channel)


async def _run(
    service: str,
    settings: Settings,
    flows: Sequence[Consumers],
    timers: Timers,
    invariants: Sequence[Invariant],
    projections: Projections,
    backlogs: Sequence[Backlog],
    clocks: Clocks,
) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    database = Database(settings.database_url, name=f"{service}.worker", pool_size=settings.database_pool_size)
    loops = [ConsumerLoop(flow, database, settings.rabbitmq_url) for flow in flows]
    channels = Channels(settings.rabbitmq_url, f"{service}.retries")
    watched = Invariants(invariants)
    health = await asyncio.start_server(
        lambda reader, writer: _answer(reader, writer, database, loops, watched), settings.host, settings.worker_port
    )
    async with timers(database) as own, asyncio.TaskGroup() as tasks:
        tasks.create_task(database.wakeup.watch(stop))
        tasks.create_task(Relay(database, settings.rabbitmq_url, service).run(stop))
        for loop in loops:
            tasks.create_task(loop.run(stop))
        copies = projections.timers(timedelta(seconds=settings.projection_check_seconds))
        tasks.create_task(clocks.keep(database, flows, own, stop))
        kept = Housekeeping(timedelta(days=settings.outbox_retention_days))
        measured = [Backlogs(backlogs).timer()] if telemetry.is_exporting() else []
        for timer in (*own, *copies, *measured, _retries(loops, channels), kept.timer(), watched.timer()):
            tasks.create_task(timer.run(database, stop))
        memory.collect_seldom()
        log.info("worker.started", queues=[flow.queue for flow in flows])
        await stop.wait()
        log.info("worker.stopping")
        health.close()
    await channels.close()
    await database.close()
    log.info("worker.stopped")


class Channels:
    """A channel that is opened when it is first needed, and again after a fault."""

    def __init__(self, url: str, name: str) -> None:
        self._url = url
        self._name = name
        self._connection: aio_pika.abc.AbstractConnection | None = None

    async def channel(self) -> AbstractChannel:
        """Opens a channel with confirms. Raises `OSError` when the broker is away."""
        if self._connection is None or self._connection.is_closed:
            self._connection = await broker.connect(self._url, self._name)
        return await self._connection.channel(publisher_confirms=True, on_return_raises=True)

    async def close(self) -> None:
        """Closes the connection, if one was opened."""
        if self._connection is not None:
            with suppress(Exception):
                await self._connection.close()


def _retries(loops: Sequence[ConsumerLoop], channels: Channels) -> Timer:
    queues = [loop.queue for loop in loops]
    keys = [key for loop in loops for key in loop.keys]

    async def is_any_due(database: Database) -> bool:
        return await database.fetchrow(_ANY_RETRY, queues, clock.wall(), keys) is not None

    async def retry_due(_: Sessions) -> int:
        return sum(await asyncio.gather(*(loop.retry_due(channels.channel) for loop in loops)))

    return Timer("retries", retry_due, every=timedelta(milliseconds=500), ready=is_any_due)


_ANY_RETRY = "select 1 from retries where queue = any($1) and due_at <= $2 and routing_key = any($3) limit 1"


async def _answer(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    database: Database,
    loops: Sequence[ConsumerLoop],
    invariants: Invariants,
) -> None:
    """`/healthz`: the process is alive. `/readyz`: the database answers and every consumer is connected.

    `/internal/invariants`: how the service's invariants stood when they were last looked at. `/internal/timers`: how
    much each timer of this process has done since it started.
    """
    status = "200 OK"
    body: dict[str, Any] = {"status": "ok"}
    with suppress(Exception):
        async with asyncio.timeout(5):
            request = await reader.readline()
            if b"/internal/invariants" in request:
                body = invariants.shown()
            elif b"/internal/timers" in request:
                body = dict(due_work.done)
            elif b"/readyz" in request:
                try:
                    await database.ping()
                    waiting = [loop.queue for loop in loops if not loop.connected]
                    if waiting:
                        status, body = "503 Service Unavailable", {"status": "not consuming", "queues": str(waiting)}
                except Exception as error:
                    status, body = "503 Service Unavailable", {"status": "database", "reason": type(error).__name__}
            payload = json.dumps(body).encode()
            writer.write(f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n".encode())
            writer.write(f"Content-Length: {len(payload)}\r\nConnection: close\r\n\r\n".encode() + payload)
            await writer.drain()
    writer.close()
