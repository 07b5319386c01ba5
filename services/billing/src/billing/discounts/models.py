"""Discounts as checkout tells of them: what a merchant may give a subscription."""

from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Text
from sqlalchemy.orm import Mapped, mapped_column

from billing.database import Base


class Discount(Base):
    """A projection of checkout's discounts; `data` is the public shape."""

    __tablename__ = "discounts"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID] = mapped_column(index=True)
    sequence: Mapped[int] = mapped_column(BigInteger)
    checksum: Mapped[str | None] = mapped_column(Text)
    data: Mapped[dict[str, Any]]
