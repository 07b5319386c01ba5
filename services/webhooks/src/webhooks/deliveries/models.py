"""Deliveries: every attempt to tell an endpoint something."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, mapped_column

from webhooks.database import Base


class Delivery(Base):
    """One attempt, and what the endpoint answered (cut); without an answer `response` says what went wrong."""

    __tablename__ = "webhook_deliveries"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID]
    created_at: Mapped[datetime]
    endpoint_id: Mapped[UUID]
    webhook_event_id: Mapped[UUID] = mapped_column(index=True)
    event_type: Mapped[str | None]
    succeeded: Mapped[bool]
    http_code: Mapped[int | None]
    response: Mapped[str | None]
    duration_ms: Mapped[int]


Index("webhook_deliveries_list_idx", Delivery.organization_id, Delivery.created_at.desc(), Delivery.id.desc())
Index("webhook_deliveries_endpoint_idx", Delivery.endpoint_id, Delivery.created_at.desc(), Delivery.id.desc())
Index(
    "webhook_deliveries_type_idx",
    Delivery.organization_id,
    Delivery.event_type,
    Delivery.created_at.desc(),
    Delivery.id.desc(),
)
Index(
    "webhook_deliveries_failed_idx",
    Delivery.organization_id,
    Delivery.created_at.desc(),
    Delivery.id.desc(),
    postgresql_where=text("not succeeded"),
)
