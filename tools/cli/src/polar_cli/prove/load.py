"""The buyers: purchases at a steady rate from several tenants, each repeated until it is acknowledged."""

import asyncio
import time
from collections import defaultdict
from dataclasses import dataclass, field
from random import Random
from typing import Any

import httpx
from aiohttp import web
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

EVENTS = [
    "order.created", "order.updated", "order.paid", "subscription.created", "subscription.active",
    "subscription.updated", "subscription.canceled", "subscription.revoked", "benefit_grant.created",
    "benefit_grant.revoked", "order.refunded", "refund.created",
]  # fmt: skip
RETRIED = {409, 429, 500, 502, 503, 504}
PATIENCE_SECONDS = 180.0
REPLAYED_EVERY = 7
REFUNDED_EVERY = 6
REFUNDED = 700
"""What is given back of a refunded purchase, in minor units, before tax."""
CHANGED_EVERY = 11
CHANGES: dict[int, list[dict[str, Any]]] = {
    3: [{"product_id": "dearer", "proration_behavior": "invoice"}],
    5: [{"product_id": "dearer", "proration_behavior": "prorate"}, {"cancel_at_period_end": True}],
    7: [{"pause_at_period_end": True}],
    9: [{"product_id": "dearer", "proration_behavior": "next_period"}],
}
"""What is changed of a subscription, by the remainder of its purchase's number: the bodies of PATCH, one after the
other; "dearer" stands for the tenant's other product."""
READ = (
    "/v1/products/?limit=10", "/v1/orders/?limit=10", "/v1/subscriptions/?limit=10", "/v1/customers/?limit=10",
    "/v1/benefits/?limit=10", "/v1/license-keys/?limit=10", "/v1/webhooks/endpoints?limit=10",
    "/v1/checkouts/?limit=10", "/v1/discounts/?limit=10", "/v1/events/?limit=10", "/v1/organizations/?limit=10",
)  # fmt: skip
"""What a buyer's merchant looks at besides, one of them after each purchase."""


@dataclass
class Purchase:
    """One purchase as its buyer sees it. Times are monotonic seconds."""

    number: int
    tenant: "Tenant"
    email: str
    card: str
    ends: bool
    """Whether it is ended again once it is there."""
    began: float = 0.0
    acknowledged: float | None = None
    checkout_id: str = ""
    ids: dict[str, str] = field(default_factory=dict)
    ended: bool = False
    refund_id: str = ""
    """Of the part that the merchant gave back."""
    changed: int | None = None
    """The key in `CHANGES` of what was done with its subscription, once all of it was acknowledged."""
    trail: list[str] = field(default_factory=list)
    """Every request: seconds since the purchase began, what was asked, what came of it and after how long."""
    problem: str = ""


@dataclass
class Tenant:
    """One organization with a product on sale, a discount, and a webhook endpoint."""

    organization_id: str
    token: str
    api: httpx.AsyncClient
    price_id: str = ""
    dearer_product_id: str = ""
    discount_id: str = ""
    secret: str = ""


class Receiver:
    """Every tenant's endpoint: verifies, keeps what arrives in order; a `troubled` one at times refuses or is late."""

    def __init__(self, random: Random, *, troubled: bool = True) -> None:
        self._troubled = troubled
        self.secrets: dict[str, str] = {}
        self.arrived: dict[str, list[tuple[str, str]]] = defaultdict(list)
        """By resource: type and `webhook-id` of each attempt, as they arrived."""
        self.forged = 0
        self.url = ""
        self._random = random
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Listens on a free port."""
        app = web.Application()
        app.router.add_post("/{tenant}", self._take)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        """Listens no more."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        body = await request.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        try:
            payload: Any = Webhook(self.secrets[request.match_info["tenant"]]).verify(body, headers)
        except (WebhookVerificationError, KeyError):
            self.forged += 1
            return web.Response(status=401)
        seen = self.arrived[payload["data"]["id"]]
        told = payload["type"], headers["webhook-id"]
        # Refused once, it comes again within seconds; the pause after a second refusal is longer than the settling.
        refusable = self._troubled and told not in seen
        seen.append(told)
        dice = self._random.random() if self._troubled else 0.5
        if dice < 0.02:
            await asyncio.sleep(1)
        return web.Response(status=500 if refusable and dice > 0.97 else 204)


