"""`/v1/checkouts/client/{client_secret}/stream`: live news of a checkout, over disconnects and restarts."""

import asyncio
import json
from contextlib import asynccontextmanager
from types import SimpleNamespace
from uuid import UUID

import httpx
import pytest
import uvicorn
from checkout.checkouts import streams
from checkout.checkouts.models import Checkout
from checkout.orders.consumers import note_order
from contracts.billing import SubscriptionCreatedV1
from servicekit import clock, ids
from sqlalchemy import select, text

from services.checkout.tests.support import confirmed, customer_shape, opened, subscription_event

pytestmark = pytest.mark.usefixtures("known_seller")


@pytest.fixture(autouse=True)
def no_looks(monkeypatch):
    """Only a wake-up brings news, unless a test says otherwise."""
    monkeypatch.setattr(streams, "LOOK_SECONDS", 60.0)


@pytest.fixture
async def hub(app, database):
    return app.state.streams


class Page:
    """What one page reads."""

    def __init__(self, lines):
        self._lines = lines

    async def next(self):
        """The next message."""
        async with asyncio.timeout(10):
            async for line in self._lines:
                if line.startswith("data: "):
                    message = json.loads(line[6:])
                    return message["key"], message["payload"]
        raise AssertionError("the stream ended")

    async def rest(self):
        async with asyncio.timeout(10):
            return [line async for line in self._lines]


@pytest.fixture
async def looking(hub, app, database):
    """Opens pages that look at a checkout; they are closed with the test."""
    pages = []

    async def looking(checkout):
        async with database.transaction() as session:
            row = (await session.execute(select(Checkout).where(Checkout.id == checkout["id"]))).scalar_one()
        lines = streams.events(hub, app, row.id, streams.State.of(row))
        pages.append(lines)
        return Page(lines)

    yield looking
    for lines in pages:
        await lines.aclose()
    await hub.close()


async def test_a_page_follows_a_purchase(client, sell, looking, bus):
    product = await sell()
    checkout = await opened(client, product)
    page = await looking(checkout)
    assert await page.next() == ("checkout.updated", {"status": "open"})
    await client.patch(f"/v1/checkouts/client/{checkout['client_secret']}", json={"customer_name": "Ada"})
    assert await page.next() == ("checkout.updated", {"status": "open"})
    bought = (await confirmed(client, checkout)).json()
    seen = [await page.next()]
    while seen[-1] != ("checkout.updated", {"status": "succeeded"}):
        seen.append(await page.next())
    customer = customer_shape(product.organization_id, ids.uuid7())
    told = subscription_event(
        product, customer, bought["subscription_id"], contract=SubscriptionCreatedV1, checkout_id=checkout["id"]
    )
    await bus.deliver(told)
    assert await page.next() == ("checkout.subscription_created", {"subscription_id": bought["subscription_id"]})
    later = await looking(checkout)
    assert await later.next() == ("checkout.updated", {"status": "succeeded"})
    assert (await later.next())[0] == "checkout.subscription_created"


async def test_a_page_hears_of_the_order_once(client, sell, looking, database):
    checkout = await opened(client, await sell(interval=None))
    order_id = (await confirmed(client, checkout)).json()["order_id"]
    page = await looking(checkout)
    assert await page.next() == ("checkout.updated", {"status": "succeeded"})
    written = SimpleNamespace(data=SimpleNamespace(checkout_id=UUID(checkout["id"])), time=clock.now())
    for _ in range(2):
        async with database.transaction() as session:
            await note_order(written, session)
    assert await page.next() == ("checkout.order_created", {"order_id": order_id})
    later = await looking(checkout)
    assert [await later.next(), await later.next()] == [
        ("checkout.updated", {"status": "succeeded"}), ("checkout.order_created", {"order_id": order_id}),
    ]  # fmt: skip


async def test_it_ends_with_the_wish_to_connect_again(client, sell, hub, looking, monkeypatch):
    monkeypatch.setattr(streams, "LASTS_SECONDS", 0.3)
    monkeypatch.setattr(streams, "COMMENT_SECONDS", 0.1)
    monkeypatch.setattr(streams, "STOP_SECONDS", 0.05)
    lines = await (await looking(await opened(client, await sell()))).rest()
    assert lines[0] == "retry: 1000\n\n"
    assert lines[-1] == "event: reconnect\ndata: {}\n\n"
    assert ": still here\n\n" in lines
    assert hub.count == 0


async def test_a_restart_does_not_wait_for_pages(client, sell, app, looking):
    page = await looking(await opened(client, await sell()))
    await page.next()
    app.state.is_stopping = True
    try:
        assert await page.rest() == ["event: reconnect\ndata: {}\n\n"]
    finally:
        app.state.is_stopping = False


async def test_news_come_after_the_database_was_away(client, sell, looking, database, monkeypatch):
    monkeypatch.setattr(streams, "LOOK_SECONDS", 0.2)
    checkout = await opened(client, await sell())
    page = await looking(checkout)
    await page.next()
    async with database.transaction() as session:
        ended = "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid != "
        await session.execute(text(ended + "pg_backend_pid()"))
    await client.patch(f"/v1/checkouts/{checkout['id']}", json={"customer_name": "Ada"})
    assert await page.next() == ("checkout.updated", {"status": "open"})


async def test_a_checkout_and_a_process_have_so_many(client, sell, looking, monkeypatch):
    product = await sell()
    first, second = await opened(client, product), await opened(client, product)
    await (await looking(first)).next()
    monkeypatch.setattr(streams, "STREAMS_OF_ONE", 1)
    refused = await client.get(f"/v1/checkouts/client/{first['client_secret']}/stream")
    assert (refused.status_code, refused.json()["error"], refused.headers["retry-after"]) == (
        503,
        "TooManyStreams",
        "5",
    )
    monkeypatch.setattr(streams, "STREAMS", 1)
    assert (await client.get(f"/v1/checkouts/client/{second['client_secret']}/stream")).status_code == 503


async def test_what_is_over_or_unknown_has_no_stream(client, sell, database):
    checkout = await opened(client, await sell())
    async with database.transaction() as session:
        await session.execute(text("update checkouts set status = 'expired'"))
    assert (await client.get(f"/v1/checkouts/client/{checkout['client_secret']}/stream")).status_code == 410
    assert (await client.get("/v1/checkouts/client/polar_c_x/stream")).status_code == 404


@asynccontextmanager
async def served(app):
    """The application on a port: the kit's client waits for the end of an answer."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, lifespan="off", log_level="warning", http="httptools"))
    running = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        await running


async def test_who_goes_away_is_forgotten(client, sell, app, hub):
    checkout = await opened(client, await sell())
    async with served(app) as address, httpx.AsyncClient(base_url=address) as browser:
        path = f"/v1/checkouts/client/{checkout['client_secret']}/stream"
        async with browser.stream("GET", path, headers={"Origin": "https://shop.example"}) as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            assert answer.headers["x-accel-buffering"] == "no"
            assert answer.headers["access-control-allow-origin"] == "*"
            page = Page(answer.aiter_lines())
            assert await page.next() == ("checkout.updated", {"status": "open"})
            assert hub.count == 1
        async with asyncio.timeout(10):
            while hub.count:
                await asyncio.sleep(0.02)
    await hub.close()
