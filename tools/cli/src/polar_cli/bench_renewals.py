"""`./polar bench renewals`: 10,000 subscriptions due in the same minute, two billing workers, each renewed once.

Beside it the bare cost of the same rows: orders, lines, payments and events written again with asyncpg, in transactions
of as many, over as many connections, into twins of the tables.
"""

import asyncio
import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx

from polar_cli.console import Failure, say, step, table
from polar_cli.servers import Limits
from polar_cli.stack import Stack

COUNT = 10_000
WORKERS = 2
BATCH = 50
SETTLES_SECONDS = 30
TWINS = ("orders", "order_items", "payments", "outbox")


def renewals() -> int:
    """Starts a stack of its own, waits for the minute, prints. Fails when one is not renewed exactly once."""
    Stack("bench").reset()
    stack = Stack("bench", limits=Limits.none(), durable=True, workers=WORKERS)
    try:
        stack.up()
        with step(f"{COUNT} subscriptions fall due at once, {WORKERS} billing workers"):
            renewed, settled, bare = asyncio.run(_measure(stack))
    finally:
        stack.down()
    say()
    table(
        ("figure", "a second", "ratio"),
        [
            ("renewals: period, order, payment request, three events", f"{renewed:.0f}", f"{renewed / bare:.2f}"),
            ("the same rows, bare asyncpg", f"{bare:.0f}", "1.00"),
            ("of them charged at the local Stripe and settled, right after", f"{settled:.0f}", ""),
        ],
    )
    say(f"each of {COUNT} was renewed exactly once")
    return 0


async def _measure(stack: Stack) -> tuple[float, float, float]:
    address = f"{stack.postgres_url.rsplit('/', 1)[0]}/billing"
    method = await _saved_card(stack)
    async with asyncpg.create_pool(address, min_size=WORKERS, max_size=WORKERS + 1) as pool:
        due = datetime.now(UTC) + timedelta(seconds=25)
        await _fill(pool, method, due)
        await asyncio.sleep((due - datetime.now(UTC)).total_seconds())
        began = time.monotonic()
        while (written := await _count(pool, "orders")) < COUNT:
            if time.monotonic() - began > 1800:
                raise Failure(f"after half an hour {written} of {COUNT} were renewed")
            await asyncio.sleep(0.1)
        renewed = COUNT / (time.monotonic() - began)
        before = await _count(pool, "payments", "status = 'succeeded'")
        await asyncio.sleep(SETTLES_SECONDS)
        settled = (await _count(pool, "payments", "status = 'succeeded'") - before) / SETTLES_SECONDS
        await _check(pool)
        return renewed, settled, await _bare(pool)


async def _saved_card(stack: Stack) -> tuple[str, str]:
    headers = {"Authorization": "Bearer sk_test_bench"}
    async with httpx.AsyncClient(base_url=stack.stripe_url, headers=headers) as client:
        customer = (await client.post("/v1/customers", data={"email": "bench@example.com"})).json()["id"]
        attached = await client.post("/v1/payment_methods/pm_card_visa/attach", data={"customer": customer})
        return customer, attached.raise_for_status().json()["id"]


async def _fill(pool: Any, method: tuple[str, str], due: datetime) -> None:
    """One organization, a customer for each subscription; all with one card, which the local Stripe knows."""
    organization_id, product_id, price_id, card_id = (uuid4() for _ in range(4))
    start = due - timedelta(days=30)
    price: dict[str, Any] = {
        "id": str(price_id), "created_at": start.isoformat(), "modified_at": None, "source": "catalog",
        "amount_type": "fixed", "price_currency": "usd", "tax_behavior": None, "is_archived": False,
        "product_id": str(product_id), "price_amount": 2900,
    }  # fmt: skip
    product: dict[str, Any] = {
        "id": str(product_id), "created_at": start.isoformat(), "modified_at": None, "trial_interval": None,
        "trial_interval_count": None, "name": "Pro Plan", "description": None, "visibility": "public",
        "recurring_interval": "month", "recurring_interval_count": 1, "meter_interval": None,
        "meter_interval_count": None, "is_recurring": True, "is_archived": False, "is_deletable": True,
        "organization_id": str(organization_id), "metadata": {}, "prices": [price], "archived_prices": [],
        "benefits": [], "medias": [], "attached_custom_fields": [],
    }  # fmt: skip
    await pool.execute(
        "insert into payment_methods (id, organization_id, created_at, customer_id, processor, processor_id, "
        "processor_customer_id, type, method_metadata) values ($1, $2, $3, $4, 'stripe', $5, $6, 'card', '{}')",
        card_id, organization_id, start, uuid4(), method[1], method[0],
    )  # fmt: skip
    await pool.execute(
        "insert into customers (id, organization_id, created_at, email, email_verified, type, metadata, "
        "invoice_prefix, invoices_count, default_payment_method_id) select gen_random_uuid(), $1, $2, "
        "'c' || n || '@example.com', false, 'individual', '{}', 'B' || lpad(n::text, 7, '0'), 0, $3 "
        "from generate_series(1, $4) n",
        organization_id, start, card_id, COUNT,
    )  # fmt: skip
    await pool.execute(
        "insert into subscriptions (id, organization_id, created_at, status, customer_id, product_id, price_id, "
        "amount, currency, recurring_interval, recurring_interval_count, anchor_day, started_at, current_period_start, "
        "current_period_end, cancel_at_period_end, metadata, custom_field_data, product_data, price_data) "
        "select gen_random_uuid(), organization_id, $1, 'active', id, $2, $3, 2900, 'usd', 'month', 1, $4, $1, $1, "
        "$5::timestamptz, false, '{}', '{}', $6, $7 from customers",
        start, product_id, price_id, due.day, due, json.dumps(product), json.dumps(price),
    )  # fmt: skip


