"""Webhook events: what an endpoint is told, as the bytes that are sent, and how far that has come."""

from datetime import datetime
from uuid import UUID

from servicekit.database import Record
from sqlalchemy import BigInteger, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from webhooks.database import Base


class WebhookEvent(Record, Base):
    """One fact for one endpoint. Its id is the `webhook-id` of every attempt, for ever.

    It waits while `due_at` is set, and is in a worker's hand until `claimed_until`. `first_attempt_at` says that the
    first attempt has ended, however it did. While its endpoint is disabled it is held (`held_at`) and due no more.
    """

    __tablename__ = "webhook_events"

    __table_args__ = {"postgresql_with": {"fillfactor": 50}}  # noqa: RUF012  (SQLAlchemy's own)

    organization_id: Mapped[UUID]
    endpoint_id: Mapped[UUID] = mapped_column(ForeignKey("webhook_endpoints.id"))
    event_id: Mapped[UUID]
    """The suite's own event."""
    type: Mapped[str]
    api_version: Mapped[str]
    resource_id: Mapped[UUID]
    sequence: Mapped[int] = mapped_column(BigInteger)
    """The order in which things happened to the resource."""
    payload: Mapped[bytes | None]
    """The bytes that are signed and sent; None once it was archived."""
    correlation_id: Mapped[UUID]
    traceparent: Mapped[str | None]
    due_at: Mapped[datetime | None]
    claimed_until: Mapped[datetime | None]
    held_at: Mapped[datetime | None]
    skipped_reason: Mapped[str | None]
    archived_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    first_attempt_at: Mapped[datetime | None]
    last_http_code: Mapped[int | None]
    last_response: Mapped[str | None]
    succeeded_at: Mapped[datetime | None]

    def send_again(self, now: datetime) -> None:
        """Makes it due now, with a full set of attempts, whatever became of it before."""
        self.due_at = self.modified_at = now
        self.held_at = self.skipped_reason = None
        self.attempts = 0


Index("webhook_events_once_key", WebhookEvent.endpoint_id, WebhookEvent.event_id, unique=True)
Index("webhook_events_list_idx", WebhookEvent.organization_id, WebhookEvent.created_at.desc(), WebhookEvent.id.desc())
Index("webhook_events_endpoint_idx", WebhookEvent.endpoint_id, WebhookEvent.created_at.desc(), WebhookEvent.id.desc())
Index(
    "webhook_events_type_idx",
    WebhookEvent.organization_id,
    WebhookEvent.type,
    WebhookEvent.created_at.desc(),
    WebhookEvent.id.desc(),
)
Index(
    "webhook_events_open_idx",
    WebhookEvent.organization_id,
    WebhookEvent.created_at.desc(),
    WebhookEvent.id.desc(),
    postgresql_where=text("succeeded_at is null"),
)
Index("webhook_events_payload_idx", WebhookEvent.created_at, postgresql_where=text("archived_at is null"))
Index(
    "webhook_events_lanes_idx",
    WebhookEvent.endpoint_id,
    WebhookEvent.due_at,
    WebhookEvent.id,
    postgresql_where=text("due_at is not null"),
)
Index(
    "webhook_events_order_idx",
    WebhookEvent.endpoint_id,
    WebhookEvent.resource_id,
    WebhookEvent.sequence,
    postgresql_where=text("first_attempt_at is null"),
)
