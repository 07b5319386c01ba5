"""Customers as billing tells of them, and the ids promised to those it has not met yet."""

from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Index, Text
from sqlalchemy.dialects.postgresql import CITEXT
from sqlalchemy.orm import Mapped, mapped_column

from checkout.database import Base


class Customer(Base):
    """A projection of billing's customers; `data` is the public shape."""

    __tablename__ = "customers"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID]
    sequence: Mapped[int] = mapped_column(BigInteger)
    checksum: Mapped[str | None] = mapped_column(Text)
    email: Mapped[str] = mapped_column(CITEXT)
    external_id: Mapped[str | None]
    is_deleted: Mapped[bool]
    data: Mapped[dict[str, Any]]


class CustomerReservation(Base):
    """The id that a new e-mail's customer will have, so that two checkouts at once agree on it."""

    __tablename__ = "customer_reservations"

    organization_id: Mapped[UUID] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(CITEXT, primary_key=True)
    customer_id: Mapped[UUID]


Index("customers_email_idx", Customer.organization_id, Customer.email)
Index("customers_external_id_idx", Customer.organization_id, Customer.external_id)
