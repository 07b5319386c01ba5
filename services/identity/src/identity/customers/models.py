"""Customers as billing tells of them: who can be let into the portal."""

from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Index, Text, func
from sqlalchemy.orm import Mapped, mapped_column, synonym

from identity.database import Base


class Customer(Base):
    """A projection of billing's customers; `data` is the public shape."""

    __tablename__ = "customers"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    customer_id: Mapped[UUID] = synonym("id")
    """A customer is its own: what a session may see of it."""
    organization_id: Mapped[UUID]
    sequence: Mapped[int] = mapped_column(BigInteger)
    checksum: Mapped[str | None] = mapped_column(Text)
    external_id: Mapped[str | None]
    is_deleted: Mapped[bool]
    data: Mapped[dict[str, Any]]


Index("customers_external_id_idx", Customer.organization_id, Customer.external_id)
Index("customers_email_idx", Customer.organization_id, func.lower(Customer.data["email"].astext))
Index("customers_address_idx", func.lower(Customer.data["email"].astext))
