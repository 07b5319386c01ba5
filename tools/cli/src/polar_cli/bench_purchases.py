"""`./polar bench purchases`: whole purchases through the gateway, and what one costs each process in CPU time."""

import asyncio
import os
import time
from pathlib import Path
from random import Random
from typing import Any

import asyncpg
import httpx

from polar_cli.bench import fresh_stack
from polar_cli.console import Failure, say, step, table
from polar_cli.prove.load import EVENTS, Receiver
from polar_cli.stack import Stack

PURCHASES = 400
BUYERS = 16
WARM_UP = 40
SETTLE_SECONDS = 120.0


def purchases() -> int:
    """Starts a stack of its own, sells, prints. Returns 0: figures are read, not asserted."""
    stack = fresh_stack()
    try:
        stack.up()
        with step(f"{PURCHASES} purchases by {BUYERS} buyers at once"):
            seconds, settled, costs = asyncio.run(_measure(stack))
    finally:
        stack.down()
    say()
    table(
        ("figure", "value"),
        [
            ("purchases", PURCHASES),
            ("acknowledged purchases/s", f"{PURCHASES / seconds:.1f}"),
            ("purchases/s until the last webhook arrived", f"{PURCHASES / settled:.1f}"),
            ("CPU-seconds a purchase, all processes", f"{sum(costs.values()) / PURCHASES:.4f}"),
            ("processors", os.cpu_count() or 0),
        ],
    )
    say()
    by_cost = sorted(costs.items(), key=lambda item: -item[1])
    rows = [(name, f"{seconds / PURCHASES * 1000:.2f}") for name, seconds in by_cost if seconds]
    table(("process", "CPU-ms a purchase"), rows)
    return 0


async def _measure(stack: Stack) -> tuple[float, float, dict[str, float]]:
    receiver = Receiver(Random(1), troubled=False)
    await receiver.start()
    created = await asyncio.to_thread(stack.create_organization, "Bench", f"bench-{os.urandom(4).hex()}")
    headers = {"Authorization": f"Bearer {created['access_token']}"}
    limits = httpx.Limits(max_connections=2 * BUYERS)
    async with httpx.AsyncClient(base_url=stack.url, headers=headers, timeout=60, limits=limits) as api:
        shop = _Shop(api)
        await shop.open(receiver, created["organization_id"])
        await shop.sell(WARM_UP)
        await _arrived(receiver, WARM_UP)
        before = cpu(stack)
        began = time.monotonic()
        await shop.sell(PURCHASES)
        acknowledged = time.monotonic() - began
        await _arrived(receiver, WARM_UP + PURCHASES)
        settled = time.monotonic() - began
        after = cpu(stack)
    await receiver.stop()
    connection = await asyncpg.connect(f"{stack.postgres_url.rsplit('/', 1)[0]}/billing")
    orders = await connection.fetchval("select count(*) from orders where organization_id = $1", shop.organization_id)
    await connection.close()
    if orders != WARM_UP + PURCHASES:
        raise Failure(f"{orders} orders came of {WARM_UP + PURCHASES} purchases")
    return acknowledged, settled, {name: after[name] - before.get(name, 0.0) for name in after}


async def _arrived(receiver: Receiver, wanted: int) -> None:
    """Waits until so many `benefit_grant.created` have arrived: the last thing that a purchase causes."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while True:
        told = sum(any(kind == "benefit_grant.created" for kind, _ in kinds) for kinds in receiver.arrived.values())
        if told >= wanted:
            return
        if time.monotonic() > deadline:
            raise Failure(f"after {SETTLE_SECONDS:.0f} s only {told} of {wanted} purchases were told of to the end")
        await asyncio.sleep(0.02)


class _Shop:
    def __init__(self, api: httpx.AsyncClient) -> None:
        self._api = api
        self._price_id = ""
        self._sold = 0
        self.organization_id = ""

    async def _call(self, path: str, body: Any) -> Any:
        answer = await self._api.post(path, json=body)
        if answer.is_error:
            raise Failure(f"POST {path} answered {answer.status_code}: {answer.text[:300]}")
        return answer.json()

    async def open(self, receiver: Receiver, organization_id: str) -> None:
        """Puts a subscription with a license key on sale, and has the receiver told of everything."""
        self.organization_id = organization_id
        endpoint = await self._call(
            "/v1/webhooks/endpoints", {"url": f"{receiver.url}/{organization_id}", "events": EVENTS}
        )
        receiver.secrets[organization_id] = endpoint["secret"]
        benefit = await self._call(
            "/v1/benefits/",
            {"type": "license_keys", "description": "License", "properties": {"activations": {"limit": 1}}},
        )
        price = {"amount_type": "fixed", "price_amount": 2900, "price_currency": "usd"}
        product = await self._call("/v1/products/", {"name": "Pro", "recurring_interval": "month", "prices": [price]})
        await self._call(f"/v1/products/{product['id']}/benefits", {"benefits": [benefit["id"]]})
        self._price_id = product["prices"][0]["id"]

    async def sell(self, count: int) -> None:
        """So many purchases, by `BUYERS` who each begin the next one when theirs is acknowledged."""
        numbers = iter(range(self._sold, self._sold + count))
        self._sold += count

        async def buyer() -> None:
            for number in numbers:
                email = f"buyer{number}@example.com"
                checkout = await self._call(
                    "/v1/checkouts/", {"product_price_id": self._price_id, "customer_email": email}
                )
                wish = {"client_secret": checkout["client_secret"], "confirmation_token_id": "pm_card_visa"}
                await self._call(f"/v1/checkouts/{checkout['id']}/confirm", wish)

        await asyncio.gather(*(buyer() for _ in range(BUYERS)))


def cpu(stack: Stack) -> dict[str, float]:
    """CPU-seconds of each part so far; children that ended are counted with their parent."""
    ticks = os.sysconf("SC_CLK_TCK")
    sessions = {process.pid: name for name, process in stack.processes.items() if process.pid is not None}
    data = stack.data / "postgres" / "data"
    found: dict[str, float] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            name = sessions.get(int(fields[3])) or ("postgres" if (entry / "cwd").readlink() == data else None)
        except OSError:
            continue
        if name is not None:
            spent = fields[11:15] if name == "postgres" and int(entry.name) in sessions else fields[11:13]
            found[name] = found.get(name, 0.0) + sum(map(int, spent)) / ticks
    return found
