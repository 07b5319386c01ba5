"""`./polar demo`: sells a subscription through the public API, and shows what each part made of it, and when."""

import json
import statistics
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

import httpx
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from polar_cli.console import Failure, say, table
from polar_cli.stack import Stack

PATIENCE_SECONDS = 30.0
TOLD_OF = [
    "order.created", "order.paid", "subscription.created", "subscription.active", "subscription.canceled",
    "benefit_grant.created",
]  # fmt: skip


@dataclass(frozen=True)
class Received:
    """A webhook whose signature was right: its type, the resource, its `webhook-id`, and when it came (monotonic s)."""

    type: str
    data: dict[str, Any]
    webhook_id: str
    at: float


@dataclass
class Receiver:
    """The demo's own endpoint: verifies every signature with the `standardwebhooks` library and keeps what it gets."""

    in_containers: bool = False
    secret: str = ""
    received: list[Received] = field(default_factory=list)
    refused: int = 0

    def __post_init__(self) -> None:
        self._arrived = threading.Condition()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                status = 204 if receiver.take(body, dict(self.headers.items())) else 401
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Nothing: the demo prints what matters."""

        # Containers reach this machine by another name than its loopback address.
        listen, name = ("0.0.0.0", "host.docker.internal") if self.in_containers else ("127.0.0.1", "127.0.0.1")
        self._server = ThreadingHTTPServer((listen, 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://{name}:{self._server.server_address[1]}/webhooks"

    def __enter__(self) -> Self:
        """Listens."""
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        """Listens no more."""
        self._server.shutdown()
        self._server.server_close()

    def take(self, body: bytes, headers: dict[str, str]) -> bool:
        """Verifies a webhook and keeps it. Returns whether its signature was right."""
        at = time.monotonic()
        lowered = {name.lower(): value for name, value in headers.items()}
        try:
            Webhook(self.secret).verify(body, lowered)
        except WebhookVerificationError:
            self.refused += 1
            return False
        payload = json.loads(body)
        with self._arrived:
            self.received.append(Received(payload["type"], payload["data"], lowered["webhook-id"], at))
            self._arrived.notify_all()
        return True

    def wait_for(self, kind: str, matches: Callable[[dict[str, Any]], bool]) -> Received:
        """Waits for a webhook. Raises `Failure` when it does not come."""

        def found() -> Received | None:
            return next((one for one in self.received if one.type == kind and matches(one.data)), None)

        with self._arrived:
            if not self._arrived.wait_for(found, PATIENCE_SECONDS):
                seen = ", ".join(one.type for one in self.received[-10:]) or "nothing"
                raise Failure(
                    f"the webhook {kind} did not arrive within {PATIENCE_SECONDS:.0f} s (came: {seen})",
                    hint="./polar logs webhooks",
                )
            arrived = found()
        assert arrived is not None
        return arrived


class Client:
    """The public API, called as a client of the gateway does."""

    def __init__(self, url: str, token: str) -> None:
        self._http = httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=30)

    def send(self, method: str, path: str, body: Any = None) -> httpx.Response:
        """One request."""
        return self._http.request(method, path, json=body)

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """One request that must succeed. Raises `Failure` with what the API said."""
        answer = self.send(method, path, body)
        if answer.is_error:
            raise Failure(
                f"{method} {path} answered {answer.status_code}: {answer.text[:500]}",
                hint=f"the logs name it by the request id {answer.headers.get('X-Request-Id', '')}: ./polar logs",
            )
        return answer.json() if answer.content else None

    def wait_for(self, path: str, what: str, ready: Callable[[Any], bool]) -> Any:
        """Asks until the answer is `ready`. Raises `Failure` when it never is."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        answer: httpx.Response | None = None
        while time.monotonic() < deadline:
            answer = self.send("GET", path)
            if answer.status_code == 200 and ready(answer.json()):
                return answer.json()
            time.sleep(0.01)
        raise Failure(
            f"{what} did not come within {PATIENCE_SECONDS:.0f} s; the last answer was "
            f"{answer.text[:300] if answer is not None else 'none'}",
            hint="./polar status, ./polar dead-letters",
        )


