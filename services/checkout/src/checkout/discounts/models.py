"""Discounts, and their redemptions: counted where they are used."""

from datetime import datetime
from typing import Any
from uuid import UUID

from servicekit.database import Record
from sqlalchemy import ForeignKey, Index, Uuid
from sqlalchemy.dialects.postgresql import ARRAY, CITEXT, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from checkout.database import Base


class Discount(Record, Base):
    """A reduction by `basis_points` (2000 = 20 %), or by a fixed amount of minor units in each currency."""

    __tablename__ = "discounts"

    name: Mapped[str]
    code: Mapped[str | None] = mapped_column(CITEXT)
    type: Mapped[str]
    duration: Mapped[str]
    duration_in_months: Mapped[int | None]
    basis_points: Mapped[int | None]
    amounts: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    starts_at: Mapped[datetime | None]
    ends_at: Mapped[datetime | None]
    max_redemptions: Mapped[int | None]
    max_redemptions_per_customer: Mapped[int | None]
    redemptions_count: Mapped[int] = mapped_column(default=0)
    product_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid), default=list)
    user_metadata: Mapped[dict[str, Any]] = mapped_column("metadata", JSONB, default=dict)
    deleted_at: Mapped[datetime | None]

    def is_live(self, now: datetime, held: int = 0) -> bool:
        """Whether it exists, its window is open and its limit not reached, of which `held` uses are not counted."""
        return (
            self.deleted_at is None
            and (self.starts_at is None or self.starts_at <= now)
            and (self.ends_at is None or now < self.ends_at)
            and (self.max_redemptions is None or self.redemptions_count - held < self.max_redemptions)
        )

    def applies_to(self, product_id: UUID, currency: str) -> bool:
        """Whether it can reduce the price of a product in a currency."""
        for_product = not self.product_ids or product_id in self.product_ids
        return for_product and (self.type == "percentage" or currency in (self.amounts or {}))


class Redemption(Record, Base):
    """One use of a discount by one checkout; it goes when the payment has failed, and nobody can pay it any more."""

    __tablename__ = "redemptions"

    discount_id: Mapped[UUID] = mapped_column(ForeignKey("discounts.id"))
    checkout_id: Mapped[UUID] = mapped_column(unique=True)
    customer_id: Mapped[UUID]


Index("discounts_list_idx", Discount.organization_id, Discount.created_at.desc(), Discount.id.desc())
Index(
    "discounts_code_key",
    Discount.organization_id,
    Discount.code,
    unique=True,
    postgresql_where=Discount.deleted_at.is_(None) & Discount.code.is_not(None),
)
Index("redemptions_customer_idx", Redemption.discount_id, Redemption.customer_id)
