"""Payments of checkouts: one row an attempt, written before any money moves."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from servicekit.database import Record
from sqlalchemy import BigInteger, Index, String, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from checkout.database import Base


class Payment(Record, Base):
    """One attempt to move money. `amount` is in integer minor units.

    open → succeeded, failed, or requires_action (the buyer's bank asks them); a second success of one checkout, or one
    for what the checkout no longer offers, is `duplicate`, and is paid back: `refunded`.

    A `failed` one that is due has an intent to cancel.
    """

    __tablename__ = "payments"

    checkout_id: Mapped[UUID]
    attempt: Mapped[int]
    status: Mapped[str]
    amount: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    customer_id: Mapped[UUID]
    confirmation_token: Mapped[str]
    saves_method: Mapped[bool]
    """Whether the card is kept for renewals."""
    processor_id: Mapped[str | None] = mapped_column(unique=True)
    facts: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    """What the processor said: method, its brand and last digits, the processor's ids of customer and method."""
    decline_code: Mapped[str | None]
    decline_message: Mapped[str | None]
    due_at: Mapped[datetime | None]
    """When somebody should ask the processor about it."""

    __table_args__ = (UniqueConstraint("checkout_id", "attempt"),)

    @property
    def written_at(self) -> datetime:
        """When it was written by the machine's clock, as its id says; `created_at` may be a test clock's instant."""
        return datetime.fromtimestamp((self.id.int >> 80) / 1000, UTC)

    @property
    def idempotency_key(self) -> str:
        """The name of this attempt at Stripe: the same however often it is sent."""
        return f"checkout:{self.checkout_id}:{self.attempt}"


class ProcessorCustomer(Base):
    """Stripe's customer for one of ours, where a card is kept."""

    __tablename__ = "processor_customers"

    customer_id: Mapped[UUID] = mapped_column(primary_key=True)
    processor_id: Mapped[str]


class StripeEvent(Base):
    """A call-back of Stripe that was handled; Stripe may send each more than once."""

    __tablename__ = "stripe_events"

    id: Mapped[str] = mapped_column(primary_key=True)
    type: Mapped[str]
    received_at: Mapped[datetime]


Index("payments_due_idx", Payment.due_at, postgresql_where=Payment.due_at.is_not(None))
