"""Trials that were begun: by whom, and with which card."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from checkout.database import Base


class TrialRedemption(Base):
    """One trial of a customer. Kept whether or not the seller looks at it yet."""

    __tablename__ = "trial_redemptions"

    checkout_id: Mapped[UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID]
    customer_id: Mapped[UUID]
    email: Mapped[str]
    """In its plain form: without what makes one mailbox look like several."""
    fingerprint: Mapped[str | None]
    """The card's, as Stripe tells cards apart whatever their name."""
    created_at: Mapped[datetime]


Index("trial_redemptions_customer_idx", TrialRedemption.customer_id)
Index("trial_redemptions_email_idx", TrialRedemption.organization_id, TrialRedemption.email)
Index(
    "trial_redemptions_fingerprint_idx",
    TrialRedemption.organization_id,
    TrialRedemption.fingerprint,
    postgresql_where=TrialRedemption.fingerprint.is_not(None),
)
