"""Logs, traces and metrics: JSON lines with ids on every line, one trace from the request to the last consumer.

Tracing costs a quarter of a request when every one is traced, so it is sampled, and without a collector the SDK is
not even loaded. The trace's identity still travels (W3C `traceparent`), so a sampled caller sees its whole purchase.
"""

import logging
import random
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from typing import Any

import structlog
from opentelemetry import metrics, trace
from opentelemetry.metrics import CallbackOptions, Counter, Histogram, Observation
from opentelemetry.trace import SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from servicekit import metrics as names
from servicekit.settings import Settings

_propagator = TraceContextTextMapPropagator()
_meter = metrics.get_meter("servicekit")
_present: ContextVar[str | None] = ContextVar("traceparent", default=None)
_exporting = False
_ratio = 0.0
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$")
_SECRET_WORDS = ("secret", "token", "password", "authorization", "card", "cvc", "number", "key")
_HARMLESS = {"routing_key", "idempotency_key_present", "invoice_number"}


def configure(service: str, settings: Settings) -> None:
    """Sets up logging to standard output, and tracing when a collector's address is set."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _without_secrets,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(settings.log_level)),
        logger_factory=structlog.PrintLoggerFactory(sys.stdout),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service)
    logging.basicConfig(stream=sys.stdout, level=logging.WARNING, format='{"level":"%(levelname)s","event":"%(name)s"}')
    if settings.otel_exporter_otlp_endpoint:
        _export(service, settings)


def _export(service: str, settings: Settings) -> None:
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.sdk.trace.sampling import ALWAYS_ON, ParentBased

    resource = Resource.create({"service.name": service})
    metrics.set_meter_provider(MeterProvider([PeriodicExportingMetricReader(OTLPMetricExporter())], resource))
    # A trace that begins here is decided about in `span`.
    provider = TracerProvider(resource=resource, sampler=ParentBased(ALWAYS_ON))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    global _exporting, _ratio
    _exporting, _ratio = True, settings.trace_sample_ratio


def is_exporting() -> bool:
    """Whether anybody reads what is measured; where nobody does, measuring that costs something is left out."""
    return _exporting


def _without_secrets(_: Any, __: str, fields: Any) -> Any:
    """The last fence: a field whose name speaks of a secret is never written, whoever logged it."""
    for name in fields:
        if name not in _HARMLESS and any(word in name.lower() for word in _SECRET_WORDS):
            fields[name] = "[hidden]"
    return fields


@contextmanager
def span(name: str, kind: SpanKind = SpanKind.INTERNAL, parent: str | None = None, **attributes: str) -> Iterator[None]:
    """A span below `parent` (a `traceparent`), or below the present one; sets what `traceparent` returns inside."""
    carrier = parent if parent and _TRACEPARENT.match(parent) else traceparent()
    if not carrier and random.random() >= _ratio:
        carrier = _unsampled()
    if not _exporting or (carrier and carrier.endswith("-00")):
        # Nothing is recorded, only the identity is handed on. The SDK would do the same, several times slower.
        token = _present.set(carrier or _unsampled())
        try:
            yield
        finally:
            _present.reset(token)
        return
    context = _propagator.extract({"traceparent": carrier}) if carrier else None
    dotted = {key.replace("_", "."): value for key, value in attributes.items()}
    with trace.get_tracer("servicekit").start_as_current_span(name, context, kind, attributes=dotted):
        carried: dict[str, str] = {}
        _propagator.inject(carried)
        token = _present.set(carried.get("traceparent") or carrier or _unsampled())
        try:
            yield
        finally:
            _present.reset(token)


@contextmanager
def spans(name: str, kind: SpanKind, parents: Iterable[str | None]) -> Iterator[None]:
    """A span below each of `parents`, for work that is done for several callers at once."""
    if not _exporting:
        yield
        return
    tracer = trace.get_tracer("servicekit")
    with ExitStack() as stack:
        for parent in {parent for parent in parents if parent and not parent.endswith("-00")}:
            context = _propagator.extract({"traceparent": parent})
            stack.callback(tracer.start_span(name, context, kind).end)
        yield


def rename(name: str) -> None:
    """Gives the present span the name that is only known now: that of the route, which has no secret in it."""
    if _exporting:
        trace.get_current_span().update_name(name)


def counter(metric: names.Metric) -> Counter:
    """Something that is counted. Nothing is kept where no collector is set."""
    return _meter.create_counter(metric.name, metric.unit, metric.meaning)


def histogram(metric: names.Metric, bounds: list[float]) -> Histogram:
    """Something that is spread: `bounds` are the upper ends of its buckets."""
    return _meter.create_histogram(metric.name, metric.unit, metric.meaning, explicit_bucket_boundaries_advisory=bounds)


def gauge(metric: names.Metric, read: Callable[[], Iterable[tuple[float, dict[str, str]]]]) -> None:
    """Something that stands at a value: `read` gives it, with what tells several apart, whenever it is exported."""

    def observe(_: CallbackOptions) -> Iterable[Observation]:
        return [Observation(value, attributes) for value, attributes in read()]

    _meter.create_observable_gauge(metric.name, [observe], metric.unit, metric.meaning)


def traceparent() -> str | None:
    """The W3C header value of the present span, to be handed on with a request or an event."""
    return _present.get()


def _unsampled() -> str:
    # Nobody has to be unable to guess it, and the system's own randomness takes ten times as long.
    return f"00-{random.getrandbits(128):032x}-{random.getrandbits(64):016x}-00"
