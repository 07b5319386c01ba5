"""Meters as metering tells of them: whose they are."""

from uuid import UUID

from sqlalchemy import BigInteger, Text
from sqlalchemy.orm import Mapped, mapped_column

from benefits.database import Base


class Meter(Base):
    """A projection of metering's meters. An archived one can be credited, as its usage is still rated."""

    __tablename__ = "meters"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID]
    sequence: Mapped[int] = mapped_column(BigInteger)
    checksum: Mapped[str | None] = mapped_column(Text)
