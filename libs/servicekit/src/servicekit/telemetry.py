"""Logs, traces and metrics: JSON lines with ids on every line, one trace from the request to the last consumer.

Tracing costs a quarter of a request when every one is traced, so it is sampled, and without a collector the SDK is
not even loaded. The trace's identity still travels (W3C `traceparent`), so a sampled caller sees its whole purchase.
"""

import logging
import secrets
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import structlog
from opentelemetry import metrics, trace
from opentelemetry.metrics import CallbackOptions, Counter, Observation
from opentelemetry.trace import SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from servicekit.settings import Settings

_propagator = TraceContextTextMapPropagator()
_present: ContextVar[str | None] = ContextVar("traceparent", default=None)
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
    from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

    resource = Resource.create({"service.name": service})
    metrics.set_meter_provider(MeterProvider([PeriodicExportingMetricReader(OTLPMetricExporter())], resource))
    provider = TracerProvider(
        resource=resource,
        sampler=ParentBased(TraceIdRatioBased(settings.trace_sample_ratio)),
    )
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)


def _without_secrets(_: Any, __: str, fields: Any) -> Any:
    """The last fence: a field whose name speaks of a secret is never written, whoever logged it."""
    for name in fields:
        if name not in _HARMLESS and any(word in name.lower() for word in _SECRET_WORDS):
            fields[name] = "[hidden]"
    return fields


@contextmanager
def span(name: str, kind: SpanKind = SpanKind.INTERNAL, parent: str | None = None, **attributes: str) -> Iterator[None]:
    """A span below `parent` (a `traceparent`), or below the present one; sets what `traceparent` returns inside."""
    carrier = parent or traceparent()
    if isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
        # Nothing is recorded; only the identity of the trace is handed on.
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


def counter(name: str, meaning: str) -> Counter:
    """Something that is counted. Nothing is kept where no collector is set."""
    return metrics.get_meter("servicekit").create_counter(name, description=meaning)


def gauge(name: str, meaning: str, read: Callable[[], Iterable[tuple[float, dict[str, str]]]]) -> None:
    """Something that stands at a value: `read` gives it, with what tells several apart, whenever it is exported."""

    def observe(_: CallbackOptions) -> Iterable[Observation]:
        return [Observation(value, attributes) for value, attributes in read()]

    metrics.get_meter("servicekit").create_observable_gauge(name, [observe], description=meaning)


def traceparent() -> str | None:
    """The W3C header value of the present span, to be handed on with a request or an event."""
    return _present.get()


def _unsampled() -> str:
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-00"
