"""A shop to buy in, and a receiver of what is told of it."""

import asyncio
import json
import os
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any, ClassVar

import httpx
from aiohttp import web
from servicekit.testing import eventually
from standardwebhooks import Webhook

EVENTS = [
    "checkout.created", "checkout.updated", "customer.created", "order.created", "order.paid", "subscription.created",
    "subscription.active", "subscription.canceled", "benefit_grant.created", "benefit_grant.revoked",
]  # fmt: skip
PATIENCE = 60.0


class Receiver:
    """Keeps webhooks whose signature is right. While `held` is clear, it takes them in but does not answer."""

    def __init__(self) -> None:
        self.secret = ""
        self.url = ""
        self.held = asyncio.Event()
        self.held.set()
        self.ids: dict[tuple[str, str], list[str]] = defaultdict(list)
        """By type and resource: the `webhook-id` of every attempt that arrived."""
        self.refused = 0

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        try:
            Webhook(self.secret).verify(body, {name.lower(): value for name, value in request.headers.items()})
        except Exception:
            self.refused += 1
            return web.Response(status=401)
        payload = json.loads(body)
        self.ids[payload["type"], payload["data"]["id"]].append(request.headers["webhook-id"])
        await self.held.wait()
        return web.Response(status=204)

    async def accept(self, _: web.Request) -> web.Response:
        """Takes anything: for endpoints whose deliveries are read in the API."""
        return web.Response(text="OK")

    async def arrived(self, kind: str, id: str) -> list[str]:
        """Waits for a webhook about a resource. Returns the ids of all attempts."""

        async def probe() -> list[str]:
            return self.ids[kind, id]

        return await eventually(probe, seconds=PATIENCE, what=f"webhook {kind} of {id}")


@asynccontextmanager
async def listening(host: str, name: str) -> AsyncIterator[Receiver]:
    """A receiver at `host`, which the stack knows as `name`."""
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/webhooks", receiver.take)
    app.router.add_post("/webhooks/other", receiver.accept)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, host, 0).start()
    receiver.url = f"http://{name}:{runner.addresses[0][1]}/webhooks"
    yield receiver
    receiver.held.set()
    await runner.cleanup()


class Shop:
    """What the tests sell."""

    events: ClassVar[list[str]] = EVENTS
    """What its endpoint is told of."""

    def __init__(self, api: httpx.AsyncClient, receiver: Receiver, organization_id: str) -> None:
        self.api, self.receiver, self.organization_id = api, receiver, organization_id
        self.product: Any = None
        self.benefit: Any = None
        self.endpoint: Any = None

    async def call(self, method: str, path: str, body: Any = None, status: int = 0) -> Any:
        """One request that must succeed."""
        answer = await self.api.request(method, path, json=body)
        assert answer.is_success if not status else answer.status_code == status, f"{method} {path}: {answer.text}"
        return answer.json() if answer.content else None

    async def open(self) -> None:
        """Puts a monthly subscription with a license key on sale."""
        self.endpoint = await self.call(
            "POST", "/v1/webhooks/endpoints", {"url": self.receiver.url, "events": self.events}
        )
        self.receiver.secret = self.endpoint["secret"]
        self.benefit = await self.call(
            "POST",
            "/v1/benefits/",
            {"type": "license_keys", "description": "License", "properties": {"activations": {"limit": 3}}},
        )
        price = {"amount_type": "fixed", "price_amount": 2900, "price_currency": "usd"}
        product = {"name": "Pro Subscription", "recurring_interval": "month", "prices": [price]}
        self.product = await self.call("POST", "/v1/products/", product)
        path = f"/v1/products/{self.product['id']}/benefits"
        self.product = await self.call("POST", path, {"benefits": [self.benefit["id"]]})

    @property
    def price_id(self) -> str:
        """The price of the subscription."""
        price_id: str = self.product["prices"][0]["id"]
        return price_id

    async def checkout(self, email: str = "", **fields: Any) -> Any:
        """A new checkout for the subscription."""
        email = email or f"buyer-{os.urandom(6).hex()}@example.com"
        body = {"product_price_id": self.price_id, "customer_email": email, **fields}
        return await self.call("POST", "/v1/checkouts/", body)

    async def confirm(self, checkout: Any, card: str = "pm_card_visa", **fields: Any) -> httpx.Response:
        """Confirms a checkout."""
        body = {"client_secret": checkout["client_secret"], "confirmation_token_id": card, **fields}
        return await self.api.post(f"/v1/checkouts/{checkout['id']}/confirm", json=body)

    async def settled(self, ids: Any) -> None:
        """Waits for a purchase to arrive everywhere, and asserts that each of its effects is there exactly once."""
        order, subscription = ids["order_id"], ids["subscription_id"]

        async def grants() -> Any:
            return await self.items("benefit-grants", subscription_id=subscription)

        granted = await eventually(grants, seconds=PATIENCE, what="the grant")
        for kind, id in (
            ("order.created", order),
            ("order.paid", order),
            ("subscription.active", subscription),
            ("benefit_grant.created", granted[0]["id"]),
        ):
            attempts = await self.receiver.arrived(kind, id)
            assert len(set(attempts)) == 1, f"{kind} came with several ids: {attempts}"
        assert [order["id"] for order in await self.items("orders", checkout_id=ids["id"])] == [order]
        assert len(await self.items("orders", subscription_id=subscription)) == 1
        assert [one["id"] for one in await self.items("subscriptions", customer_id=ids["customer_id"])] == [
            subscription
        ]
        assert [one["status"] for one in await self.items("payments", checkout_id=ids["id"])] == ["succeeded"]
        assert [one["is_granted"] for one in await grants()] == [True]

    async def items(self, resource: str, **query: Any) -> list[Any]:
        """The first page of a list."""
        answer = await self.api.get(f"/v1/{resource}/", params={"limit": 100, **query})
        assert answer.status_code == 200, answer.text
        found: list[Any] = answer.json()["items"]
        return found


