"""Redeliveries: a wish to send many events once more, worked off in pages."""

from datetime import datetime
from typing import Any
from uuid import UUID

from servicekit.database import Record
from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, mapped_column

from webhooks.database import Base


class Redelivery(Record, Base):
    """Which events are sent once more, and how far that has come: up to (`after_created_at`, `after_id`)."""

    __tablename__ = "webhook_redeliveries"

    endpoint_id: Mapped[UUID | None]
    event_types: Mapped[list[Any] | None]
    statuses: Mapped[list[Any]]
    http_code_class: Mapped[str | None]
    start_timestamp: Mapped[datetime | None]
    end_timestamp: Mapped[datetime]
    after_created_at: Mapped[datetime | None]
    after_id: Mapped[UUID | None]
    events_count: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


Index("webhook_redeliveries_list_idx", Redelivery.organization_id, Redelivery.created_at.desc(), Redelivery.id.desc())
Index("webhook_redeliveries_due_idx", Redelivery.due_at, postgresql_where=text("due_at is not null"))
