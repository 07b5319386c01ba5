"""Files as the catalog tells of them: what buyers may download."""

from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Text
from sqlalchemy.orm import Mapped, mapped_column

from benefits.database import Base


class File(Base):
    """A projection of the catalog's files; `data` is the public shape."""

    __tablename__ = "files"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID] = mapped_column(index=True)
    sequence: Mapped[int] = mapped_column(BigInteger)
    checksum: Mapped[str | None] = mapped_column(Text)
    is_deleted: Mapped[bool]
    data: Mapped[dict[str, Any]]
