"""`./polar bench grants`: one edit of a product with 50,000 buyers, while others go on buying it.

The buyers are written into the service's own copies, as if each had been heard of; the edit and the purchases go
through the gateway. A purchase's time is from its acknowledged confirm to its grant being committed.
"""

import asyncio
import os
import statistics
import time
from typing import Any

import asyncpg
import httpx

from polar_cli.bench import fresh_stack
from polar_cli.console import Failure, say, step, table
from polar_cli.stack import Stack

BUYERS = 50_000
PURCHASES = 120
PER_SECOND = 2.0
WAIT_SECONDS = 1800.0


def grants() -> int:
    """Starts a stack of its own, sells without and with the backlog, prints. Returns 0: figures are read."""
    stack = fresh_stack()
    try:
        stack.up()
        rows = asyncio.run(_measure(stack))
    finally:
        stack.down()
    say()
    table(("figure", "without the backlog", "with it"), rows)
    return 0


async def _measure(stack: Stack) -> list[tuple[str, str, str]]:
    created = await asyncio.to_thread(stack.create_organization, "Bench", f"bench-{os.urandom(4).hex()}")
    headers = {"Authorization": f"Bearer {created['access_token']}"}
    address = f"{stack.postgres_url.rsplit('/', 1)[0]}/benefits"
    pool = await asyncpg.create_pool(address, min_size=1, max_size=8)
    async with httpx.AsyncClient(base_url=stack.url, headers=headers, timeout=60) as api:
        shop = _Shop(api, pool)
        await shop.open()
        await shop.sell(10)
        with step(f"{PURCHASES} purchases, {PER_SECOND:.0f} a second"):
            alone = await shop.sell(PURCHASES)
        with step(f"{BUYERS} buyers of the product"):
            await _buyers(pool, created["organization_id"], shop.product_id)
        began = time.monotonic()
        await shop.edit()
        with step(f"{PURCHASES} purchases while {BUYERS} grants follow the edit"):
            beside = await shop.sell(PURCHASES)
        meanwhile, seconds = await shop.given(), time.monotonic() - began
        with step("the rest of the grants"):
            while await shop.given() < BUYERS:
                if time.monotonic() - began > WAIT_SECONDS:
                    raise Failure(f"after {WAIT_SECONDS:.0f} s only {await shop.given()} grants were given")
                await asyncio.sleep(1)
        whole = time.monotonic() - began
    await pool.close()
    return [
        *((f"confirm → grant, {name} ms", _ms(alone, percent), _ms(beside, percent))
          for name, percent in (("p50", 50), ("p95", 95), ("p99", 99))),
        ("purchases", str(len(alone)), str(len(beside))),
        ("grants of the edit, while purchases went on", "", str(meanwhile)),
        ("grants/s, while purchases went on", "", f"{meanwhile / seconds:.0f}"),
        (f"seconds until all {BUYERS} were given", "", f"{whole:.0f}"),
        ("processors", str(os.cpu_count()), str(os.cpu_count())),
    ]  # fmt: skip


def _ms(seconds: list[float], percent: int) -> str:
    return f"{statistics.quantiles(seconds, n=100)[percent - 1] * 1000:.0f}"


async def _buyers(pool: Any, organization_id: str, product_id: str) -> None:
    """Customers and orders as the service keeps them: copies of one that was heard of."""
    await pool.execute(
        """
        with model as (select * from customers where organization_id = $1 limit 1),
        numbered as (select gen_random_uuid() as customer_id, gen_random_uuid() as order_id
                     from generate_series(1, $3::int)),
        known as (
            insert into customers (id, organization_id, sequence, external_id, data)
            select customer_id, $1, 1, null, jsonb_set(model.data, '{id}', to_jsonb(customer_id)) from numbered, model
        )
        insert into entitlements (id, organization_id, sequence, kind, customer_id, product_id, is_active)
        select order_id, $1, 1, 'order', customer_id, $2, true from numbered
        """,
        organization_id,
        product_id,
        BUYERS,
    )
    await pool.execute("analyze customers, entitlements")


class _Shop:
    def __init__(self, api: httpx.AsyncClient, pool: Any) -> None:
        self._api = api
        self._pool = pool
        self._benefits: list[str] = []
        self._price_id = ""
        self._sold = 0
        self.product_id = ""

    async def _call(self, path: str, body: Any) -> Any:
        answer = await self._api.post(path, json=body)
        if answer.is_error:
            raise Failure(f"POST {path} answered {answer.status_code}: {answer.text[:300]}")
        return answer.json()

    async def open(self) -> None:
        """A product that gives a custom benefit."""
        benefit = await self._call("/v1/benefits/", {"type": "custom", "description": "Thanks", "properties": {}})
        price = {"amount_type": "fixed", "price_amount": 900, "price_currency": "usd"}
        product = await self._call("/v1/products/", {"name": "Pro", "prices": [price]})
        self.product_id, self._price_id = product["id"], product["prices"][0]["id"]
        self._benefits = [benefit["id"]]
        await self._call(f"/v1/products/{self.product_id}/benefits", {"benefits": self._benefits})

    async def edit(self) -> None:
        """The product gives license keys too."""
        body = {"type": "license_keys", "description": "License", "properties": {"activations": {"limit": 1}}}
        self._benefits.append((await self._call("/v1/benefits/", body))["id"])
        await self._call(f"/v1/products/{self.product_id}/benefits", {"benefits": self._benefits})

    async def given(self) -> int:
        """How many grants the edit has given, purchases of today included."""
        statement = "select count(*) from benefit_grants where benefit_id = $1 and granted_at is not null"
        count: int = await self._pool.fetchval(statement, self._benefits[-1])
        return count

    async def sell(self, count: int) -> list[float]:
        """So many purchases at a steady rate; the seconds from each one's confirm to its first grant."""
        tasks = []
        for _ in range(count):
            self._sold += 1
            tasks.append(asyncio.create_task(self._buy(self._sold)))
            await asyncio.sleep(1 / PER_SECOND)
        return list(await asyncio.gather(*tasks))

    async def _buy(self, number: int) -> float:
        wish = {"product_price_id": self._price_id, "customer_email": f"buyer{number}@example.com"}
        checkout = await self._call("/v1/checkouts/", wish)
        confirm = {"client_secret": checkout["client_secret"], "confirmation_token_id": "pm_card_visa"}
        bought = await self._call(f"/v1/checkouts/{checkout['id']}/confirm", confirm)
        began = time.monotonic()
        statement = "select 1 from benefit_grants where entitlement_id = $1 and granted_at is not null"
        while await self._pool.fetchval(statement, bought["order_id"]) is None:
            if time.monotonic() - began > 120:
                raise Failure(f"the grant of order {bought['order_id']} did not come within two minutes")
            await asyncio.sleep(0.01)
        return time.monotonic() - began
