"""`./polar bench renewals`: 10,000 subscriptions due in the same minute, two billing workers, each renewed once.

What a renewal needs runs: PostgreSQL, RabbitMQ, the local Stripe and two workers of billing, and nothing else. Beside
it, in the same run, are the bare cost of the rows that it writes (asyncpg, as many connections, in transactions of as
many) and that of the charges alone. Then some hundred renewals with and without a card whose bank takes 20 seconds.
"""

import asyncio
import json
import os
import statistics
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import aiohttp
import asyncpg
import httpx

from polar_cli.bench_purchases import cpu
from polar_cli.bench_renewals_bare import bare_rows
from polar_cli.console import Failure, say, step, table
from polar_cli.servers import Limits
from polar_cli.stack import Stack

COUNT = int(os.environ.get("POLAR_BENCH_RENEWALS", "10000"))
OTHERS = max(20, min(200, COUNT // 4))
"""Subscriptions that fall due beside the slow card."""
WORKERS = ("billing.worker", "billing.worker.2")
SLOW_SECONDS = 20
CHARGES = 500
CHARGES_AT_ONCE = 32
AMOUNT = 2900
PATIENCE_SECONDS = 1800
_KEY = {"Authorization": "Bearer sk_test_bench"}


def renewals() -> int:
    """Starts servers and workers of its own, measures, prints. Fails when one is not renewed exactly once."""
    Stack("bench").reset()
    stack = Stack("bench", limits=Limits.none(), durable=True, workers=len(WORKERS))
    try:
        stack.servers_up()
        stack.migrate()
        stack.declare()
        for name in ("stripe", *WORKERS):
            stack.restart(name)
        figures = asyncio.run(_Bench(stack).run())
    finally:
        stack.down()
    say()
    for heading, rows in figures:
        table(heading, rows)
        say()
    say(f"each of {COUNT + 2 * OTHERS + 1} was renewed exactly once, with one order and one payment, by both workers")
    return 0


Figures = list[tuple[tuple[str, ...], list[tuple[object, ...]]]]


class _Bench:
    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._address = f"{stack.postgres_url.rsplit('/', 1)[0]}/billing"

    async def run(self) -> Figures:
        """Measures one thing after the other, then looks whether the books are right."""
        async with (
            asyncpg.create_pool(self._address, min_size=2, max_size=3) as self._pool,
            httpx.AsyncClient(base_url=self._stack.stripe_url, headers=_KEY, timeout=60) as self._stripe,
        ):
            # Nobody is there whom Stripe could call back: the answers to the charges tell what became of them.
            await self._faults(webhooks="drop")
            card = await self._card()
            with step(f"{CHARGES} bare charges at the local Stripe"):
                charged = await self._bare_charges(card)
            self._net_before = (await self._summary())["net"]
            organization = await self._open_organization()
            before = cpu(self._stack)
            with step(f"{COUNT} subscriptions fall due at once, {len(WORKERS)} billing workers"):
                began = await self._fall_due(organization, "many", card, COUNT)
                billed, paid = await self._renewed(began, COUNT)
            spent = {name: after - before.get(name, 0.0) for name, after in cpu(self._stack).items()}
            alone, beside, slow = await self._delays(organization, card)
            await self._check(COUNT + 2 * OTHERS + 1)
            with step("the same rows, bare"):
                bare = await bare_rows(self._pool, len(WORKERS))
        return [
            (
                ("figure", "a second", "÷ bare rows", "÷ bare charges"),
                [
                    ("renewed and paid, until the last one", *_ratios(COUNT / paid, bare, charged)),
                    ("their periods, orders and requests of payment", *_ratios(COUNT / billed, bare, charged)),
                    ("the same rows, bare asyncpg", *_ratios(bare, bare, charged)),
                    ("the same charges alone, bare aiohttp", *_ratios(charged, bare, charged)),
                ],
            ),
            (
                (f"due → paid, of {OTHERS} other customers", "p50 s", "p99 s", "longest s"),
                [
                    ("all cards answer at once", *_seconds(alone)),
                    (f"one card takes {SLOW_SECONDS} s", *_seconds(beside)),
                    ("that card itself", *_seconds(slow)),
                ],
            ),
            (
                ("process", "CPU-ms a renewal"),
                [
                    (name, f"{seconds / COUNT * 1000:.2f}")
                    for name, seconds in sorted(spent.items(), key=lambda item: -item[1])
                    if seconds
                ],
            ),
        ]

    async def _faults(self, **faults: Any) -> None:
        (await self._stripe.post("/_sandbox/faults", json=faults)).raise_for_status()

    async def _summary(self) -> Any:
        return (await self._stripe.get("/_sandbox/summary")).raise_for_status().json()

    async def _card(self) -> tuple[str, str]:
        customer = (await self._stripe.post("/v1/customers", data={"email": "bench@example.com"})).json()["id"]
        attached = await self._stripe.post("/v1/payment_methods/pm_card_visa/attach", data={"customer": customer})
        return customer, attached.raise_for_status().json()["id"]

    async def _bare_charges(self, card: tuple[str, str]) -> float:
        """Charges a second of a client that does nothing else, as many at once as one worker has."""
        numbers = iter(range(CHARGES))
        form = {
            "amount": str(AMOUNT), "currency": "usd", "customer": card[0], "payment_method": card[1],
            "confirm": "true", "off_session": "true", "expand[0]": "latest_charge",
            "expand[1]": "latest_charge.balance_transaction",
        }  # fmt: skip

        async def charge(session: aiohttp.ClientSession) -> None:
            for number in numbers:
                headers = {"Idempotency-Key": f"bare-{number}"}
                async with session.post("/v1/payment_intents", data=form, headers=headers) as answer:
                    if (await answer.json())["status"] != "succeeded":
                        raise Failure("the local Stripe refuses a bare charge")

        async with aiohttp.ClientSession(self._stack.stripe_url, headers=_KEY) as session:
            began = time.monotonic()
            await asyncio.gather(*(charge(session) for _ in range(CHARGES_AT_ONCE)))
            return CHARGES / (time.monotonic() - began)

    async def _open_organization(self) -> UUID:
        organization_id = uuid4()
        data = {"id": str(organization_id), "name": "Bench", "slug": f"bench-{organization_id.hex[:8]}"}
        await self._pool.execute(
            "insert into organizations (id, sequence, data) values ($1, 1, $2)", organization_id, json.dumps(data)
        )
        return organization_id

    async def _fall_due(self, organization_id: UUID, name: str, card: tuple[str, str], count: int) -> datetime:
        """A customer for each subscription; all with one card that Stripe knows. Returns when they are due."""
        product_id, price_id, card_id = (uuid4() for _ in range(3))
        start = datetime.now(UTC) - timedelta(days=30)
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(
                "insert into payment_methods (id, organization_id, created_at, customer_id, processor, processor_id, "
                "processor_customer_id, type, method_metadata) values ($1, $2, $3, $4, 'stripe', $5, $6, 'card', '{}') "
                "on conflict (processor_id) do nothing",
                card_id, organization_id, start, uuid4(), card[1], card[0],
            )  # fmt: skip
            await connection.execute(
                "insert into customers (id, organization_id, created_at, email, email_verified, type, metadata, "
                "invoice_prefix, invoices_count, default_payment_method_id) select gen_random_uuid(), $1, $2, "
                "$3 || n || '@example.com', false, 'individual', '{}', upper($3) || lpad(n::text, 5, '0'), 0, "
                "(select id from payment_methods where processor_id = $4) from generate_series(1, $5) n",
                organization_id, start, name, card[1], count,
            )  # fmt: skip
            product, price = _catalog(organization_id, product_id, price_id, start)
            due = datetime.now(UTC)
            await connection.execute(
                "insert into subscriptions (id, organization_id, created_at, status, customer_id, product_id, "
                "price_id, amount, currency, recurring_interval, recurring_interval_count, anchor_day, started_at, "
                "current_period_start, current_period_end, cancel_at_period_end, metadata, custom_field_data, "
                "product_data, price_data, payment_method_id) select gen_random_uuid(), organization_id, $1, 'active', "
                "id, $2, $3, $4, 'usd', 'month', 1, $5, $1, $1, $6::timestamptz, false, '{}', '{}', $7, $8, "
                "default_payment_method_id from customers where email like $9 || '%'",
                start, product_id, price_id, AMOUNT, due.day, due, json.dumps(product), json.dumps(price), name,
            )  # fmt: skip
        # What a database of some age knows of its tables.
        await self._pool.execute("analyze")
        return due

    async def _renewed(self, began: datetime, count: int) -> tuple[float, float]:
        """Seconds from the instant at which all were due until the last had its order, and until the last was paid."""
        since = datetime.now(UTC)
        while (paid := await self._paid(began)) < count:
            if (datetime.now(UTC) - since).total_seconds() > PATIENCE_SECONDS:
                raise Failure(f"after half an hour {paid} of {count} were renewed and paid")
            await asyncio.sleep(0.25)
        last = "select max({0}) from orders where period_start = $1"
        billed = await self._pool.fetchval(last.format("created_at"), began)
        settled = await self._pool.fetchval(last.format("paid_at"), began)
        return (billed - began).total_seconds(), (settled - began).total_seconds()

    async def _paid(self, began: datetime) -> int:
        paid = "select count(*) from orders where period_start = $1 and status = 'paid'"
        return int(await self._pool.fetchval(paid, began))

    async def _delays(self, organization_id: UUID, card: tuple[str, str]) -> tuple[list[float], ...]:
        """Seconds from due to paid of many customers: all cards quick, then beside a slow one; and its own."""
        with step(f"{OTHERS} subscriptions fall due, all cards answer at once"):
            began = await self._fall_due(organization_id, "alone", card, OTHERS)
            await self._renewed(began, OTHERS)
            alone = await self._waited(began)
        with step(f"{OTHERS} subscriptions fall due beside one whose card takes {SLOW_SECONDS} s"):
            slow = await self._card()
            await self._faults(slow_customer=slow[0], slow_seconds=SLOW_SECONDS)
            first = await self._fall_due(organization_id, "slow", slow, 1)
            while (await self._summary())["payment_intents"] == CHARGES + COUNT + OTHERS:
                await asyncio.sleep(0.05)
            began = await self._fall_due(organization_id, "beside", card, OTHERS)
            await self._renewed(began, OTHERS)
            await self._renewed(first, 1)
        return alone, await self._waited(began), await self._waited(first)

    async def _waited(self, began: datetime) -> list[float]:
        rows = await self._pool.fetch("select paid_at from orders where period_start = $1", began)
        return [(row["paid_at"] - began).total_seconds() for row in rows]

    async def _check(self, count: int) -> None:
        """What was renewed, in billing's database and at Stripe, and by whom. Raises `Failure` when it is wrong."""
        for what, statement in _WRONG.items():
            wrong = await self._pool.fetchval(statement)
            if wrong:
                raise Failure(f"{wrong} {what}")
        renewed = await self._pool.fetchval(_RENEWED)
        if renewed != count:
            raise Failure(f"{renewed} of {count} subscriptions have one order of their new period, paid by one payment")
        said = await self._summary()
        made = said["payment_intents"], said["succeeded"], said["charges"]
        if made != (CHARGES + count,) * 3:
            raise Failure(f"Stripe has {made} intents, successes and charges for {count} renewals and {CHARGES} others")
        if said["paid_twice"]:
            raise Failure(f"{said['paid_twice']} orders were paid twice at Stripe")
        held = await self._pool.fetchval("select sum(amount)::bigint from ledger_entries where account = 'processor'")
        if held != said["net"] - self._net_before:
            raise Failure(f"the ledger says that Stripe holds {held}, Stripe says {said['net'] - self._net_before}")
        for name in WORKERS:
            async with httpx.AsyncClient() as client:
                port = self._stack.state.port(name)
                done = (await client.get(f"http://127.0.0.1:{port}/internal/timers")).json()
            idle = [timer for timer in ("renew_due", "collect_due") if not done.get(timer)]
            if idle:
                raise Failure(f"{name} did nothing of {' and '.join(idle)}")


_RENEWED = """
select count(*) from subscriptions s
where s.current_period_end > now() and s.current_period_end <= s.current_period_start + interval '31 days'
  and 1 = (select count(*) from orders o where o.subscription_id = s.id)
  and exists (select from orders o where o.subscription_id = s.id and o.period_start = s.current_period_start
              and o.status = 'paid' and 1 = (select count(*) from payments p where p.order_id = o.id))
"""
_WRONG = {
    "orders have another number of payments than one": "select count(*) from orders o where 1 <> "
    "(select count(*) from payments p where p.order_id = o.id and p.status = 'succeeded' and p.amount = 2900)",
    "movements of the ledger do not balance": "select count(*) from (select from ledger_entries "
    "group by transaction_id, currency having sum(amount) <> 0) t",
    "payments do not stand in the ledger once": "select count(*) from payments p where 1 <> "
    "(select count(*) from ledger_transactions t where t.payment_id = p.id and t.kind = 'payment')",
    "subjects have gaps, or doubles, in their events": "select count(*) from (select from outbox group by subject "
    "having max(sequence) <> count(*)) t",
    "orders were said to be paid another number of times than once": "select count(*) from orders o where 1 <> "
    "(select count(*) from outbox e where e.subject = o.id and e.routing_key = 'order.paid.v1')",
}
"""What must not be, by what it is called; 0 of each."""


def _ratios(rate: float, bare: float, charged: float) -> tuple[str, str, str]:
    return f"{rate:.0f}", f"{rate / bare:.2f}", f"{rate / charged:.2f}"


def _seconds(waited: list[float]) -> tuple[str, str, str]:
    ordered = sorted(waited)
    return f"{statistics.median(ordered):.2f}", f"{ordered[len(ordered) * 99 // 100]:.2f}", f"{ordered[-1]:.2f}"


def _catalog(
    organization_id: UUID, product_id: UUID, price_id: UUID, start: datetime
) -> tuple[dict[str, Any], dict[str, Any]]:
    """A product and its price, in their public shapes."""
    price: dict[str, Any] = {
        "id": str(price_id), "created_at": start.isoformat(), "modified_at": None, "source": "catalog",
        "amount_type": "fixed", "price_currency": "usd", "tax_behavior": None, "is_archived": False,
        "product_id": str(product_id), "price_amount": AMOUNT,
    }  # fmt: skip
    product: dict[str, Any] = {
        "id": str(product_id), "created_at": start.isoformat(), "modified_at": None, "trial_interval": None,
        "trial_interval_count": None, "name": "Pro Plan", "description": None, "visibility": "public",
        "recurring_interval": "month", "recurring_interval_count": 1, "meter_interval": None,
        "meter_interval_count": None, "is_recurring": True, "is_archived": False, "is_deletable": True,
        "organization_id": str(organization_id), "metadata": {}, "prices": [price], "archived_prices": [],
        "benefits": [], "medias": [], "attached_custom_fields": [],
    }  # fmt: skip
    return product, price
