"""One run of the proof: the stack, the buyers, the troubles of the plan, the settling, and the verdict."""

import asyncio
import base64
import json
import os
import statistics
import time
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any
from urllib.parse import quote

import httpx

from polar_cli.console import Failure, say, table
from polar_cli.prove import checks, plants
from polar_cli.prove.load import EVENTS, Buyers, Purchase, Receiver, Tenant
from polar_cli.prove.plan import Trouble, draw
from polar_cli.prove.proxy import Proxy
from polar_cli.prove.records import AtStripe, Databases, Findings
from polar_cli.servers import Limits
from polar_cli.stack import Stack
from polar_cli.state import SERVICES

SETTLE_SECONDS = 240.0
STUCK_SECONDS = 60.0
"""When nothing has moved for so long, nothing will: longer than any pause between two attempts of a healthy part."""
REDELIVERED = 25
LINES_SHOWN = 200
"""Of each kind of finding."""
TENANTS = 3
POISON = (b"{", b'{"specversion":"1.0","type":"polar.order.paid.v1"}', b"\xff\xfe\x00")


@dataclass
class Kill:
    """A part that was killed, and how long it took until it was ready, and until a purchase was acknowledged."""

    part: str
    at: float
    ready_seconds: float = 0.0
    killed: float = 0.0


@dataclass
class Report:
    """What a run showed."""

    seed: int
    seconds: float
    kills: list[Kill] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    poisoned: int = 0
    settled_seconds: float = 0.0
    findings: Findings = field(default_factory=Findings)


def _stack(*, forked: bool = False) -> Stack:
    return Stack("prove", limits=Limits.none(), durable=True, workers=2, through_proxies=True, forked=forked)


