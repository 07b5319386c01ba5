"""Every metric of the suite, by name: dashboards and alerts may speak of these and no others, and a test holds it.

Names and units follow OpenTelemetry's conventions; `series` are the names under which Prometheus knows them.
"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Metric:
    """One metric. `unit` is `s` or a thing in braces, as OTLP writes them; `labels` tell its series apart."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    unit: str
    meaning: str
    labels: tuple[str, ...] = ()

    @property
    def series(self) -> tuple[str, ...]:
        """What the collector's Prometheus exporter makes of it."""
        base = self.name.replace(".", "_") + ("_seconds" if self.unit == "s" else "")
        match self.kind:
            case "counter":
                return (f"{base}_total",)
            case "gauge":
                return (base,)
            case "histogram":
                return (f"{base}_bucket", f"{base}_count", f"{base}_sum")


REQUEST_DURATION = Metric(
    "http.server.request.duration", "histogram", "s", "How long requests took, by their route and status.",
    ("http.request.method", "http.route", "http.response.status_code"),
)  # fmt: skip
EVENTS_PUBLISHED = Metric("outbox.published", "counter", "{event}", "Events that the broker has confirmed.")
WORK_WAITING = Metric(
    "work.waiting", "gauge", "{row}", "Rows of work that could be done now: the outbox, retries, renewals, deliveries.",
    ("work",),
)  # fmt: skip
WORK_LAG = Metric("work.lag", "gauge", "s", "For how long the oldest of that work has been waiting.", ("work",))
MESSAGE_DELAY = Metric(
    "message.delay", "histogram", "s", "From the moment an event became true until its effect was committed.",
    ("queue",),
)  # fmt: skip
MESSAGES_HANDLED = Metric("message.handled", "counter", "{message}", "Messages whose effect was committed.", ("queue",))
MESSAGES_RETRIED = Metric("message.retried", "counter", "{message}", "Messages that asked to come back.", ("queue",))
MESSAGES_DEAD = Metric("message.dead", "counter", "{message}", "Messages that were set aside.", ("queue",))
TIMER_DONE = Metric("timer.done", "counter", "{row}", "Pieces of due work that a timer has done.", ("timer",))
TIMER_FAILED = Metric("timer.failed", "counter", "{try}", "Turns of a timer that ended in an error.", ("timer",))
INVARIANT_BROKEN = Metric(
    "invariant.broken", "gauge", "{invariant}", "1 for an invariant that did not hold at its last check.",
    ("invariant",),
)  # fmt: skip
COPIES_REPAIRED = Metric(
    "projection.repaired", "counter", "{copy}", "Copies that differed from their owner's and were told again.",
)  # fmt: skip
DELIVERED = Metric("webhook.delivered", "counter", "{attempt}", "Attempts that an endpoint took.")
NOT_DELIVERED = Metric("webhook.failed", "counter", "{attempt}", "Attempts that an endpoint did not take.")
DECLINE_RATE_EXCEEDED = Metric(
    "card.decline_rate.exceeded", "counter", "{organization}",
    "Organizations more than 40 % of whose at least 50 cards within an hour were declined; each once an hour.",
)  # fmt: skip
CARDS_REFUSED = Metric(
    "card.refused", "counter", "{attempt}", "Cards that were not tried, since too many were declined before."
)

ALL = tuple(value for value in list(globals().values()) if isinstance(value, Metric))
