"""One purchase is one trace: services that are told of a collector export every hop of it, and their metrics."""

import asyncio
import os
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest
from aiohttp import web
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from servicekit import metrics
from servicekit.testing import eventually

TOLD = [
    "identity.api", "checkout.api", "checkout.worker", "billing.worker", "benefits.worker", "webhooks.worker",
]  # fmt: skip
TRACE = os.urandom(16).hex()
HOPS = {
    1: ("identity", "GET /internal/authenticate"),
    2: ("checkout", "POST /v1/checkouts/{id}/confirm"),
    4: ("checkout", "charge"),
    7: ("checkout", "publish checkout.succeeded.v1"),
    8: ("billing", "billing.checkouts open_order"),
    9: ("benefits", "benefits.grants "),
    10: ("webhooks", "webhooks.events announce"),
    11: ("webhooks", "deliver webhook"),
}
"""The numbers of DESIGN's table: 3, 5 and 6 are transactions of 2, and Stripe's own request with a trace of its own."""
LATER = {metrics.MESSAGES_RETRIED, metrics.MESSAGES_DEAD, metrics.TIMER_FAILED, metrics.COPIES_REPAIRED}
LATER |= {metrics.NOT_DELIVERED, metrics.CARDS_REFUSED, metrics.DECLINE_RATE_EXCEEDED}
"""Metrics of what goes wrong: without it they have no value."""


@dataclass
class Collector:
    """Takes OTLP over HTTP, as a collector does."""

    url: str = ""
    spans: list[tuple[str, str, str]] = field(default_factory=list)
    """Trace, service and name of each."""
    texts: list[bytes] = field(default_factory=list)
    measured: set[str] = field(default_factory=set)

    async def take_spans(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.texts.append(body)
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            service = next(a.value.string_value for a in resource.resource.attributes if a.key == "service.name")
            for scope in resource.scope_spans:
                self.spans += [(span.trace_id.hex(), service, span.name) for span in scope.spans]
        return web.Response()

    async def take_metrics(self, request: web.Request) -> web.Response:
        body = await request.read()
        for resource in ExportMetricsServiceRequest.FromString(body).resource_metrics:
            self.measured |= {metric.name for scope in resource.scope_metrics for metric in scope.metrics}
        return web.Response()


@pytest.fixture
async def collector(stack) -> AsyncIterator[Collector]:
    """A collector, and the services of a purchase started anew with its address; as they were, afterwards."""
    collector = Collector()
    app = web.Application(client_max_size=64 * 1024 * 1024)
    app.router.add_post("/v1/traces", collector.take_spans)
    app.router.add_post("/v1/metrics", collector.take_metrics)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    collector.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    usual = dict(stack.extra_environment)
    stack.extra_environment |= {
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        "TRACE_SAMPLE_RATIO": "1",
        "OTEL_BSP_SCHEDULE_DELAY": "200",
        "OTEL_METRIC_EXPORT_INTERVAL": "1000",
    }
    try:
        await asyncio.to_thread(_start_anew, stack)
        yield collector
    finally:
        stack.extra_environment.clear()
        stack.extra_environment.update(usual)
        await asyncio.to_thread(_start_anew, stack)
        await runner.cleanup()


def _start_anew(stack) -> None:
    def again(name: str) -> None:
        stack[name].stop()
        stack.restart(name)

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(again, TOLD))


async def test_one_purchase_is_one_trace(stack, shop, collector):
    checkout = await shop.checkout()
    # A token that the gateway has not exchanged of late, so that the exchange is part of the trace.
    await asyncio.sleep(5)
    shop.api.headers["traceparent"] = f"00-{TRACE}-{os.urandom(8).hex()}-01"
    try:
        answer = await shop.confirm(checkout)
    finally:
        del shop.api.headers["traceparent"]
    assert answer.status_code == 200, answer.text
    await shop.settled(answer.json())

    def hop(number: int) -> bool:
        service, name = HOPS[number]
        return any(
            (trace, where) == (TRACE, service) and what.startswith(name) for trace, where, what in collector.spans
        )

    async def missing() -> list[tuple[str, str]]:
        return [HOPS[number] for number in HOPS if not hop(number)]

    await eventually(missing, until=lambda hops: not hops, seconds=60, what="every hop; missing are those seen last")

    expected = {metric.name for metric in metrics.ALL if metric not in LATER}

    async def unmeasured() -> set[str]:
        return expected - collector.measured

    await eventually(
        unmeasured, until=lambda left: not left, seconds=60, what="every metric; missing are those seen last"
    )
    names = {name for _, _, name in collector.spans}
    assert not [name for name in names if checkout["id"] in name], "a name with an id in it is no name of a kind"
    secrets = (checkout["client_secret"], shop.endpoint["secret"], shop.api.headers["authorization"].split()[-1])
    assert not any(secret.encode() in text for secret in secrets for text in collector.texts)
