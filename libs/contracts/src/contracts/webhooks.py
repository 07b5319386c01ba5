"""What the webhooks service says."""

from typing import ClassVar
from uuid import UUID

from contracts.event import Event, Instant, Shape


class WebhookEndpoint(Shape):
    """A merchant's URL that receives events; the secret is never part of an event."""

    id: UUID
    created_at: Instant
    modified_at: Instant | None
    organization_id: UUID
    url: str
    name: str | None
    enabled: bool
    disabled_reason: str | None
    consecutive_failures: int


class WebhookEndpointDisabledV1(Event[WebhookEndpoint]):
    """An endpoint failed too often, or answered 410, and is no longer sent to."""

    name: ClassVar[str] = "webhook_endpoint.disabled"
    source: ClassVar[str] = "/webhooks"
    public: ClassVar[bool] = False
