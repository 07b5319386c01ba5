"""Real workers, killed with -9 in the middle of deliveries: every event arrives, with its one id, and none is stuck."""

import asyncio
import signal

import pytest
from servicekit.testing import worker_process
from sqlalchemy import text

PATIENCE = 120.0
TIMEOUT_SECONDS = 1.0


@pytest.fixture
def worker(service, settings, rabbitmq_url):
    """Starts the service's message process."""
    allowed = {"WEBHOOK_TIMEOUT_SECONDS": str(TIMEOUT_SECONDS), "WEBHOOK_ALLOW_INTERNAL_ADDRESSES": "true"}
    return lambda: worker_process(service, settings, rabbitmq_url, **allowed)


async def until(condition):
    async with asyncio.timeout(PATIENCE):
        while not await condition():
            await asyncio.sleep(0.02)


async def test_a_worker_killed_in_mid_delivery_loses_and_strands_nothing(endpoint, receiver, tell, database, worker):
    told = [await tell() for _ in range(30)]
    receiver.held.clear()

    async def some_are_in_hand():
        return len(receiver.requests) >= 5

    async def all_are_taken():
        async with database.transaction() as session:
            left = await session.execute(text("select count(*) from webhook_events where succeeded_at is null"))
            return left.scalar_one() == 0

    async with worker() as first:
        await until(some_are_in_hand)
        first.send_signal(signal.SIGKILL)
        await first.wait()
    await asyncio.sleep(0.5)  # what it had sent arrives
    in_hand = {headers["webhook-id"] for headers, _ in receiver.requests}
    receiver.held.set()
    told += [await tell() for _ in range(5)]
    async with worker():
        await until(all_are_taken)
    async with database.transaction() as session:
        rows = await session.execute(text("select id, event_id, due_at, claimed_until from webhook_events"))
        events = {str(row.id): row for row in rows}
    assert {row.event_id for row in events.values()} == {event.id for event in told}
    assert {headers["webhook-id"] for headers, _ in receiver.requests} == set(events)
    assert all(row.due_at is None and row.claimed_until is None for row in events.values())
    arrivals = [headers["webhook-id"] for headers, _ in receiver.requests]
    again = {id for id in arrivals if arrivals.count(id) > 1}
    assert again == in_hand, "those that were under way are sent once more, with their ids, and no others"
    bodies = {(headers["webhook-id"], body) for headers, body in receiver.requests}
    assert len(bodies) == len(events), "the bytes are the same each time"


async def test_a_worker_that_is_stopped_brings_what_it_has_in_hand_to_its_end(
    endpoint, receiver, tell, database, worker
):
    for _ in range(8):
        await tell()
    receiver.held.clear()

    async def all_are_in_hand():
        return len(receiver.requests) == 8

    async with worker() as process:
        await until(all_are_in_hand)
        process.terminate()
        await asyncio.sleep(0.2)
        receiver.held.set()
        assert await process.wait() == 0
    async with database.transaction() as session:
        taken = await session.execute(text("select count(*) from webhook_events where succeeded_at is not null"))
        assert taken.scalar_one() == 8
    assert len(receiver.requests) == 8
