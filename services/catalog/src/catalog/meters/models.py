"""Meters as their owner tells of them: what metered prices are rated by."""

from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Text
from sqlalchemy.orm import Mapped, mapped_column

from catalog.database import Base


class Meter(Base):
    """A projection of metering's meters; `data` is the public shape."""

    __tablename__ = "meters"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID] = mapped_column(index=True)
    sequence: Mapped[int] = mapped_column(BigInteger)
    checksum: Mapped[str | None] = mapped_column(Text)
    data: Mapped[dict[str, Any]]
