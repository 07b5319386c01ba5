"""Products as catalog tells of them: which benefits each gives."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from benefits.database import Base


class Product(Base):
    """A projection of catalog's products: the ids of their benefits, in order."""

    __tablename__ = "products"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID]
    sequence: Mapped[int] = mapped_column(BigInteger)
    checksum: Mapped[str | None] = mapped_column(Text)
    benefit_ids: Mapped[list[Any]]


class ProductChange(Base):
    """A product whose benefits changed: its buyers are worked through in the order of their ids, up to `done_to`.

    The row whose turn was longest ago comes next, so that no organization waits for another one's many buyers.
    """

    __tablename__ = "product_changes"

    product_id: Mapped[UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID]
    done_to: Mapped[UUID | None]
    worked_at: Mapped[datetime]


Index("product_changes_turn_idx", ProductChange.worked_at)
