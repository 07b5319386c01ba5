"""Saved payment methods: cards that Stripe keeps for a customer's renewals."""

from datetime import datetime
from typing import Any
from uuid import UUID

from servicekit.database import Record
from sqlalchemy import Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from billing.database import Base


class PaymentMethod(Record, Base):
    """A card at the processor. A deleted one stays for the payments that were made with it."""

    __tablename__ = "payment_methods"

    customer_id: Mapped[UUID]
    processor: Mapped[str] = mapped_column(default="stripe")
    processor_id: Mapped[str] = mapped_column(unique=True)
    processor_customer_id: Mapped[str]
    type: Mapped[str] = mapped_column(default="card")
    method_metadata: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    """Of a card: brand, last4, exp_month, exp_year."""
    deleted_at: Mapped[datetime | None]
    expiry_checked_in: Mapped[str | None]
    """The month (`2027-03`) in which its customer was last reminded that it expires."""


Index(
    "payment_methods_customer_idx", PaymentMethod.customer_id, PaymentMethod.created_at.desc(), PaymentMethod.id.desc()
)
