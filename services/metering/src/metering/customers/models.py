"""Customers as billing tells of them."""

from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Text
from sqlalchemy.orm import Mapped, mapped_column

from metering.database import Base


class Customer(Base):
    """A projection of billing's customers; `data` is the public shape."""

    __tablename__ = "customers"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID] = mapped_column(index=True)
    sequence: Mapped[int] = mapped_column(BigInteger)
    checksum: Mapped[str | None] = mapped_column(Text)
    external_id: Mapped[str | None]
    data: Mapped[dict[str, Any]]