class Proof:
    """Drives one run on a stack of its own, whose services reach their servers through proxies."""

    def __init__(
        self, seed: int, purchases: int, seconds: float, only: tuple[str, ...], faults: tuple[str, ...] = (),
        *, forked: bool = False,
    ) -> None:  # fmt: skip
        self._purchases, self._seconds = purchases, seconds
        self._plan = draw(seed, seconds, only)
        self._random = Random(seed)
        self.report = Report(seed, seconds)
        # Every run begins with empty databases, so that what is found is its own.
        _stack(forked=forked).reset()
        self.stack = _stack(forked=forked)
        self.stack.extra_environment["PROJECTION_CHECK_SECONDS"] = "20"
        self._proxies: dict[str, Proxy] = {}
        self._faults = faults
        self._unsettled = ""
        self._began = 0.0

    def run(self) -> Report:
        """Raises `Failure` when the stack does not come up; what the proof finds is in the report."""
        self._start_proxies()
        plants.prepare(self.stack, self._faults)
        try:
            self.stack.up()
            asyncio.run(self._prove())
        finally:
            self.stack.down()
            for proxy in self._proxies.values():
                proxy.stop()
        return self.report

    def _start_proxies(self) -> None:
        for part in ("postgres", "rabbitmq"):
            proxy = Proxy(self.stack.state.port(f"proxy:{part}"), self.stack.state.port(part))
            proxy.start()
            self._proxies[part] = proxy

    async def _prove(self) -> None:
        receiver = Receiver(Random(self.report.seed + 1))
        await receiver.start()
        databases = self._databases = Databases(self.stack.postgres_url)
        tenants = [await self._tenant(number, receiver) for number in range(TENANTS)]
        buyers = Buyers(tenants, self._random)
        await plants.plant(self.stack, self._faults)
        try:
            await self._drive(buyers)
            await buyers.settle(SETTLE_SECONDS)
            await self._settle(databases)
            self.report.findings = await checks.check(
                databases, buyers, receiver, await self._at_stripe(), self.report.poisoned, self._dead_letters()
            )
            self.report.findings.wrong += await asyncio.to_thread(self._audit)
            if self._unsettled:
                self.report.findings.lost.append(self._unsettled)
            self._say(buyers)
        finally:
            await databases.close()
            await receiver.stop()
            for tenant in tenants:
                await tenant.api.aclose()

    async def _drive(self, buyers: Buyers) -> None:
        """Has the buyers buy while the plan's troubles happen."""
        troubles = f"{len(self._plan)} troubles, seed {self.report.seed}"
        say(f"· {self._purchases} purchases in {self._seconds:.0f} s, {troubles}")
        began = self._began = time.monotonic()
        driving = asyncio.create_task(buyers.run(self._purchases, self._seconds))
        telling = asyncio.create_task(self._tell(buyers, began))
        for trouble in self._plan:
            await asyncio.sleep(max(0.0, began + trouble.at - time.monotonic()))
            await self._cause(trouble, began)
        await driving
        telling.cancel()

    async def _tenant(self, number: int, receiver: Receiver) -> Tenant:
        created = await asyncio.to_thread(
            self.stack.create_organization, f"Tenant {number}", f"tenant-{os.urandom(4).hex()}"
        )
        api = httpx.AsyncClient(
            base_url=self.stack.url,
            headers={"Authorization": f"Bearer {created['access_token']}"},
            timeout=40,
            limits=httpx.Limits(max_connections=100),
        )
        tenant = Tenant(created["organization_id"], created["access_token"], api)

        async def call(path: str, body: Any) -> Any:
            answer = await api.post(path, json=body)
            if answer.is_error:
                raise Failure(f"POST {path} answered {answer.status_code}: {answer.text[:300]}")
            return answer.json()

        url = f"{receiver.url}/{tenant.organization_id}"
        endpoint = await call("/v1/webhooks/endpoints", {"url": url, "events": EVENTS})
        receiver.secrets[tenant.organization_id] = endpoint["secret"]
        benefit = await call(
            "/v1/benefits/",
            {"type": "license_keys", "description": "License", "properties": {"activations": {"limit": 1}}},
        )
        price = {"amount_type": "fixed", "price_amount": 2900, "price_currency": "usd"}
        product = await call("/v1/products/", {"name": "Pro", "recurring_interval": "month", "prices": [price]})
        await call(f"/v1/products/{product['id']}/benefits", {"benefits": [benefit["id"]]})
        dearer = {**price, "price_amount": 9900}
        other = await call("/v1/products/", {"name": "Max", "recurring_interval": "month", "prices": [dearer]})
        await call(f"/v1/products/{other['id']}/benefits", {"benefits": [benefit["id"]]})
        tenant.dearer_product_id = other["id"]
        discount = await call("/v1/discounts/", {"name": "Fifth", "type": "percentage", "basis_points": 2000})
        tenant.price_id, tenant.discount_id = product["prices"][0]["id"], discount["id"]
        return tenant

    async def _cause(self, trouble: Trouble, began: float) -> None:
        at = time.monotonic() - began
        match trouble.kind:
            case "kill":
                kill = Kill(trouble.part, at, killed=time.monotonic())
                await asyncio.to_thread(self.stack.kill, trouble.part)
                await asyncio.to_thread(self.stack.restart, trouble.part)
                kill.ready_seconds = time.monotonic() - kill.killed
                self.report.kills.append(kill)
            case "stop":
                await asyncio.to_thread(self.stack[trouble.part].stop)
                await asyncio.sleep(trouble.seconds)
                await asyncio.to_thread(self.stack.restart, trouble.part)
            case "drop":
                self._proxies[trouble.part].drop()
            case "delay":
                self._proxies[trouble.part].delay_seconds = 0.1
                await asyncio.sleep(trouble.seconds)
                self._proxies[trouble.part].delay_seconds = 0.0
            case "redeliver":
                for service in SERVICES:
                    await self._redeliver(service)
            case "poison":
                await asyncio.to_thread(self._poison)
        if trouble.kind != "kill":
            self.report.troubles.append(f"{at:.0f} s: {trouble.kind} {trouble.part} {trouble.seconds:.0f} s")

    async def _redeliver(self, service: str) -> None:
        """Has the broker deliver a service's latest events once more, as it may after any fault."""
        rows = await self._databases.rows(
            service,
            "select routing_key, payload from outbox where published_at is not null order by id desc limit $1",
            REDELIVERED,
        )
        for row in reversed(rows):
            with suppress(Failure, OSError):
                await asyncio.to_thread(self._publish, row["routing_key"], row["payload"])

    def _publish(self, routing_key: str, body: bytes) -> None:
        self.stack.management.call(
            "POST",
            f"exchanges/{quote('/', safe='')}/events/publish",
            {
                "properties": {"delivery_mode": 2},
                "routing_key": routing_key,
                "payload": base64.b64encode(body).decode(),
                "payload_encoding": "base64",
            },
        )

    def _poison(self) -> None:
        """Puts messages that are no events into each queue of purchases."""
        routing_key = "checkout.succeeded.v1"
        bindings = self.stack.management.call("GET", f"exchanges/{quote('/', safe='')}/events/bindings/source")
        queues = sum(binding["routing_key"] == routing_key for binding in bindings)
        for body in POISON:
            self._publish(routing_key, body)
            self.report.poisoned += queues

    def _audit(self) -> list[str]:
        """What billing's audit names: amounts that do not follow from their lines, ledger and events."""
        done = self.stack.run_command("billing", "billing.commands", "audit", is_captured=True)
        return [f"audit: {line}" for line in done.stdout.splitlines()[-20:]] if done.returncode else []

    def _dead_letters(self) -> int:
        """Dead letters in every queue that has some."""
        queues = self.stack.management.call("GET", "queues?columns=name,messages")
        return sum(queue.get("messages", 0) for queue in queues if queue["name"].endswith(".dead"))

    async def _settle(self, databases: Databases) -> None:
        began = moved = time.monotonic()
        before: list[str] = []
        stuck = STUCK_SECONDS / 4 if self._faults else STUCK_SECONDS
        while (waiting := await checks.unsettled(databases)) and time.monotonic() - moved < stuck:
            if waiting != before:
                before, moved = waiting, time.monotonic()
            await asyncio.sleep(1)
        # The management API counts with some seconds of delay.
        await asyncio.sleep(6)
        self.report.settled_seconds = time.monotonic() - began
        if waiting:
            self._unsettled = f"not settled: {'; '.join(waiting)}"

    async def _at_stripe(self) -> AtStripe:
        return AtStripe(await self._listed("payment_intents"), await self._listed("refunds"))

    async def _listed(self, resource: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        headers = {"Authorization": "Bearer sk_test_reader"}
        async with httpx.AsyncClient(base_url=self.stack.stripe_url, headers=headers, timeout=30) as stripe:
            while True:
                after = {"starting_after": found[-1]["id"]} if found else {}
                page = (await stripe.get(f"/v1/{resource}", params={"limit": 100, **after})).json()
                found += page["data"]
                if not page["has_more"]:
                    return found

    async def _tell(self, buyers: Buyers, began: float) -> None:
        with suppress(asyncio.CancelledError):
            while True:
                await asyncio.sleep(15)
                done = sum(purchase.acknowledged is not None for purchase in buyers.purchases)
                say(
                    f"  {time.monotonic() - began:4.0f} s: {len(buyers.purchases)} begun, {done} acknowledged, "
                    f"{len(self.report.kills)} kills"
                )

    def _say(self, buyers: Buyers) -> None:
        report, findings = self.report, self.report.findings
        acknowledged = [purchase for purchase in buyers.purchases if purchase.acknowledged is not None]
        recoveries = [_recovery(kill, buyers) for kill in report.kills]
        known = [seconds for seconds in recoveries if seconds is not None]
        waits = [_wait(purchase) for purchase in acknowledged]
        say()
        rows: list[tuple[str, object]] = [
            ("seed", report.seed),
            ("seconds of load", f"{report.seconds:.0f}"),
            ("purchases", len(buyers.purchases)),
            ("requests", buyers.requests),
            ("acknowledged", len(acknowledged)),
            ("refunds", sum(bool(purchase.refund_id) for purchase in buyers.purchases)),
            ("changes, cancels and pauses", sum(purchase.changed is not None for purchase in buyers.purchases)),
            ("webhooks asked for once more", len(buyers.replayed)),
            ("kills", len(report.kills)),
            ("other troubles", len(report.troubles)),
            ("lost", len(findings.lost)),
            ("duplicated", len(findings.duplicated)),
            ("otherwise wrong", len(findings.wrong)),
            ("acknowledged after, median s", f"{statistics.median(waits):.2f}" if waits else ""),
            ("acknowledged after, longest s", f"{max(waits):.1f}" if waits else ""),
            ("kill to next purchase, median s", f"{statistics.median(known):.1f}" if known else ""),
            ("kill to next purchase, longest s", f"{max(known):.1f}" if known else ""),
            ("settled after s", f"{report.settled_seconds:.0f}"),
        ]
        table(("figure", "value"), rows)
        slowest: dict[str, float] = {}
        for kill in report.kills:
            slowest[kill.part] = max(slowest.get(kill.part, 0.0), kill.ready_seconds)
        times = [
            (part, sum(kill.part == part for kill in report.kills), f"{slowest[part]:.1f}") for part in sorted(slowest)
        ]
        say()
        table(("killed", "times", "ready again after s, longest"), times)
        longest = max(acknowledged, key=_wait, default=None)
        if longest is not None:
            self._retrace("the slowest purchase", longest)
        for purchase in [purchase for purchase in buyers.purchases if purchase.problem][:LINES_SHOWN]:
            self._retrace("never acknowledged: purchase", purchase)
        for name in ("lost", "duplicated", "wrong"):
            found = getattr(findings, name)
            for line in found[:LINES_SHOWN]:
                say(f"✗ {name}: {line}")
            if found[LINES_SHOWN:]:
                say(f"✗ {name}: {len(found) - LINES_SHOWN} more")

    def _retrace(self, what: str, purchase: Purchase) -> None:
        """Prints a purchase's requests."""
        say(f"\n{what} {purchase.number}, begun {purchase.began - self._began:.0f} s after the start:")
        for line in purchase.trail[:40]:
            say(f"  {line}")


def _wait(purchase: Purchase) -> float:
    """Seconds until a purchase was acknowledged."""
    return (purchase.acknowledged or purchase.began) - purchase.began


def _recovery(kill: Kill, buyers: Buyers) -> float | None:
    """Seconds from a kill to the acknowledgement of the first purchase that was begun after it."""
    after = [
        purchase.acknowledged - kill.killed
        for purchase in buyers.purchases
        if purchase.began >= kill.killed and purchase.acknowledged is not None
    ]
    return min(after) if after else None


def run(
    purchases: int, minutes: float, seed: int, only: tuple[str, ...], faults: tuple[str, ...] = (), *, forked: bool
) -> int:
    """Runs the proof and prints its report. Returns 1 when anything was lost, doubled or wrong."""
    proof = Proof(seed, purchases, minutes * 60, only, faults, forked=forked)
    report = proof.run()
    say()
    if report.findings.is_clean:
        say("nothing was lost, nothing was doubled")
        return 0
    say(f"the proof failed; its stack's logs are in {proof.stack.logs}; repeat it with --seed {seed}")
    say(json.dumps({"lost": len(report.findings.lost), "duplicated": len(report.findings.duplicated)}))
    return 1