class TimeShop(Shop):
    """A shop whose time is moved, and that hears every webhook itself, in the order in which they came."""

    events: ClassVar[list[str]] = [
        *EVENTS, "product.updated", "order.updated", "subscription.updated", "subscription.uncanceled",
        "subscription.revoked", "subscription.past_due", "subscription.cycled", "customer.updated",
    ]  # fmt: skip

    def __init__(self, api: httpx.AsyncClient, organization_id: str) -> None:
        super().__init__(api, Receiver(), organization_id)
        self.clock: Any = None
        self.heard: list[Any] = []
        self.delay = 0.0
        self.refusals = 0
        """How many of the next deliveries are answered with 503."""

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Runs the receiver."""
        app = web.Application()
        app.router.add_post("/webhooks", self._take)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/webhooks"
        yield
        await runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        body = await request.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        Webhook(self.receiver.secret).verify(body, headers)
        await asyncio.sleep(self.delay)
        if self.refusals:
            self.refusals -= 1
            return web.Response(status=503)
        self.heard.append(json.loads(body))
        return web.Response(status=204)

    def of(self, id: str, kind: str = "") -> list[Any]:
        """What was heard of a resource, of one type or of all."""
        return [one for one in self.heard if one["data"].get("id") == id and (not kind or one["type"] == kind)]

    async def start(self, at: datetime) -> None:
        """Makes the clock."""
        self.clock = await self.call("POST", "/v1/test-clocks/", {"frozen_time": at.isoformat()})
        await self.ready()

    @property
    def now(self) -> datetime:
        """Where the clock stands."""
        return datetime.fromisoformat(self.clock["frozen_time"])

    @property
    def shown(self) -> str:
        """The same as the API writes it."""
        written: str = self.clock["frozen_time"]
        return written

    async def advance(self, to: datetime) -> None:
        """Moves the clock, and waits until everything has settled; to where it stands: only waits."""
        path = f"/v1/test-clocks/{self.clock['id']}/advance"
        self.clock = await self.call("POST", path, {"frozen_time": to.isoformat()})
        await self.ready()

    async def settle(self) -> None:
        """Lets what was asked for arrive everywhere, by the smallest step."""
        await self.advance(self.now + timedelta(microseconds=1))

    async def ready(self, seconds: float = PATIENCE) -> None:
        """Waits until the clock says that all has settled: for as long as it goes on, however slow the machine is."""
        loop = asyncio.get_running_loop()
        deadline, last = loop.time() + seconds, self.clock
        while self.clock["status"] != "ready":
            await asyncio.sleep(0.05)
            self.clock = await self.call("GET", f"/v1/test-clocks/{self.clock['id']}")
            if self.clock != last:
                deadline, last = loop.time() + seconds, self.clock
            assert loop.time() < deadline, f"the clock stands still: {self.clock}"
