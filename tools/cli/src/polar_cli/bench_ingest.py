"""`./polar bench ingest`: usage events a second through the gateway, beside a bare COPY of the same rows."""

import asyncio
import json
import os
import time
from datetime import UTC, datetime
from uuid import UUID, uuid4

import asyncpg
import httpx

from polar_cli.bench import fresh_stack
from polar_cli.console import Failure, say, step, table
from polar_cli.stack import Stack

BATCH = 1000
BATCHES = 60
SENDERS = 4
_COLUMNS = (
    "id",
    "organization_id",
    "timestamp",
    "ingested_at",
    "name",
    "source",
    "external_id",
    "external_customer_id",
    "metadata",
)


def ingest() -> int:
    """Starts a stack of its own, sends, prints. Returns 0: figures are read, not asserted."""
    stack = fresh_stack()
    try:
        stack.up()
        with step(f"{BATCHES} batches of {BATCH} events by {SENDERS} senders"):
            sent, copied = asyncio.run(_measure(stack))
    finally:
        stack.down()
    say()
    table(
        ("figure", "events/s", "ratio"),
        [
            ("ingested through the gateway", f"{sent:.0f}", f"{sent / copied:.2f}"),
            ("bare COPY into a table with the same indexes", f"{copied:.0f}", "1.00"),
        ],
    )
    return 0


async def _measure(stack: Stack) -> tuple[float, float]:
    created = await asyncio.to_thread(stack.create_organization, "Bench", f"bench-{os.urandom(4).hex()}")
    organization_id = UUID(created["organization_id"])
    headers = {"Authorization": f"Bearer {created['access_token']}", "Content-Type": "application/json"}
    bodies = [_body(number) for number in range(BATCHES + SENDERS)]
    async with httpx.AsyncClient(base_url=stack.url, headers=headers, timeout=60) as client:
        await asyncio.gather(*(_send(client, body) for body in bodies[BATCHES:]))
        waiting = bodies[:BATCHES]

        async def sender() -> None:
            while waiting:
                await _send(client, waiting.pop())

        began = time.monotonic()
        await asyncio.gather(*(sender() for _ in range(SENDERS)))
        sent = BATCHES * BATCH / (time.monotonic() - began)
    return sent, await _copied(stack, organization_id)


def _body(batch: int) -> bytes:
    events = [
        {
            "name": "completion",
            "external_customer_id": f"user-{number % 100}",
            "external_id": f"{batch}-{number}",
            "metadata": {"model": "small", "input_tokens": number, "output_tokens": 2 * number},
        }
        for number in range(BATCH)
    ]
    return json.dumps({"events": events}).encode()


async def _send(client: httpx.AsyncClient, body: bytes) -> None:
    answer = await client.post("/v1/events/ingest", content=body)
    if answer.status_code != 200 or answer.json()["inserted"] != BATCH:
        raise Failure(f"a batch was answered {answer.status_code}: {answer.text[:300]}")


async def _copied(stack: Stack, organization_id: UUID) -> float:
    """The same rows, from memory, over as many connections, into a twin of the table."""
    address = f"{stack.postgres_url.rsplit('/', 1)[0]}/metering"
    now = datetime.now(UTC)
    metadata = json.dumps({"model": "small", "input_tokens": 1, "output_tokens": 2})
    batches = [
        [
            (
                uuid4(),
                organization_id,
                now,
                now,
                "completion",
                "user",
                f"{batch}-{number}",
                f"user-{number % 100}",
                metadata,
            )
            for number in range(BATCH)
        ]
        for batch in range(BATCHES)
    ]
    async with asyncpg.create_pool(address, min_size=SENDERS, max_size=SENDERS) as pool:
        await pool.execute("create table bare_events (like events including all)")

        async def copier() -> None:
            async with pool.acquire() as connection:
                while batches:
                    await connection.copy_records_to_table("bare_events", records=batches.pop(), columns=_COLUMNS)

        began = time.monotonic()
        await asyncio.gather(*(copier() for _ in range(SENDERS)))
        return BATCHES * BATCH / (time.monotonic() - began)
