"""`./polar bench events`: the bus measured beside bare clients in the same run, as ratios."""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import aio_pika
import asyncpg
import uvloop
from contracts.billing import Customer, CustomerUpdatedV1
from contracts.event import Event
from servicekit import clock, ids, outbox
from servicekit.consumers import ConsumerLoop, Consumers
from servicekit.database import Database
from servicekit.migrations import KIT_SCHEMA
from servicekit.relay import Relay
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from polar_cli.console import say, step, table
from polar_cli.servers import Limits
from polar_cli.stack import Stack

RATE = 100
LATENCY_SECONDS = 15
EVENTS = 10_000
IN_FLIGHT = 200
WRITERS = 8


def fresh_stack() -> Stack:
    """Servers without anything from an earlier run: its queues would be given every event once more."""
    Stack("bench").reset()
    return Stack("bench", limits=Limits.none(), durable=True)


def events() -> int:
    """Starts servers of its own, measures, prints. Returns 0: figures are read, not asserted."""
    stack = fresh_stack()
    try:
        stack.servers_up()
        with step(f"measuring {EVENTS} events"):
            rows = uvloop.run(_measure(stack))
    finally:
        stack.down()
    say()
    table(("figure", "value", "ratio", "to"), rows)
    return 0


def customer_event(organization_id: UUID) -> CustomerUpdatedV1:
    """A typical event, of a customer of its own."""
    now = clock.now()
    fields = {
        "id": ids.uuid7(), "created_at": now, "modified_at": now, "metadata": {"plan": "pro"}, "external_id": "u-1",
        "email": "ada@example.com", "email_verified": True, "type": "individual", "name": "Ada Lovelace",
        "billing_name": None, "billing_address": {"country": "GB", "city": "London"}, "tax_id": None, "locale": "en",
        "organization_id": organization_id, "deleted_at": None, "first_user_event_at": None, "avatar_url": None,
        "default_payment_method_id": None,
    }  # fmt: skip
    data = Customer.model_validate(fields)
    return CustomerUpdatedV1(subject=data.id, organization_id=organization_id, time=now, data=data)


async def _measure(stack: Stack) -> list[tuple[str, str, str, str]]:
    url = await kit_database(stack)
    database = Database(url.replace("postgresql://", "postgresql+asyncpg://"), name="bench", pool_size=WRITERS + 4)
    bench = _Bench(database, stack.rabbitmq_url, url)
    latencies = await bench.latency()
    committed, published, handled = await bench.throughput(together=False)
    _, again, handled_together = await bench.throughput(together=True)
    published = max(published, again)
    bare_publish = await bench.bare_publishing()
    bare_insert = await bench.bare_inserts(together=False)
    bare_insert_together = await bench.bare_inserts(together=True)
    await database.close()
    p50 = statistics.median(latencies) * 1000
    p99 = statistics.quantiles(latencies, n=100)[98] * 1000
    return [
        (f"outbox → consumer at {RATE}/s, p50 ms", f"{p50:.1f}", "", ""),
        (f"outbox → consumer at {RATE}/s, p99 ms", f"{p99:.1f}", "", ""),
        ("bare publishing with confirms, events/s", f"{bare_publish:.0f}", "", ""),
        ("relay, events/s", f"{published:.0f}", f"{published / bare_publish:.2f}", "bare publishing"),
        ("bare inserts, a statement each, events/s", f"{bare_insert:.0f}", "", ""),
        ("consumer, events/s", f"{handled:.0f}", f"{handled / bare_insert:.2f}", "bare inserts"),
        ("bare inserts, 200 a statement, events/s", f"{bare_insert_together:.0f}", "", ""),
        (
            "consumer of events together, events/s",
            f"{handled_together:.0f}",
            f"{handled_together / bare_insert_together:.2f}",
            "bare inserts, 200 a statement",
        ),
        ("committed events, one a transaction, events/s", f"{committed:.0f}", "", ""),
    ]


