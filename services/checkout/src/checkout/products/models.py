"""Products as the catalog tells of them."""

from typing import Any
from uuid import UUID

from contracts import catalog as contracts
from sqlalchemy import BigInteger, Text
from sqlalchemy.orm import Mapped, mapped_column

from checkout.database import Base


class Product(Base):
    """A projection of the catalog's products; `data` is the public shape."""

    __tablename__ = "products"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID] = mapped_column(index=True)
    sequence: Mapped[int] = mapped_column(BigInteger)
    checksum: Mapped[str | None] = mapped_column(Text)
    price_ids: Mapped[list[Any]]
    """Of the prices on sale, as text."""
    data: Mapped[dict[str, Any]]

    @property
    def shape(self) -> contracts.Product:
        """The product as the catalog last told of it."""
        return contracts.Product.model_validate(self.data, extra="ignore", context={"tolerant": True})
