"""Grants: one benefit held by one customer, because of an order or a subscription."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from servicekit.database import Record
from sqlalchemy import BigInteger, ForeignKey, Index, SmallInteger, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from benefits.database import Base


class Entitlement(Base):
    """Why a customer is owed the benefits of a product: a paid order, or a subscription while it lives.

    `id` is that order's or subscription's. `sequence` is the last event that was heard of it, so that an end which is
    heard before its beginning stays the end.
    """

    __tablename__ = "entitlements"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID]
    sequence: Mapped[int] = mapped_column(BigInteger)
    checksum: Mapped[str | None] = mapped_column(Text)
    kind: Mapped[str]
    """`order` or `subscription`."""
    customer_id: Mapped[UUID] = mapped_column(index=True)
    product_id: Mapped[UUID]
    checkout_id: Mapped[UUID | None]
    is_active: Mapped[bool]
    past_due_at: Mapped[datetime | None]
    """Since when a payment is missing."""
    revoke_at: Mapped[datetime | None]
    """When the seller's grace period is over, and benefits end unless it is paid by then."""
    period_start: Mapped[datetime | None]
    """Of a subscription: the paid period. During a trial it begins where the trial ends."""
    period_end: Mapped[datetime | None]


class BenefitGrant(Record, Base):
    """One benefit of one entitlement. pending → granted → revoked, and back when the product gives it again.

    What happens at another system is work with `due_at`: `give` (again, when the benefit changed) or `take`. Work
    without an instant waits for the customer. `version` counts the wishes: what comes back from outside for an older
    one is written down, and the newer wish still stands.
    """

    __tablename__ = "benefit_grants"

    benefit_id: Mapped[UUID] = mapped_column(ForeignKey("benefits.id"))
    customer_id: Mapped[UUID]
    entitlement_id: Mapped[UUID]
    order_id: Mapped[UUID | None]
    subscription_id: Mapped[UUID | None]
    granted_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    failed_at: Mapped[datetime | None]
    properties: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    error: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    """Why it is not granted, or could not be taken outside: `message`, `type`, `timestamp`."""
    is_told: Mapped[bool] = mapped_column(default=False)
    """Whether `benefit_grant.created` was said."""
    work: Mapped[str | None]
    due_at: Mapped[datetime | None]
    in_hand_until: Mapped[datetime | None]
    """While a worker has it in hand; it is claimed again when that worker has not come back by then."""
    attempts: Mapped[int] = mapped_column(default=0)
    urgency: Mapped[int] = mapped_column(SmallInteger, default=0)
    """0 for purchases and ends, 1 for what follows an edit: those wait behind every purchase."""
    version: Mapped[int] = mapped_column(default=0)
    account: Mapped[str | None]
    """The outside's account that it was given to."""

    @property
    def is_granted(self) -> bool:
        """Whether the customer has it now."""
        return self.granted_at is not None

    @property
    def is_wanted(self) -> bool:
        """Whether the customer has it, or is to get it."""
        return (self.is_granted or self.failed_at is not None or self.work == "give") and self.work != "take"

    @property
    def state(self) -> str:
        """`pending`, `granted`, `revoked` or `failed`."""
        if self.is_granted:
            return "granted"
        if self.revoked_at is not None:
            return "revoked"
        return "failed" if self.failed_at is not None else "pending"

    @property
    def was_tried(self) -> bool:
        """Whether the outside may have heard of it."""
        return self.is_granted or self.attempts > 0 or self.account is not None

    def give(self, now: datetime) -> None:
        """The customer has it from now on (or goes on having it)."""
        self.granted_at, self.revoked_at, self.failed_at, self.error = self.granted_at or now, None, None, None

    def revoke(self, now: datetime) -> None:
        """The customer no longer has it."""
        self.granted_at, self.revoked_at, self.failed_at = None, now, None
        self.modified_at = now

    def wish(self, work: str, now: datetime, *, urgency: int = 0) -> None:
        """Something is to be done outside, now."""
        self.version = (self.version or 0) + 1
        self.work, self.due_at, self.urgency = work, now, urgency
        self.failed_at = self.error = None
        if work == "give":
            self.revoked_at = None

    def await_customer(self, error: dict[str, Any]) -> None:
        """It cannot be given until the customer does something."""
        self.due_at, self.error = None, error

    def done(self) -> None:
        """Nothing is left to do outside."""
        self.work = self.due_at = None
        self.attempts = 0

    def fail(self, now: datetime, error: dict[str, Any]) -> None:
        """It will not be given until the merchant changes something. What was given before stays given."""
        self.done()
        self.failed_at, self.error, self.modified_at = None if self.is_granted else now, error, now

    def postpone(self, until: datetime, error: dict[str, Any]) -> None:
        """It is tried again."""
        self.due_at, self.error = until, error

    def hand_out(self, now: datetime, lease: timedelta) -> None:
        """A worker has it in hand."""
        self.in_hand_until, self.attempts = now + lease, self.attempts + 1


Index("entitlements_product_idx", Entitlement.product_id, Entitlement.id, postgresql_where=text("is_active"))
Index("benefit_grants_entitlement_key", BenefitGrant.entitlement_id, BenefitGrant.benefit_id, unique=True)
Index("benefit_grants_change_idx", BenefitGrant.benefit_id, BenefitGrant.id)
Index("benefit_grants_benefit_idx", BenefitGrant.benefit_id, BenefitGrant.created_at.desc())
Index("benefit_grants_customer_idx", BenefitGrant.customer_id)
Index("benefit_grants_list_idx", BenefitGrant.organization_id, BenefitGrant.created_at.desc(), BenefitGrant.id.desc())
Index(
    "benefit_grants_due_idx",
    BenefitGrant.organization_id,
    BenefitGrant.urgency,
    BenefitGrant.due_at,
    postgresql_where=text("due_at is not null"),
)
Index("benefit_grants_taking_idx", BenefitGrant.entitlement_id, postgresql_where=text("work = 'take'"))
Index("entitlements_revoke_idx", Entitlement.revoke_at, postgresql_where=text("revoke_at is not null"))
