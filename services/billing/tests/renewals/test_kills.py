"""Real workers, killed in the middle of renewing many at once: each is renewed and charged once."""

import asyncio
import os
import socket
import sys
from contextlib import asynccontextmanager, suppress

import pytest
from billing.payments.lanes import AT_ONCE
from servicekit.testing import eventually
from sqlalchemy import text

COUNT = 120
KILLS = 3
assert COUNT > KILLS * AT_ONCE, "some are left, though all that were in flight were charged at each kill"


@pytest.fixture
def worker(settings, rabbitmq_url):
    """Starts a worker of billing, as a deployment does, and kills it at the end, if it lives."""

    @asynccontextmanager
    async def run():
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        environment = {
            **os.environ,
            "ENVIRONMENT": "test",
            "DATABASE_URL": settings.database_url,
            "RABBITMQ_URL": rabbitmq_url,
            "SECRET": settings.secret,
            "PRINCIPAL_PUBLIC_KEY": settings.principal_public_key,
            "STRIPE_SECRET_KEY": settings.stripe_secret_key,
            "STRIPE_API_BASE": settings.stripe_api_base,
            "FILES_URL": settings.files_url,
            "WORKER_PORT": str(port),
            "LOG_LEVEL": "ERROR",
        }
        process = await asyncio.create_subprocess_exec(sys.executable, "-m", "billing.worker", env=environment)
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    return run


async def scalar(database, statement):
    async with database.transaction() as session:
        return (await session.execute(text(statement))).scalar_one()


async def fall_due(bus, database, purchased, sandbox):
    """Subscriptions of as many customers, all of whose periods are over."""
    customer, card = sandbox.card()
    for number in range(COUNT):
        saved = customer, f"{card}_{number}" if number else card
        await bus.deliver(purchased(email=f"c{number}@example.com", card=saved))
    async with database.transaction() as session:
        await session.execute(
            text("update subscriptions set payment_method_id = (select id from payment_methods where processor_id = "
                 ":card), current_period_start = current_period_start - interval '40 days', "
                 "current_period_end = current_period_end - interval '32 days'"), {"card": card})  # fmt: skip


async def test_workers_killed_in_the_middle_of_a_batch_renew_each_once(bus, database, purchased, sandbox, worker):
    await fall_due(bus, database, purchased, sandbox)
    sandbox.faults(latency_ms=200)

    async def charged():
        return sandbox.summary()["succeeded"]

    seen = 0
    for _ in range(KILLS):
        async with worker() as process, asyncio.timeout(120):
            # So many more are charged, and others are in flight, answered but not written down, or not yet renewed.
            before = seen
            while (seen := await charged()) == before:
                await asyncio.sleep(0.01)  # shorter than the time between two that are in flight together
            process.kill()
            await process.wait()
        # The minute passes in which what the killed one had in hand is left to it.
        async with database.transaction() as session:
            await session.execute(text("update payments set due_at = now() where status = 'open'"))
    assert 0 < seen < COUNT, "the last kill came too late to be in the middle of anything"
    written = await scalar(database, "select count(*) from payments where status = 'succeeded' and attempt = 1 "
                                     "and trigger = 'subscription_cycle'")  # fmt: skip
    assert written < await charged(), "somebody was killed between a charge and its commit"
    async with worker(), worker():

        async def paid():
            return await scalar(
                database, "select count(*) from orders where billing_reason = 'subscription_cycle' and status = 'paid'"
            )

        await eventually(paid, until=lambda count: count == COUNT, seconds=180, what="every renewal is paid")
    summary = sandbox.summary()
    assert (summary["succeeded"], summary["charges"]) == (COUNT, COUNT)
    once = (
        "select count(*) from subscriptions s where 1 = (select count(*) from orders o where o.subscription_id = s.id "
        "and o.billing_reason = 'subscription_cycle' and o.status = 'paid' "
        "and o.period_start = s.current_period_start and 1 = (select count(*) from payments p "
        "where p.order_id = o.id and p.status = 'succeeded'))"
    )
    assert await scalar(database, once) == COUNT
    assert await scalar(database, "select count(*) from subscriptions where current_period_end <= now()") == 0
    assert await scalar(database, "select count(*) from outbox where routing_key = 'order.paid.v1' and payload like "
                                  "convert_to('%subscription_cycle%', 'UTF8')") == COUNT  # fmt: skip
    unbalanced = "select count(*) from (select from ledger_entries group by transaction_id having sum(amount) <> 0) t"
    assert await scalar(database, unbalanced) == 0
