"""`./polar bench grants`: one edit of a product with 50,000 buyers, while others go on buying it.

The buyers are copies of one real purchase in every service's database (`copies`); the edit and the purchases go through
the gateway. A purchase's time is from its acknowledged confirm to its grant being committed.
"""

import asyncio
import os
import statistics
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

import asyncpg
import httpx

from polar_cli.bench import fresh_stack
from polar_cli.console import Failure, say, step, table
from polar_cli.copies import TABLES, copy_purchase
from polar_cli.stack import Stack

BUYERS = 50_000
PURCHASES = 120
PER_SECOND = 2.0
AT_ONCE = 16
"""Buyers at most: where the machine cannot keep up with the rate, they come as quickly as it sells."""
WAIT_SECONDS = 1800.0
P99_SECONDS = 1.0
"""What a purchase's grant may take beside the backlog."""
_EACH_ONCE = """
    select
        (select count(*) from entitlements where product_id = $2 and is_active) as owed,
        (select count(distinct entitlement_id) from benefit_grants
            where benefit_id = $1 and granted_at is not null) as granted,
        (select count(*) from benefit_grants where benefit_id = $1) as grants,
        (select count(distinct grant_id) from license_keys where benefit_id = $1) as with_a_key,
        (select count(*) from license_keys where benefit_id = $1) as keys,
        (select count(distinct o.subject) from outbox o join benefit_grants g on g.id = o.subject
            where g.benefit_id = $1 and o.routing_key = 'benefit_grant.created.v1') as told_of,
        (select count(*) from outbox o join benefit_grants g on g.id = o.subject
            where g.benefit_id = $1 and o.routing_key = 'benefit_grant.created.v1') as times_told
"""


def grants() -> int:
    """Starts a stack of its own, sells without and with the backlog, prints.

    Returns 1 when a grant is missing or doubled, or the purchases' p99 beside the backlog is over a second.
    """
    stack = fresh_stack()
    try:
        stack.up()
        rows, faults = asyncio.run(_measure(stack))
    finally:
        stack.down()
    say()
    table(("figure", "without the backlog", "with it"), rows)
    for fault in faults:
        say(f"✗ {fault}")
    if not faults:
        say(f"each of {BUYERS} and of those who bought meanwhile was granted once, told of once, and kept by billing")
    return 1 if faults else 0


async def _measure(stack: Stack) -> tuple[list[tuple[str, str, str]], list[str]]:
    created = await asyncio.to_thread(stack.create_organization, "Bench", f"bench-{os.urandom(4).hex()}")
    headers = {"Authorization": f"Bearer {created['access_token']}"}
    address = stack.postgres_url.rsplit("/", 1)[0]
    pool = await asyncpg.create_pool(f"{address}/benefits", min_size=1, max_size=8)
    async with httpx.AsyncClient(base_url=stack.url, headers=headers, timeout=60) as api:
        shop = _Shop(api, pool)
        with step(f"{BUYERS} buyers of the product"):
            customer_id, order_id = await shop.open()
            await _settled(address, customer_id)
            await copy_purchase(address, customer_id, order_id, BUYERS - 1)
        await shop.sell(10)
        with step(f"{PURCHASES} purchases, {PER_SECOND:.0f} a second"):
            alone = await shop.sell(PURCHASES)
        began = time.monotonic()
        await shop.edit()
        with step(f"purchases while {BUYERS} grants follow the edit"):
            beside, given, seconds = await shop.sell_meanwhile(BUYERS)
        whole = time.monotonic() - began
        faults = await _faults(address, shop)
    await pool.close()
    p99 = _percentile(beside, 99)
    if p99 > P99_SECONDS:
        faults.append(f"confirm → grant took {p99:.2f} s at p99 beside the backlog")
    return [
        *((f"confirm → grant, p{percent} ms", f"{_percentile(alone, percent) * 1000:.0f}",
           f"{_percentile(beside, percent) * 1000:.0f}") for percent in (50, 95, 99)),
        ("purchases", str(len(alone)), str(len(beside))),
        ("grants/s", "", f"{given / seconds:.0f}"),
        (f"seconds until all {BUYERS} were given", "", f"{whole:.0f}"),
        ("processors", str(os.cpu_count()), str(os.cpu_count())),
    ], faults  # fmt: skip


def _percentile(seconds: list[float], percent: int) -> float:
    return statistics.quantiles(seconds, n=100, method="inclusive")[percent - 1]


async def _settled(address: str, customer_id: UUID) -> None:
    """Waits until every service has heard of the customer, and billing of the grant."""
    heard_of = (
        "select exists (select from customers where id = $1 "
        "and to_jsonb(customers) ->> 'sequence' is distinct from '0')"
    )
    for service in TABLES:
        await _until(address, service, heard_of, customer_id)
    statement = "select exists (select from benefit_grants where customer_id = $1)"
    await _until(address, "billing", statement, customer_id)


async def _until(address: str, service: str, statement: str, *values: Any, seconds: float = 120) -> None:
    connection = await asyncpg.connect(f"{address}/{service}")
    deadline = time.monotonic() + seconds
    try:
        while not await connection.fetchval(statement, *values):
            if time.monotonic() > deadline:
                raise Failure(f"{service} did not come to it within {seconds:.0f} s: {statement}")
            await asyncio.sleep(0.1)
    finally:
        await connection.close()


