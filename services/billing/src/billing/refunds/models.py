"""Refunds: money given back for an order, a row each, written before any of it moves."""

from datetime import datetime
from typing import Any
from uuid import UUID

from servicekit.database import Record
from sqlalchemy import BigInteger, CheckConstraint, Index, String
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from billing.database import Base

_FURTHER = {"pending": 0, "succeeded": 1, "failed": 2, "canceled": 2}
RELEASED = ("failed", "canceled")
"""The money stayed, or came back: what was reserved may be refunded again."""


class Refund(Record, Base):
    """One refund. `amount` is before tax, in integer minor units; what moves is `amount + tax_amount`.

    pending → succeeded; and failed or canceled from either, since a bank may send the money back days later. What is
    pending is reserved on the order and on the payment already: two refunds never share one amount.
    """

    __tablename__ = "refunds"

    order_id: Mapped[UUID]
    payment_id: Mapped[UUID]
    customer_id: Mapped[UUID]
    subscription_id: Mapped[UUID | None]
    dispute_id: Mapped[UUID | None]
    """The early warning that this refund answers."""
    status: Mapped[str]
    reason: Mapped[str]
    comment: Mapped[str | None]
    amount: Mapped[int] = mapped_column(BigInteger)
    tax_amount: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    balance_amount: Mapped[int] = mapped_column(BigInteger, default=0)
    """What an earlier release took off the customer's credit with it, in minor units; a refund takes none any more."""
    revoke_benefits: Mapped[bool]
    user_metadata: Mapped[dict[str, Any]] = mapped_column("metadata", JSONB, default=dict)
    processor_id: Mapped[str | None] = mapped_column(unique=True)
    failure_reason: Mapped[str | None]
    announced_at: Mapped[datetime | None]
    """When `refund.created` was said: with the first outcome."""
    due_at: Mapped[datetime | None]
    """When the processor is to be asked about it, by the machine's clock: the processor knows no other."""

    __table_args__ = (
        CheckConstraint("amount >= 0 and tax_amount >= 0 and amount + tax_amount > 0", name="amounts"),
        CheckConstraint("status in ('pending', 'succeeded', 'failed', 'canceled')", name="status"),
    )

    @property
    def total(self) -> int:
        """What the customer gets, in minor units."""
        return self.amount + self.tax_amount

    @property
    def idempotency_key(self) -> str:
        """The name of this refund at Stripe: the same however often it is sent."""
        return f"refund:{self.id}"

    def is_news(self, status: str) -> bool:
        """Whether a status is a step forward: answers and call-backs come in any order, and more than once."""
        return _FURTHER[status] > _FURTHER[self.status]


Index("refunds_list_idx", Refund.organization_id, Refund.created_at.desc(), Refund.id.desc())
Index("refunds_order_idx", Refund.order_id)
Index("refunds_due_idx", Refund.due_at, postgresql_where=Refund.due_at.is_not(None))
