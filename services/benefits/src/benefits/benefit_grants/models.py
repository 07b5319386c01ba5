"""Grants: one benefit held by one customer, because of an order or a subscription."""

from datetime import datetime
from typing import Any
from uuid import UUID

from servicekit.database import Record
from sqlalchemy import BigInteger, ForeignKey, Index, Text, text
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


class BenefitGrant(Record, Base):
    """One benefit of one entitlement. granted → revoked, and back when the product gives it again."""

    __tablename__ = "benefit_grants"

    benefit_id: Mapped[UUID] = mapped_column(ForeignKey("benefits.id"))
    customer_id: Mapped[UUID]
    entitlement_id: Mapped[UUID]
    order_id: Mapped[UUID | None]
    subscription_id: Mapped[UUID | None]
    granted_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    properties: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)

    @property
    def is_granted(self) -> bool:
        """Whether the customer has it now."""
        return self.granted_at is not None

    def give(self, now: datetime) -> None:
        """The customer has it from now on."""
        self.granted_at, self.revoked_at = now, None

    def revoke(self, now: datetime) -> None:
        """The customer no longer has it."""
        self.granted_at, self.revoked_at = None, now
        self.modified_at = now


Index("entitlements_product_idx", Entitlement.product_id, Entitlement.id, postgresql_where=text("is_active"))
Index("benefit_grants_entitlement_key", BenefitGrant.entitlement_id, BenefitGrant.benefit_id, unique=True)
Index("benefit_grants_benefit_idx", BenefitGrant.benefit_id, BenefitGrant.created_at.desc())
Index("benefit_grants_customer_idx", BenefitGrant.customer_id)
Index("benefit_grants_list_idx", BenefitGrant.organization_id, BenefitGrant.created_at.desc(), BenefitGrant.id.desc())
