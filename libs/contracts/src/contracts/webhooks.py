"""What the webhooks service says."""

from typing import ClassVar
from uuid import UUID

from contracts.event import Event, Instant, Shape
from contracts.test_clocks import ClockReport


class WebhookEndpoint(Shape):
    """Where a merchant wants to hear what happens. Its secret is nobody else's business and not here."""

    id: UUID
    created_at: Instant
    modified_at: Instant | None
    organization_id: UUID
    url: str
    name: str | None
    format: str
    api_version: str
    events: list[str]
    enabled: bool
    failures: int
    """Attempts in a row that failed."""
    failing_since: Instant | None
    disabled_at: Instant | None
    disabled_reason: str | None


class WebhookEndpointDisabledV1(Event[WebhookEndpoint]):
    """An endpoint was disabled, because it is gone or failed for too long: another endpoint may be told of it."""

    name: ClassVar[str] = "webhook_endpoint.disabled"
    source: ClassVar[str] = "/webhooks"


class WebhooksClockReportedV1(Event[ClockReport]):
    """What this service has done, and has still to do, at the instant of an organization's test clock."""

    name: ClassVar[str] = "webhooks.clock_reported"
    source: ClassVar[str] = "/webhooks"
    public: ClassVar[bool] = False
