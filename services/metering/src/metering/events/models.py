"""Usage events, as they were sent."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from metering.database import Base


class Event(Base):
    """Something a customer used. It is never changed; of two with one `external_id` the first is kept.

    The customer is named by its id or by the merchant's own one, which may be of a customer that is yet to come.
    """

    __tablename__ = "events"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID]
    timestamp: Mapped[datetime]
    """When it happened, as the sender says."""
    ingested_at: Mapped[datetime]
    name: Mapped[str]
    source: Mapped[str]
    external_id: Mapped[str | None]
    customer_id: Mapped[UUID | None]
    external_customer_id: Mapped[str | None]
    member_id: Mapped[UUID | None]
    external_member_id: Mapped[str | None]
    parent_id: Mapped[UUID | None]
    user_metadata: Mapped[dict[str, Any]] = mapped_column("metadata")


Index("events_list_idx", Event.organization_id, Event.timestamp.desc(), Event.id.desc())
Index("events_name_idx", Event.organization_id, Event.name, Event.timestamp.desc())
Index(
    "events_customer_idx",
    Event.organization_id,
    Event.customer_id,
    Event.timestamp.desc(),
    postgresql_where=Event.customer_id.is_not(None),
)
Index(
    "events_external_customer_idx",
    Event.organization_id,
    Event.external_customer_id,
    Event.timestamp.desc(),
    postgresql_where=Event.external_customer_id.is_not(None),
)
Index("events_parent_idx", Event.parent_id, postgresql_where=Event.parent_id.is_not(None))
Index(
    "events_external_id_key",
    Event.organization_id,
    Event.external_id,
    unique=True,
    postgresql_where=Event.external_id.is_not(None),
)