async def kit_database(stack: Stack) -> str:
    """Creates a database with the kit's tables, and returns its address."""
    admin = await asyncpg.connect(stack.postgres_url)
    await admin.execute("drop database if exists bench with (force)")
    await admin.execute("create database bench")
    await admin.close()
    url = f"{stack.postgres_url.rsplit('/', 1)[0]}/bench"
    connection = await asyncpg.connect(url)
    await connection.execute(KIT_SCHEMA)
    await connection.execute("create table effects (id uuid primary key, email text not null, at timestamptz not null)")
    await connection.execute("create table bare_inbox (like inbox including all)")
    await connection.execute("create table bare (id uuid primary key, email text not null, at timestamptz not null)")
    await connection.close()
    return url


class _Bench:
    def __init__(self, database: Database, rabbitmq_url: str, postgres_url: str) -> None:
        self._database, self._rabbitmq_url, self._postgres_url = database, rabbitmq_url, postgres_url
        self._organization_id = ids.uuid7()

    def _flow(self, seen: Callable[[Event[Any]], None], *, together: bool) -> Consumers:
        flow = Consumers(f"bench.{ids.uuid7().hex[-8:]}")

        async def effect(event: CustomerUpdatedV1, session: AsyncSession) -> None:
            await session.execute(_EFFECT, {"id": event.id, "email": event.data.email, "at": event.time})
            seen(event)

        async def effects(events: list[CustomerUpdatedV1], session: AsyncSession) -> None:
            columns = {
                "ids": [event.id for event in events],
                "emails": [event.data.email for event in events],
                "at": [event.time for event in events],
            }
            await session.execute(_EFFECTS, columns)
            for event in events:
                seen(event)

        if together:
            flow.on(CustomerUpdatedV1, together=True)(effects)
        else:
            flow.on(CustomerUpdatedV1)(effect)
        return flow

    async def _forget(self, flow: Consumers) -> None:
        """Removes the flow's queues, so that the next measurement's events are routed to its own queue alone."""
        async with await aio_pika.connect(self._rabbitmq_url) as connection:
            channel = await connection.channel()
            await channel.queue_delete(flow.queue)
            await channel.queue_delete(f"{flow.queue}.dead")

    async def _running(self, flow: Consumers, work: Callable[[], Awaitable[None]], *, relay: bool = True) -> None:
        stop = asyncio.Event()
        loop = ConsumerLoop(flow, self._database, self._rabbitmq_url)
        tasks = [asyncio.create_task(self._database.wakeup.watch(stop)), asyncio.create_task(loop.run(stop))]
        while not loop.connected:
            await asyncio.sleep(0.05)
        if relay:
            tasks.append(asyncio.create_task(Relay(self._database, self._rabbitmq_url, "bench").run(stop)))
        try:
            await work()
        finally:
            stop.set()
            await asyncio.gather(*tasks)

    async def latency(self) -> list[float]:
        """Seconds from before the commit to the handler, at a steady rate."""
        began: dict[UUID, float] = {}
        taken: list[float] = []
        done = asyncio.Event()
        total = RATE * LATENCY_SECONDS

        def seen(event: Event[Any]) -> None:
            taken.append(time.monotonic() - began[event.id])
            if len(taken) == total:
                done.set()

        async def one() -> None:
            event = customer_event(self._organization_id)
            async with self._database.transaction() as session:
                outbox.record(session, event)
                began[event.id] = time.monotonic()

        async def work() -> None:
            start = time.monotonic()
            for number in range(total):
                await asyncio.sleep(max(0.0, start + number / RATE - time.monotonic()))
                await one()
            await asyncio.wait_for(done.wait(), 60)

        flow = self._flow(seen, together=False)
        await self._running(flow, work)
        await self._forget(flow)
        # The first second warms caches and connections.
        return taken[RATE:]

    async def throughput(self, *, together: bool) -> tuple[float, float, float]:
        """Events per second: committed one a transaction, published by the relay, handled by the consumer."""
        remaining = EVENTS
        handled_first: list[float] = []
        done = asyncio.Event()

        def seen(_: Event[Any]) -> None:
            nonlocal remaining
            handled_first.append(time.monotonic())
            remaining -= 1
            if not remaining:
                done.set()

        began = time.monotonic()
        numbers = iter(range(EVENTS))

        async def writer() -> None:
            for _ in numbers:
                async with self._database.transaction() as session:
                    outbox.record(session, customer_event(self._organization_id))

        await asyncio.gather(*(writer() for _ in range(WRITERS)))
        committed = EVENTS / (time.monotonic() - began)
        flow = self._flow(seen, together=together)
        async with await aio_pika.connect(self._rabbitmq_url) as connection:
            await flow.declare(await connection.channel())
        stop = asyncio.Event()
        began = time.monotonic()
        relay = asyncio.create_task(Relay(self._database, self._rabbitmq_url, "bench").run(stop))
        while await self._is_waiting():
            await asyncio.sleep(0.05)
        published = EVENTS / (time.monotonic() - began)
        stop.set()
        await relay
        began = time.monotonic()

        async def work() -> None:
            await asyncio.wait_for(done.wait(), 120)

        await self._running(flow, work, relay=False)
        await self._forget(flow)
        return committed, published, EVENTS / (handled_first[-1] - began)

    async def _is_waiting(self) -> bool:
        async with self._database.transaction() as session:
            statement = text("select exists (select from outbox where published_at is null)")
            return bool((await session.execute(statement)).scalar_one())

    async def bare_publishing(self) -> float:
        """Events per second with aio-pika alone: confirms, so many in flight, a quorum queue."""
        body = customer_event(self._organization_id).to_bytes()
        async with await aio_pika.connect(self._rabbitmq_url) as connection:
            channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
            name = f"bare.{ids.uuid7().hex[-8:]}"
            await channel.declare_queue(name, durable=True, arguments={"x-queue-type": "quorum"})
            began = time.monotonic()
            for _ in range(0, EVENTS, IN_FLIGHT):
                message = aio_pika.Message(body, delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
                await asyncio.gather(
                    *(channel.default_exchange.publish(message, name, mandatory=True) for _ in range(IN_FLIGHT))
                )
            return EVENTS / (time.monotonic() - began)

    async def bare_inserts(self, *, together: bool) -> float:
        """Events per second with asyncpg alone, in transactions of 200: an inbox row and an effect row for each.

        The effects are written by a statement each, or with `together` by one for all 200, as the handlers do.
        """
        connection = await asyncpg.connect(self._postgres_url)
        await connection.execute("truncate bare, bare_inbox")
        now = clock.now()
        inbox = "insert into bare_inbox select '/bench', id, 'bench', $2 from unnest($1::uuid[]) id order by id"
        one = "insert into bare (id, email, at) values ($1, $2, $3)"
        many = "insert into bare (id, email, at) select * from unnest($1::uuid[], $2::text[], $3::timestamptz[])"
        began = time.monotonic()
        for _ in range(0, EVENTS, IN_FLIGHT):
            new = [ids.uuid7() for _ in range(IN_FLIGHT)]
            async with connection.transaction():
                await connection.execute(inbox, new, now)
                if together:
                    await connection.execute(many, new, ["ada@example.com"] * IN_FLIGHT, [now] * IN_FLIGHT)
                    continue
                for id in new:
                    await connection.execute(one, id, "ada@example.com", now)
        rate = EVENTS / (time.monotonic() - began)
        await connection.close()
        return rate


_EFFECTS = text("""
    insert into effects (id, email, at)
    select * from unnest(cast(:ids as uuid[]), cast(:emails as text[]), cast(:at as timestamptz[]))
""")
_EFFECT = text("insert into effects (id, email, at) values (:id, :email, :at)")
