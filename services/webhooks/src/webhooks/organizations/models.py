"""Organizations as identity tells of them: whom to write to."""

from uuid import UUID

from sqlalchemy import BigInteger, Text
from sqlalchemy.orm import Mapped, mapped_column

from webhooks.database import Base


class Organization(Base):
    """A projection of identity's organizations."""

    __tablename__ = "organizations"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    sequence: Mapped[int] = mapped_column(BigInteger)
    checksum: Mapped[str | None] = mapped_column(Text)
    name: Mapped[str]
    email: Mapped[str | None]
    locale: Mapped[str | None]
