"""Products as the catalog tells of them: what a subscription can be changed to."""

from typing import Any
from uuid import UUID

from contracts import catalog as contracts
from sqlalchemy import BigInteger, Text
from sqlalchemy.orm import Mapped, mapped_column

from billing.database import Base


class Product(Base):
    """A projection of the catalog's products; `data` is the public shape."""

    __tablename__ = "products"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID] = mapped_column(index=True)
    sequence: Mapped[int] = mapped_column(BigInteger)
    checksum: Mapped[str | None] = mapped_column(Text)
    data: Mapped[dict[str, Any]]

    @property
    def shape(self) -> contracts.Product:
        """The product as the catalog last told of it."""
        return contracts.Product.model_validate(self.data, extra="ignore", context={"tolerant": True})
