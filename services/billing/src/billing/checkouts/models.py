"""Checkouts as the checkout service tells of them: how many became a purchase."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from billing.database import Base


class Checkout(Base):
    """A projection of the checkout service's checkouts, with what the conversion is counted from and nothing else."""

    __tablename__ = "checkouts"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID]
    sequence: Mapped[int] = mapped_column(BigInteger)
    checksum: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime]
    product_id: Mapped[UUID | None]
    customer_id: Mapped[UUID | None]
    is_recurring: Mapped[bool]
    is_succeeded: Mapped[bool]


Index("checkouts_range_idx", Checkout.organization_id, Checkout.created_at)