class Buyers:
    """Drives purchases and keeps what was acknowledged."""

    def __init__(self, tenants: list[Tenant], random: Random) -> None:
        self.tenants = tenants
        self.reading = False
        """Whether each purchase is followed by a look at one of the lists."""
        self.purchases: list[Purchase] = []
        self.requests = 0
        self.refused: dict[int, int] = defaultdict(int)
        self.replayed: list[tuple[str, str]] = []
        """Webhooks that were asked for once more: the resource, and the `webhook-id`."""
        self.failed: list[str] = []
        """Requests that no healthy stack refuses: answered 5xx, or not at all."""
        self._random = random
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self, purchases: int, seconds: float) -> None:
        """Begins purchases at a steady rate for so many seconds."""
        began = time.monotonic()
        first = len(self.purchases)
        for number in range(first, first + purchases):
            await asyncio.sleep(max(0.0, began + (number - first) * seconds / purchases - time.monotonic()))
            tenant = self._random.choice(self.tenants)
            dice = self._random.random()
            card = "pm_card_chargeDeclined" if dice < 0.08 else "pm_card_visa"
            purchase = Purchase(
                number, tenant, f"buyer{number}-{tenant.organization_id[-6:]}@example.com", card, dice > 0.85
            )
            self.purchases.append(purchase)
            task = asyncio.create_task(self._buy(purchase))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def settle(self, seconds: float) -> None:
        """Waits for the purchases that are still being tried."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)

    async def _buy(self, purchase: Purchase) -> None:
        tenant = purchase.tenant
        purchase.began = time.monotonic()
        body: dict[str, Any] = {
            "product_price_id": tenant.price_id,
            "customer_email": purchase.email,
            "metadata": {"purchase": purchase.number},
        }
        if purchase.number % 5 == 0:
            body["discount_id"] = tenant.discount_id
        checkout = await self._insist(purchase, "POST", "/v1/checkouts/", body)
        if checkout is None:
            return
        purchase.checkout_id = checkout["id"]
        path = f"/v1/checkouts/{checkout['id']}/confirm"
        wish = {"client_secret": checkout["client_secret"], "confirmation_token_id": purchase.card}
        if purchase.card != "pm_card_visa":
            declined = await self._insist(purchase, "POST", path, wish, declines=True)
            if declined is None:
                return
            wish["confirmation_token_id"] = "pm_card_visa"
        ids = await self._insist(purchase, "POST", path, wish)
        if ids is None:
            return
        purchase.ids = ids
        purchase.acknowledged = time.monotonic()
        if purchase.ends:
            ended = await self._insist(purchase, "DELETE", f"/v1/subscriptions/{ids['subscription_id']}", None)
            purchase.ended = ended is not None
        if purchase.number % REFUNDED_EVERY == 2:
            wish = {"order_id": ids["order_id"], "reason": "customer_request", "amount": REFUNDED}
            refund = await self._insist(purchase, "POST", "/v1/refunds/", wish)
            purchase.refund_id = refund["id"] if refund else ""
        if not purchase.ends:
            await self._change(purchase, purchase.number % CHANGED_EVERY)
        if purchase.number % REPLAYED_EVERY == 0:
            await self._replay(purchase)
        if self.reading:
            await self._insist(purchase, "GET", READ[purchase.number % len(READ)], None)

    async def _change(self, purchase: Purchase, which: int) -> None:
        """Changes the purchase's subscription as `CHANGES` says, each body once the one before was acknowledged."""
        for body in CHANGES.get(which, []):
            if "product_id" in body:
                body = {**body, "product_id": purchase.tenant.dearer_product_id}
            path = f"/v1/subscriptions/{purchase.ids['subscription_id']}"
            if await self._insist(purchase, "PATCH", path, body) is None:
                return
            purchase.changed = which

    async def _replay(self, purchase: Purchase) -> None:
        """Asks for the latest webhook of the tenant that was taken to be sent once more."""
        page = await self._insist(purchase, "GET", "/v1/webhooks/events/?succeeded=true&limit=1", None)
        for event in (page or {"items": []})["items"]:
            if await self._insist(purchase, "POST", f"/v1/webhooks/events/{event['id']}/replay", None) is not None:
                self.replayed.append((event["payload"]["data"]["id"], event["id"]))

    async def _insist(
        self, purchase: Purchase, method: str, path: str, body: Any, *, declines: bool = False
    ) -> dict[str, Any] | None:
        """Repeats a request, with one idempotency key, until it is answered for good."""
        of_body = (body or {}).get("confirmation_token_id") or ",".join(body or ())
        headers = {"Idempotency-Key": f"{purchase.number}-{method}-{path[-80:]}-{of_body}"}
        deadline = time.monotonic() + PATIENCE_SECONDS
        said = ""
        while time.monotonic() < deadline:
            self.requests += 1
            asked = time.monotonic()
            answer: httpx.Response | None = None
            try:
                answer = await purchase.tenant.api.request(method, path, json=body, headers=headers)
                came = str(answer.status_code)
            except httpx.HTTPError as error:
                came = type(error).__name__
            after = time.monotonic() - asked
            purchase.trail.append(f"{asked - purchase.began:5.1f} s: {method} {path[:24]}…: {came} after {after:.1f} s")
            if answer is None or answer.status_code >= 500:
                self.failed.append(f"{method} {path}: {came} {answer.text[:200] if answer is not None else ''}")
            if answer is None:
                said = came
                await asyncio.sleep(0.3)
                continue
            if answer.is_success:
                found: dict[str, Any] = answer.json()
                return found
            said = f"{answer.status_code} {answer.text[:200]}"
            self.refused[answer.status_code] += 1
            if declines and answer.status_code == 400 and "decline_code" in answer.text:
                return {}
            if method == "DELETE" and answer.status_code == 403:
                return {}
            # Billing hears of the purchase a moment after its buyer.
            not_there_yet = (method in ("DELETE", "PATCH") and answer.status_code == 404) or (
                path == "/v1/refunds/" and answer.status_code == 422 and "does not exist" in answer.text
            )
            if answer.status_code not in RETRIED and not not_there_yet:
                break
            await asyncio.sleep(0.3)
        purchase.problem = f"{method} {path}: {said}"
        return None
