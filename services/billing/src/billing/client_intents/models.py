"""Intents at Stripe whose `client_secret` a browser was given, because a bank asks the customer."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from billing.database import Base


class ClientIntent(Base):
    """A PaymentIntent or SetupIntent that a browser can confirm at Stripe itself, until it is canceled."""

    __tablename__ = "client_intents"

    processor_id: Mapped[str] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID]
    attempt_id: Mapped[UUID]
    """The attempt that it was counted as (`card_attempts`)."""
    purchase: Mapped[str]
    """The mark of what the card is for: `customer …` or `order …`."""
    declined_as: Mapped[str | None]
    """Stripe's id of the decline that is counted as this attempt; empty if no card was declined. None: not declined."""
    created_at: Mapped[datetime]
    due_at: Mapped[datetime | None]
    """When it is to be canceled, by the machine's clock; None when it is over."""


Index("client_intents_due_idx", ClientIntent.due_at, postgresql_where=ClientIntent.due_at.is_not(None))
