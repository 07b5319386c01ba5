"""Declarations by which consumers cancel a subscription without a login."""

from datetime import datetime
from uuid import UUID

from servicekit.database import Record
from sqlalchemy import Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from billing.database import Base

IDLE = ("unmatched", "repeated")
"""Statuses of declarations from which nothing follows."""


class Cancellation(Record, Base):
    """A declaration as it was received at `created_at`, whether or not there is such a subscription.

    received → done, or unmatched; an extraordinary one: received → link_sent → done, or repeated where a link was
    mailed a moment before.
    """

    __tablename__ = "cancellations"

    status: Mapped[str] = mapped_column(default="received")
    kind: Mapped[str]
    """`ordinary`: at the end of the period; `extraordinary`: at once, for a cause."""
    email: Mapped[str]
    contract_number: Mapped[str]
    """The number of one of its orders, or the subscription's id."""
    name: Mapped[str | None]
    reason: Mapped[str | None]
    subscription_id: Mapped[UUID | None]
    customer_id: Mapped[UUID | None]
    ends_at: Mapped[datetime | None]
    processed_at: Mapped[datetime | None]
    due_at: Mapped[datetime | None]
    """When it is to be worked on, by the machine's clock."""
    token_hash: Mapped[bytes | None] = mapped_column(LargeBinary)
    """HMAC of the token in the mailed link."""
    token_expires_at: Mapped[datetime | None]


Index("cancellations_due_idx", Cancellation.due_at, postgresql_where=Cancellation.due_at.is_not(None))
Index(
    "cancellations_token_key",
    Cancellation.token_hash,
    unique=True,
    postgresql_where=Cancellation.token_hash.is_not(None),
)
Index("cancellations_idle_idx", Cancellation.created_at, postgresql_where=Cancellation.status.in_(IDLE))