@dataclass
class Trail:
    """The printed steps, each with its id and the milliseconds since confirm."""

    rows: list[tuple[str, str, str]] = field(default_factory=list)
    began: float = 0.0

    def step(self, what: str, id: str, at: float | None = None) -> None:
        """Notes a step; `at` is when it was seen, on the monotonic clock."""
        since = f"{(at - self.began) * 1000:.0f}" if at is not None else ""
        self.rows.append((what, id, since))


def run(stack: Stack, purchases: int, *, in_containers: bool = False) -> int:
    """Sells, prints the trail, and returns 0. Raises `Failure` naming the step that failed."""
    about = stack.client_environment()
    client = Client(about["POLAR_API_URL"], about["POLAR_ACCESS_TOKEN"])
    with Receiver(in_containers) as receiver:
        endpoint = client.call("POST", "/v1/webhooks/endpoints", {"url": receiver.url, "events": TOLD_OF})
        receiver.secret = endpoint["secret"]
        try:
            trail = Trail()
            price_id, discount_id = _offer(client, trail)
            trail.step("webhook endpoint created", endpoint["id"])
            subscription_id = _sell(client, receiver, trail, price_id, discount_id)
            _decline(client, trail, price_id, discount_id)
            _cancel(client, receiver, trail, subscription_id)
            say()
            table(("step", "id", "ms since confirm"), trail.rows)
            median = _median(client, receiver, price_id, purchases)
            page = _checkout(client, price_id, discount_id, None)["url"]
        finally:
            with suppress(httpx.HTTPError):
                client.send("DELETE", f"/v1/webhooks/endpoints/{endpoint['id']}")
    if receiver.refused:
        raise Failure(f"{receiver.refused} webhooks had a wrong signature")
    say(f"\nconfirm → signed webhook: {median * 1000:.0f} ms at the median of {purchases} purchases")
    say(f"\nThe stack goes on running at {stack.url}; the API is described at {stack.url}/docs")
    if stack.pages == "ready":
        say("\nA checkout to pay in a browser, with the card 4242 4242 4242 4242, any date to come and any code:")
        say(f"  {page}")
    else:
        say(f"\nThe pages are {stack.pages}")
    say("\nThe API by hand:")
    say("  . .polar/env")
    say('  curl -H "Authorization: Bearer $POLAR_ACCESS_TOKEN" $POLAR_API_URL/v1/orders/')
    say("  ./polar down ends it")
    return 0


def _offer(client: Client, trail: Trail) -> tuple[str, str]:
    benefit = client.call(
        "POST",
        "/v1/benefits/",
        {
            "type": "license_keys",
            "description": "License key",
            "properties": {"prefix": "DEMO", "activations": {"limit": 3}},
        },
    )
    trail.step("benefit created", benefit["id"])
    price = {"amount_type": "fixed", "price_amount": 2900, "price_currency": "usd"}
    product = client.call(
        "POST", "/v1/products/", {"name": "Pro Subscription", "recurring_interval": "month", "prices": [price]}
    )
    client.call("POST", f"/v1/products/{product['id']}/benefits", {"benefits": [benefit["id"]]})
    trail.step("product created", product["id"])
    discount = client.call(
        "POST", "/v1/discounts/", {"name": "20 % off", "type": "percentage", "basis_points": 2000, "duration": "once"}
    )
    trail.step("discount created", discount["id"])
    return product["prices"][0]["id"], discount["id"]


def _checkout(client: Client, price_id: str, discount_id: str | None, email: str | None) -> Any:
    buyer = {"customer_email": email, "customer_name": "Ada Lovelace"} if email else {}
    body = {"product_price_id": price_id, **buyer}
    return client.call("POST", "/v1/checkouts/", {**body, **({"discount_id": discount_id} if discount_id else {})})


def _confirm(client: Client, checkout: Any, card: str = "pm_card_visa") -> httpx.Response:
    body = {"client_secret": checkout["client_secret"], "confirmation_token_id": card}
    return client.send("POST", f"/v1/checkouts/{checkout['id']}/confirm", body)


