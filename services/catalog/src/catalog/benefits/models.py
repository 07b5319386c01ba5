"""Benefits as their owner tells of them: what a product can give."""

from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Text
from sqlalchemy.orm import Mapped, mapped_column

from catalog.database import Base


class Benefit(Base):
    """A projection of the benefits service's benefits; `data` is the public shape."""

    __tablename__ = "benefits"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID] = mapped_column(index=True)
    sequence: Mapped[int] = mapped_column(BigInteger)
    checksum: Mapped[str | None] = mapped_column(Text)
    selectable: Mapped[bool]
    is_deleted: Mapped[bool]
    data: Mapped[dict[str, Any]]
