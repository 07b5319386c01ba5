"""Grants of benefits as the benefits service tells of them: what a customer's state shows."""

from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from billing.database import Base


class BenefitGrant(Base):
    """A projection of the benefits service's grants."""

    __tablename__ = "benefit_grants"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID]
    sequence: Mapped[int] = mapped_column(BigInteger)
    checksum: Mapped[str | None] = mapped_column(Text)
    customer_id: Mapped[UUID]
    is_granted: Mapped[bool]
    subscription_id: Mapped[UUID | None]
    order_id: Mapped[UUID | None]
    """Why it is owed; neither for a grant that an earlier release wrote down."""
    data: Mapped[dict[str, Any]]
    """As a customer's state shows it (Polar's `CustomerStateBenefitGrant`)."""


Index("benefit_grants_customer_idx", BenefitGrant.customer_id, postgresql_where=BenefitGrant.is_granted)