def _sell(client: Client, receiver: Receiver, trail: Trail, price_id: str, discount_id: str) -> str:
    email = f"ada+{time.time_ns()}@example.com"
    checkout = _checkout(client, price_id, discount_id, email)
    trail.step(f"checkout opened over {_money(checkout['total_amount'])}", checkout["id"])
    trail.began = time.monotonic()
    answer = _confirm(client, checkout)
    if answer.status_code != 200:
        raise Failure(f"the confirm answered {answer.status_code}: {answer.text[:500]}", hint="./polar logs checkout")
    ids = answer.json()
    trail.step("confirmed: the card was charged", checkout["id"], time.monotonic())
    order = client.wait_for(f"/v1/orders/{ids['order_id']}", "the order", lambda order: bool(order["paid"]))
    trail.step(f"order {order['invoice_number']} paid", order["id"], time.monotonic())
    path = f"/v1/subscriptions/{ids['subscription_id']}"
    subscription = client.wait_for(path, "the subscription", lambda found: bool(found["status"] == "active"))
    trail.step("subscription active", subscription["id"], time.monotonic())
    query = f"subscription_id={ids['subscription_id']}&is_granted=true"
    grants = client.wait_for(f"/v1/benefit-grants/?{query}", "the grant", lambda page: bool(page["items"]))
    grant = grants["items"][0]
    trail.step("benefit granted", grant["id"], time.monotonic())
    told = receiver.wait_for("order.paid", lambda data: bool(data["id"] == ids["order_id"]))
    trail.step("webhook order.paid received, signature verified", told.webhook_id, told.at)
    told = receiver.wait_for("benefit_grant.created", lambda data: bool(data["id"] == grant["id"]))
    trail.step("webhook benefit_grant.created received", told.webhook_id, told.at)
    key = client.call("GET", f"/v1/license-keys/{grant['properties']['license_key_id']}")
    wish = {"key": key["key"], "organization_id": key["organization_id"]}
    validated = client.call("POST", "/v1/license-keys/validate", wish)
    trail.step(f"license key {validated['display_key']} validated", validated["id"])
    return str(subscription["id"])


def _decline(client: Client, trail: Trail, price_id: str, discount_id: str) -> None:
    checkout = _checkout(client, price_id, discount_id, f"bob+{time.time_ns()}@example.com")
    answer = _confirm(client, checkout, "pm_card_chargeDeclinedInsufficientFunds")
    said = answer.json()
    if answer.status_code != 400 or said.get("decline_code") != "insufficient_funds":
        raise Failure(f"the declining card should answer 400 insufficient_funds, not {answer.status_code}: {said}")
    again = client.call("GET", f"/v1/checkouts/{checkout['id']}")
    if again["status"] != "open":
        raise Failure(f"the checkout of the declined card should be open again, not {again['status']}")
    trail.step("card declined (insufficient_funds), checkout open again", checkout["id"])


def _cancel(client: Client, receiver: Receiver, trail: Trail, subscription_id: str) -> None:
    path = f"/v1/subscriptions/{subscription_id}/cancel"
    canceled = client.call("POST", path, {"cancel_at_period_end": True, "reason": "customer_request"})
    trail.step(f"cancel at the period's end, {canceled['ends_at'][:10]}", subscription_id)
    told = receiver.wait_for("subscription.canceled", lambda data: bool(data["id"] == subscription_id))
    trail.step("webhook subscription.canceled received", told.webhook_id)


def _median(client: Client, receiver: Receiver, price_id: str, purchases: int) -> float:
    """Seconds from sending a confirm to receiving `order.paid`, at the median of so many purchases."""
    taken = []
    for number in range(max(purchases, 1)):
        checkout = _checkout(client, price_id, None, f"buyer{number}+{time.time_ns()}@example.com")
        began = time.monotonic()
        order_id = _confirm(client, checkout).json()["order_id"]
        told = receiver.wait_for("order.paid", lambda data, wanted=order_id: bool(data["id"] == wanted))  # type: ignore[misc]
        taken.append(told.at - began)
    return statistics.median(taken)


def _money(amount: int) -> str:
    return f"${amount / 100:.2f}"
