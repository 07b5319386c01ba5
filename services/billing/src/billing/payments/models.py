"""Payments that the processor accepted."""

from typing import Any
from uuid import UUID

from servicekit.database import Record
from sqlalchemy import BigInteger, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from billing.database import Base


class Payment(Record, Base):
    """Money that moved. `amount` is in integer minor units. The id is the one that checkout gave the attempt."""

    __tablename__ = "payments"

    customer_id: Mapped[UUID]
    order_id: Mapped[UUID | None]
    checkout_id: Mapped[UUID | None]
    processor: Mapped[str]
    processor_id: Mapped[str] = mapped_column(unique=True)
    status: Mapped[str]
    trigger: Mapped[str]
    amount: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    method: Mapped[str]
    method_metadata: Mapped[dict[str, Any]]
    processor_customer_id: Mapped[str | None]
    processor_payment_method_id: Mapped[str | None]
    """The card at the processor, for renewals."""


Index("payments_list_idx", Payment.organization_id, Payment.created_at.desc(), Payment.id.desc())
Index("payments_order_idx", Payment.order_id)
