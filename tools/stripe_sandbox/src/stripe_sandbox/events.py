"""Events, and their signed call-backs: sent at once, repeated until they are taken, also after a restart."""

import asyncio
import hashlib
import hmac
import json
import time
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from localstripe import resources as local

from stripe_sandbox.store import Store

API_VERSION = "2026-10-28.endive"
AT_ONCE = 16
LONGEST_PAUSE_SECONDS = 60.0


@dataclass
class Faults:
    """How the sandbox misbehaves, on request."""

    latency_ms: int = 0
    errors: int = 0
    drop_answers: int = 0
    hang_answers: int = 0
    webhooks: str = "deliver"
    slow_customer: str = ""
    """While set, this customer's bank takes `slow_seconds` to answer for a charge."""
    slow_seconds: int = 20
    decline: str = ""
    """While set, every charge is declined with this decline code: of cards that were good when they were saved."""


class Events:
    """What happened, told to the call-back's address."""

    def __init__(self, store: Store, url: str, secret: str, faults: Faults) -> None:
        self.url = url
        self._store = store
        self._secret = secret.encode()
        self._faults = faults
        self._wake = asyncio.Event()
        local.schedule_webhook = lambda event: None
        local.Event = self._of_local

    def _of_local(self, type: str, resource: Any) -> None:
        """localstripe's own events become ours."""
        self.record(type, resource._export())

    def record(self, type: str, resource: dict[str, Any], previous: dict[str, Any] | None = None) -> None:
        """Writes an event in the caller's transaction and puts its call-back in line."""
        resource = {name: value for name, value in resource.items() if not name.startswith("_")}
        data: dict[str, Any] = {"object": resource, **({"previous_attributes": previous} if previous else {})}
        event = self._store.new(
            "event",
            "evt",
            {
                "type": type,
                "data": data,
                "api_version": API_VERSION,
                "pending_webhooks": 1,
                "request": {"id": None, "idempotency_key": None},
            },
        )
        if self._faults.webhooks != "drop":
            self._store.deliver(event["id"], 2 if self._faults.webhooks == "twice" else 1)
            self._wake.set()

    def redeliver(self, event_id: str) -> None:
        """Puts the call-back of an event in line once more."""
        self._store.deliver(event_id)
        self._wake.set()

    def signature(self, body: bytes, at: int) -> str:
        """The header `Stripe-Signature`."""
        digest = hmac.new(self._secret, b"%d.%s" % (at, body), hashlib.sha256).hexdigest()
        return f"t={at},v1={digest}"

    async def run(self) -> None:
        """Sends until cancelled."""
        in_hand: set[int] = set()
        tasks: set[asyncio.Task[None]] = set()
        timeout = aiohttp.ClientTimeout(total=20)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            while True:
                self._wake.clear()
                latest_first = self._faults.webhooks == "reversed"
                waiting = self._store.due(latest_first=latest_first, limit=AT_ONCE * 2) if self.url else []
                for number, event_id, attempt in waiting:
                    if number in in_hand or len(in_hand) >= AT_ONCE:
                        continue
                    in_hand.add(number)
                    task = asyncio.create_task(self._send(session, number, event_id, attempt, in_hand))
                    tasks.add(task)
                    task.add_done_callback(tasks.discard)
                due_at = self._store.next_due_at()
                pause = 5.0 if due_at is None else min(5.0, max(0.05, due_at - time.time()))
                try:
                    await asyncio.wait_for(self._wake.wait(), pause)
                except TimeoutError:
                    continue

    async def _send(
        self, session: aiohttp.ClientSession, number: int, event_id: str, attempt: int, in_hand: set[int]
    ) -> None:
        event = self._store.find("event", event_id)
        body = json.dumps(event, separators=(",", ":")).encode()
        at = int(time.time())
        headers = {"Content-Type": "application/json; charset=utf-8", "Stripe-Signature": self.signature(body, at)}
        try:
            async with session.post(self.url, data=body, headers=headers, allow_redirects=False) as response:
                taken = 200 <= response.status < 300
        except (aiohttp.ClientError, TimeoutError, OSError):
            taken = False
        if taken:
            self._store.delivered(number)
        else:
            self._store.retry(number, min(0.25 * 2**attempt, LONGEST_PAUSE_SECONDS))
        in_hand.discard(number)
        self._wake.set()


@dataclass
class Sandbox:
    """Everything that the handlers share."""

    store: Store
    events: Events
    faults: Faults
    in_flight: set[str] = field(default_factory=set)
