"""One service is replaced alone, while buyers buy: no request fails, and nothing else is restarted."""

import asyncio
import json
import os
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx
import pytest
from polar_cli.compose import ComposedStack
from polar_cli.state import SERVICES
from servicekit.testing import eventually

from tests.end_to_end.support import Shop

RATE = 2.0
"""Purchases a second."""
PARTS = ("migrate", "worker", "api")


@dataclass
class Sales:
    """What buyers saw. A purchase is four requests, each by itself to be answered with success."""

    orders: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    slowest: float = 0.0


async def buy(shop: Shop, sales: Sales) -> None:
    async def asked(method: str, path: str, body: object = None) -> dict[str, str]:
        try:
            answer = await shop.api.request(method, path, json=body)
        except httpx.HTTPError as error:
            sales.failures.append(f"{method} {path}: {error!r}")
            raise
        sales.slowest = max(sales.slowest, answer.elapsed.total_seconds())
        if not answer.is_success:
            sales.failures.append(f"{method} {path}: {answer.status_code} {answer.text[:200]}")
            answer.raise_for_status()
        found: dict[str, str] = answer.json()
        return found

    body = {"product_price_id": shop.price_id, "customer_email": f"buyer-{os.urandom(6).hex()}@example.com"}
    try:
        checkout = await asked("POST", "/v1/checkouts/", body)
        await asked("GET", f"/v1/products/{shop.product['id']}")
        confirmation = {"client_secret": checkout["client_secret"], "confirmation_token_id": "pm_card_visa"}
        bought = await asked("POST", f"/v1/checkouts/{checkout['id']}/confirm", confirmation)
        await asked("GET", "/v1/benefits/")
        sales.orders.append(bought["order_id"])
    except httpx.HTTPError:
        return


@asynccontextmanager
async def buyers(shop: Shop) -> AsyncIterator[Sales]:
    """Buyers who come at a steady rate, whatever the answers take."""
    sales = Sales()
    ends = asyncio.Event()

    async def come() -> None:
        async with asyncio.TaskGroup() as group:
            while not ends.is_set():
                group.create_task(buy(shop, sales))
                await asyncio.sleep(1 / RATE)

    coming = asyncio.create_task(come())
    try:
        yield sales
    finally:
        ends.set()
        await coming


def started() -> dict[str, str]:
    """When each container of the project was started, by its name without a number."""
    listing = ["docker", "ps", "--filter", "label=com.docker.compose.project=polar-containers", "--format", "{{.ID}}"]
    ids = subprocess.run(listing, capture_output=True, text=True, check=True).stdout.split()
    inspected = subprocess.run(["docker", "inspect", *ids], capture_output=True, text=True, check=True).stdout
    return {
        one["Config"]["Labels"]["com.docker.compose.service"]: one["State"]["StartedAt"]
        for one in json.loads(inspected)
    }


async def all_arrived(shop: Shop, sales: Sales) -> None:
    async def missing() -> bool:
        answers = [await shop.api.get(f"/v1/orders/{order}") for order in sales.orders[-10:]]
        return all(answer.status_code == 200 for answer in answers)

    await eventually(missing, seconds=60, what="the last orders")


async def test_each_service_is_replaced_alone_without_a_failed_request(stack: ComposedStack, shop: Shop) -> None:
    async with buyers(shop) as sales:
        await asyncio.sleep(3)
        for service in SERVICES:
            before = started()
            await asyncio.to_thread(stack.replace, {f"{service}-{part}" for part in PARTS})
            after = started()
            replaced = {name for name in before if before[name] != after.get(name)}
            assert replaced == {f"{service}-worker", f"{service}-api"}, "only its own are restarted"
            assert sales.failures == [], service
    assert sales.failures == []
    assert sales.slowest < shop.api.timeout.read, "no answer came late"
    assert len(sales.orders) > 20
    await all_arrived(shop, sales)


@pytest.mark.parametrize("value", ["3600"])
async def test_one_changed_setting_replaces_one_service(stack: ComposedStack, shop: Shop, value: str) -> None:
    before = started()
    stack.given = {**stack.given, "CHECKOUT_TTL_SECONDS": value}
    async with buyers(shop) as sales:
        await asyncio.to_thread(stack.up)
        assert {name for name, at in started().items() if before.get(name) != at} == {"checkout-api", "checkout-worker"}
        before = started()
        await asyncio.to_thread(stack.up)
        assert started() == before, "a second `up` changes nothing"
    assert sales.failures == []