async def _count(pool: Any, name: str, condition: str = "true") -> int:
    return int(await pool.fetchval(f"select count(*) from {name} where {condition}"))


async def _check(pool: Any) -> None:
    """Every subscription has one order, for the period that it is in, and is in its second period."""
    wrong = await pool.fetchval(
        "select count(*) from subscriptions s where 1 <> (select count(*) from orders o "
        "where o.subscription_id = s.id) or not exists (select from orders o where o.subscription_id = s.id "
        "and o.period_start = s.current_period_start) or s.current_period_end <= s.started_at + interval '31 days'"
    )
    if wrong:
        raise Failure(f"{wrong} subscriptions were not renewed exactly once")
    twice = await pool.fetchval("select count(*) from (select order_id from payments group by 1 having count(*) > 1) t")
    if twice:
        raise Failure(f"{twice} orders were asked for twice")


async def _bare(pool: Any) -> float:
    """Renewals a second whose rows asyncpg writes, with the subscription's and the customer's update beside them."""
    for name in TWINS:
        await pool.execute(f"create table bare_{name} (like {name} including defaults including indexes)")
    ids: list[UUID] = [row["id"] for row in await pool.fetch("select id from orders")]
    batches = [ids[place : place + BATCH] for place in range(0, len(ids), BATCH)]
    rows = [await _rows(pool, batch) for batch in batches]

    async def writer() -> None:
        async with pool.acquire() as connection:
            while rows:
                batch = rows.pop()
                async with connection.transaction():
                    for name, (columns, records) in batch.items():
                        holes = ", ".join(f"${number}" for number in range(1, len(columns) + 1))
                        names = ", ".join(f'"{column}"' for column in columns)
                        await connection.executemany(f"insert into bare_{name} ({names}) values ({holes})", records)
                    owners = [record[0] for record in batch["orders"][1]]
                    for touched in ("subscriptions", "customers"):
                        key = "subscription_id" if touched == "subscriptions" else "customer_id"
                        await connection.execute(
                            f"update {touched} set modified_at = now() where id in "
                            f"(select {key} from orders where id = any($1))",
                            owners,
                        )

    began = time.monotonic()
    await asyncio.gather(*(writer() for _ in range(WORKERS)))
    return COUNT / (time.monotonic() - began)


async def _rows(pool: Any, batch: list[UUID]) -> dict[str, tuple[list[str], list[tuple[Any, ...]]]]:
    """What a batch of renewals wrote, by table: columns and values."""
    wanted = {
        "orders": "select * from orders where id = any($1)",
        "order_items": "select * from order_items where order_id = any($1)",
        "payments": "select * from payments where order_id = any($1)",
        "outbox": "select event_id, routing_key, source, subject, sequence, organization_id, payload, created_at "
        "from outbox where routing_key in ('order.created.v1', 'subscription.cycled.v1', 'subscription.updated.v1') "
        "and subject in (select unnest($1::uuid[]) union select subscription_id from orders where id = any($1))",
    }
    found: dict[str, tuple[list[str], list[tuple[Any, ...]]]] = {}
    for name, statement in wanted.items():
        records = await pool.fetch(statement, batch)
        if records:
            columns = list(records[0].keys())
            ordered = ["id", *(one for one in columns if one != "id")] if "id" in columns else columns
            found[name] = ordered, [tuple(record[column] for column in ordered) for record in records]
    return found
