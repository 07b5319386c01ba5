"""Organizations as identity tells of them: what a buyer may see of the seller."""

from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from checkout.database import Base


class Organization(Base):
    """A projection of identity's organizations; `data` is the public shape."""

    __tablename__ = "organizations"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    sequence: Mapped[int] = mapped_column(BigInteger)
    checksum: Mapped[str | None] = mapped_column(Text)
    data: Mapped[dict[str, Any]]


Index("organizations_slug_idx", Organization.data["slug"].astext)