async def _faults(address: str, shop: "_Shop") -> list[str]:
    """What is missing, doubled, or otherwise in another service's copy."""
    connection = await asyncpg.connect(f"{address}/benefits")
    row = await connection.fetchrow(_EACH_ONCE, shop.benefit_id, shop.product_id)
    await connection.close()
    counts = dict(row) if row is not None else {}
    faults = [f"{name}: {count} of {counts['owed']}" for name, count in counts.items() if count != counts["owed"]]
    kept = "select count(*) >= $2 from benefit_grants where data ->> 'benefit_id' = $1"
    await _until(address, "billing", kept, str(shop.benefit_id), counts["owed"], seconds=300)
    customers = {}
    for service in TABLES:
        connection = await asyncpg.connect(f"{address}/{service}")
        customers[service] = await connection.fetchval("select count(*) from customers")
        repaired = await connection.fetchval("select coalesce(sum(repaired), 0) from projection_checks")
        await connection.close()
        if repaired:
            faults.append(f"{service}: {repaired} copies were not as their owner's digests say")
    if len(set(customers.values())) > 1:
        faults.append(f"customers: {customers}")
    return faults


class _Shop:
    def __init__(self, api: httpx.AsyncClient, pool: Any) -> None:
        self._api = api
        self._pool = pool
        self._benefits: list[str] = []
        self._price_id = ""
        self._sold = 0
        self.product_id = ""

    @property
    def benefit_id(self) -> str:
        """The benefit that the edit added."""
        return self._benefits[-1]

    async def _call(self, path: str, body: Any, method: str = "POST") -> Any:
        answer = await self._api.request(method, path, json=body)
        while answer.status_code == 503:  # too much at once: it says "try again"
            await asyncio.sleep(0.5)
            answer = await self._api.request(method, path, json=body)
        if answer.is_error:
            raise Failure(f"{method} {path} answered {answer.status_code}: {answer.text[:300]}")
        return answer.json()

    async def open(self) -> tuple[UUID, UUID]:
        """A product that gives a custom benefit: free for its first customer (with their order), and then for money."""
        benefit = await self._call("/v1/benefits/", {"type": "custom", "description": "Thanks", "properties": {}})
        self._benefits = [benefit["id"]]
        product = await self._call("/v1/products/", {"name": "Pro", "prices": [_price(0)]})
        self.product_id = product["id"]
        await self._call(f"/v1/products/{self.product_id}/benefits", {"benefits": self._benefits})
        self._price_id = product["prices"][0]["id"]
        bought, _ = await self._buy()
        product = await self._call(f"/v1/products/{self.product_id}", {"prices": [_price(900)]}, "PATCH")
        self._price_id = product["prices"][0]["id"]
        return UUID(bought["customer_id"]), UUID(bought["order_id"])

    async def edit(self) -> None:
        """The product gives license keys too."""
        body = {"type": "license_keys", "description": "License", "properties": {"activations": {"limit": 1}}}
        self._benefits.append((await self._call("/v1/benefits/", body))["id"])
        await self._call(f"/v1/products/{self.product_id}/benefits", {"benefits": self._benefits})

    async def _given(self) -> int:
        """How many grants the edit has given, purchases of today included."""
        statement = "select count(*) from benefit_grants where benefit_id = $1 and granted_at is not null"
        count: int = await self._pool.fetchval(statement, self.benefit_id)
        return count

    async def sell(self, count: int) -> list[float]:
        """So many purchases at a steady rate; the seconds from each one's confirm to its first grant."""
        turns = iter(range(count))
        return await self._sell(lambda: next(turns, None) is not None)

    async def sell_meanwhile(self, buyers: int) -> tuple[list[float], int, float]:
        """Purchases at the same rate until the edit's change is worked off.

        Returns their times, how many grants the edit gave in how many seconds.
        """
        working = asyncio.create_task(self._worked_off())
        times = await self._sell(lambda: not working.done())
        given, seconds = await working
        if given < buyers:
            raise Failure(f"the edit was worked off with {given} of {buyers} grants")
        return times, given, seconds

    async def _worked_off(self) -> tuple[int, float]:
        began = time.monotonic()
        statement = "select exists (select from product_changes where product_id = $1)"
        while not await self._given() or await self._pool.fetchval(statement, self.product_id):
            if time.monotonic() - began > WAIT_SECONDS:
                raise Failure(f"after {WAIT_SECONDS:.0f} s only {await self._given()} grants were given")
            await asyncio.sleep(0.5)
        return await self._given(), time.monotonic() - began

    async def _sell(self, goes_on: Callable[[], bool]) -> list[float]:
        places = asyncio.Semaphore(AT_ONCE)

        async def buy() -> float:
            try:
                return (await self._buy())[1]
            finally:
                places.release()

        tasks = []
        while goes_on():
            await places.acquire()
            tasks.append(asyncio.create_task(buy()))
            await asyncio.sleep(1 / PER_SECOND)
        return list(await asyncio.gather(*tasks))

    async def _buy(self) -> tuple[Any, float]:
        self._sold += 1
        wish = {"product_price_id": self._price_id, "customer_email": f"buyer{self._sold}@example.com"}
        checkout = await self._call("/v1/checkouts/", wish)
        confirm = {"client_secret": checkout["client_secret"], "confirmation_token_id": "pm_card_visa"}
        bought = await self._call(f"/v1/checkouts/{checkout['id']}/confirm", confirm)
        began = time.monotonic()
        statement = "select 1 from benefit_grants where entitlement_id = $1 and granted_at is not null"
        while await self._pool.fetchval(statement, bought["order_id"]) is None:
            if time.monotonic() - began > 120:
                raise Failure(f"the grant of order {bought['order_id']} did not come within two minutes")
            await asyncio.sleep(0.01)
        return bought, time.monotonic() - began


def _price(amount: int) -> dict[str, Any]:
    """In cents."""
    return {"amount_type": "fixed", "price_amount": amount, "price_currency": "usd"}
