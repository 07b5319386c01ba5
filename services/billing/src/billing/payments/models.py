"""Payments: money that moved, or was asked for. One row an attempt, written before any money moves."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from servicekit.database import Record
from sqlalchemy import BigInteger, CheckConstraint, Index, String, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from billing.database import Base

COUNTED = ("purchase", "subscription_cycle", "retry_dunning")
"""Triggers whose failures count towards the end of dunning; what a customer tries does not (Polar's rule)."""


DUPLICATE = ("duplicate", "refunded")
"""Statuses of a payment that nobody owed: before and after it was given back."""


class Payment(Record, Base):
    """One attempt to pay an order. `amount` is in integer minor units. open → succeeded or failed.

    The id of the first payment of a purchase is the one that checkout gave the attempt.
    """

    __tablename__ = "payments"

    customer_id: Mapped[UUID]
    order_id: Mapped[UUID | None]
    checkout_id: Mapped[UUID | None]
    processor: Mapped[str] = mapped_column(default="stripe")
    processor_id: Mapped[str | None] = mapped_column(unique=True)
    status: Mapped[str]
    trigger: Mapped[str]
    """purchase, subscription_cycle, retry_dunning, retry_customer, retry_payment_method_update or retry_admin."""
    agreement: Mapped[str | None]
    """What gives the right to charge the card: `subscription` (it pays for the order's subscription), `customer` (they
    gave it for this payment in the portal), `seller` (a token charged an order that is no subscription's). None for a
    checkout's payment, and for those of earlier releases."""
    attempt: Mapped[int] = mapped_column(default=1)
    amount: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    method: Mapped[str] = mapped_column(default="card")
    method_metadata: Mapped[dict[str, Any]]
    payment_method_id: Mapped[UUID | None]
    processor_customer_id: Mapped[str | None]
    processor_payment_method_id: Mapped[str | None]
    """The card at the processor."""
    processor_fee_amount: Mapped[int] = mapped_column(BigInteger, default=0)
    """What Stripe kept, in minor units."""
    processor_outcome: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    """What Stripe's Radar and the bank judged: type, risk_level, risk_score, seller_message. For the seller alone."""
    decline_code: Mapped[str | None]
    decline_message: Mapped[str | None]
    due_at: Mapped[datetime | None]
    """When somebody should charge, or ask the processor about it."""
    ask_at: Mapped[datetime | None]
    """The same by the machine's clock, in the place of `due_at`, while a payment of an organization with a test clock
    waits for the processor, which knows no other time: it is due at once then. None for others."""
    refunded_amount: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    """What was given back of it by refunds of its order, tax included, or is on its way, in minor units."""
    duplicate_at: Mapped[datetime | None]
    """Since when it is known that nobody owed it; None before, and of those that an earlier release found."""
    return_announced_at: Mapped[datetime | None]
    """When `refund.created` was published for its return."""

    __table_args__ = (
        UniqueConstraint("order_id", "attempt"),
        CheckConstraint("refunded_amount between 0 and amount", name="refunds"),
    )

    @property
    def written_at(self) -> datetime:
        """When it was written by the machine's clock, as its id says; `created_at` may be a test clock's instant."""
        return datetime.fromtimestamp((self.id.int >> 80) / 1000, UTC)

    @property
    def idempotency_key(self) -> str:
        """The name of this attempt at Stripe: the same however often it is sent."""
        return f"order:{self.order_id}:{self.attempt}"

    @property
    def is_duplicate(self) -> bool:
        """Whether it came for an order that was paid, or void, already: it is given back in full."""
        return self.status in DUPLICATE

    @property
    def given_back_amount(self) -> int:
        """What went back to the customer of it, tax included, or is on its way, in minor units.

        A return is not part of `refunded_amount`, which is refunded of the order.
        """
        return self.amount if self.status == "refunded" else self.refunded_amount

    @property
    def return_status(self) -> str:
        """How the return of a duplicate stands, as a refund's status: pending, succeeded or failed.

        It failed when nobody tries again: the money came back, or the customer's bank took it in a dispute.
        """
        if self.status == "refunded":
            return "succeeded"
        return "failed" if self.due_at is None else "pending"

    @property
    def decline_reason(self) -> str | None:
        """Why it failed, in Stripe's words."""
        return self.decline_code


Index("payments_list_idx", Payment.organization_id, Payment.created_at.desc(), Payment.id.desc())
Index(
    "payments_duplicates_idx",
    Payment.organization_id,
    Payment.created_at.desc(),
    postgresql_where=Payment.status.in_(DUPLICATE),
)
Index("payments_ask_idx", Payment.ask_at, postgresql_where=Payment.ask_at.is_not(None))
Index("payments_due_idx", Payment.due_at, postgresql_where=Payment.due_at.is_not(None))
Index("payments_open_key", Payment.order_id, unique=True, postgresql_where=Payment.status == "open")
Index("payments_succeeded_key", Payment.order_id, unique=True, postgresql_where=Payment.status == "succeeded")
