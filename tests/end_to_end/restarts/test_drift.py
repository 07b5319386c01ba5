"""Copies that were changed, lost or invented by hand are as their owner says within two check intervals."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest
from servicekit.projections import SETTLING
from servicekit.testing import eventually

INTERVALS = 2
"""Digests that the owner may say before a copy is as it says, one each interval."""

COPIES = {
    "checkout": ("products", "customers", "organizations"),
    "benefits": ("products", "customers"),
    "catalog": ("benefits",),
    "billing": ("organizations",),
    "identity": ("customers",),
}
PLANTS = {
    "edited": 'update {table} set data = data || \'{{"name": "edited by hand"}}\' where id = $1',
    "set back": "update {table} set sequence = sequence - 1, data = '{{}}' where id = $1",
    "lost": "delete from {table} where id = $1",
    "invented": (
        "insert into {table} select (copy).* from (select jsonb_populate_record(present, "
        "jsonb_build_object('id', gen_random_uuid(), 'checksum', null)) as copy from {table} present where id = $1) new"
    ),
}


@asynccontextmanager
async def database(stack, service) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(f"{stack.postgres_url.rsplit('/', 1)[0]}/{service}")
    yield connection
    await connection.close()


async def contents(stack, service):
    async with database(stack, service) as connection:
        return {
            table: await connection.fetch(f"select * from {table} where sequence <> 0 order by id")
            for table in COPIES[service]
        }


async def digests(stack):
    """Digests of products that their owner has said."""
    async with database(stack, "catalog") as connection:
        return await connection.fetchval("select count(*) from outbox where routing_key = 'product.digested.v1'")


@pytest.fixture(scope="module")
def five_seconds(stack):
    """The interval at which catalog says its digests here; it is two minutes elsewhere."""
    stack.extra_environment["PROJECTION_CHECK_SECONDS"] = "5"
    started_anew(stack, "catalog.worker")
    yield
    del stack.extra_environment["PROJECTION_CHECK_SECONDS"]
    started_anew(stack, "catalog.worker")


def started_anew(stack, name):
    stack[name].stop()
    stack.restart(name)


@pytest.fixture(scope="module")
async def settled(stack, shop):
    """A purchase long enough ago that what it changed is in the digests."""
    answer = await shop.confirm(await shop.checkout())
    await shop.settled(answer.json())
    await asyncio.sleep(SETTLING.total_seconds())


@pytest.mark.parametrize("kind", PLANTS)
async def test_drift_is_repaired_within_two_intervals(stack, shop, five_seconds, settled, kind):
    before = await contents(stack, "checkout")
    id = before["products"][-1]["id"]
    async with database(stack, "checkout") as connection:
        await connection.execute(PLANTS[kind].format(table="products"), id)
    said_before = await digests(stack)
    assert await contents(stack, "checkout") != before
    await eventually(lambda: contents(stack, "checkout"), until=lambda now: now == before, what="it is repaired")
    assert await digests(stack) - said_before <= INTERVALS


@pytest.mark.parametrize("service", COPIES)
@pytest.mark.parametrize("empty", [False, True], ids=["serving", "empty"])
async def test_a_rebuild_gives_the_same_content(stack, shop, settled, service, empty):
    before = await contents(stack, service)
    assert all(before.values()), f"{service} has copies of each kind"
    status = await asyncio.to_thread(stack.rebuild, service, empty=empty)
    assert status == 0
    assert await contents(stack, service) == before
