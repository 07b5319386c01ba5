"""Disputes: payments that a cardholder takes back through their bank."""

from datetime import datetime
from uuid import UUID

from servicekit.database import Record
from servicekit.errors import Conflict
from sqlalchemy import BigInteger, CheckConstraint, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from billing.database import Base

OPEN = ("early_warning", "needs_response", "under_review")
BLOCKING = ("needs_response", "under_review", "lost")
"""While a payment stands so, nothing of it is refunded: the bank has the money."""
_STATUSES = {
    "warning_needs_response": "early_warning",
    "warning_under_review": "early_warning",
    "warning_closed": "prevented",
    "needs_response": "needs_response",
    "under_review": "under_review",
    "won": "won",
    "lost": "lost",
    "prevented": "prevented",
}
_FURTHER = {"early_warning": 0, "needs_response": 1, "under_review": 2, "prevented": 3, "won": 3, "lost": 3}


class DisputeNotOpenError(Conflict):
    """The dispute is closed: there is nothing to concede."""


def status_of(processor_status: str) -> str:
    """Stripe's word in the API's. Raises `KeyError` for a word that is not known."""
    return _STATUSES[processor_status]


class Dispute(Record, Base):
    """One dispute. `amount` is before tax, in integer minor units; the bank takes `amount + tax_amount`.

    early_warning → prevented, or needs_response → under_review → won or lost. The money leaves when it is withdrawn,
    comes back when it is reinstated, and is charged to the merchant when it is lost; each stands in the ledger once.
    """

    __tablename__ = "disputes"

    order_id: Mapped[UUID]
    payment_id: Mapped[UUID]
    customer_id: Mapped[UUID]
    processor_id: Mapped[str] = mapped_column(unique=True)
    status: Mapped[str]
    reason: Mapped[str | None]
    amount: Mapped[int] = mapped_column(BigInteger)
    tax_amount: Mapped[int] = mapped_column(BigInteger)
    fee_amount: Mapped[int] = mapped_column(BigInteger, default=0)
    """What Stripe keeps for the dispute, in minor units."""
    currency: Mapped[str] = mapped_column(String(3))
    evidence_due_by: Mapped[datetime | None]
    withdrawn_at: Mapped[datetime | None]
    charged_at: Mapped[datetime | None]
    reinstated_at: Mapped[datetime | None]
    recovered_amount: Mapped[int | None] = mapped_column(BigInteger)
    """Once it is lost: net amount of the customer's credit that was taken back, since it was given for this payment."""
    recovered_tax_amount: Mapped[int | None] = mapped_column(BigInteger)
    """The tax of `recovered_amount`."""
    unrecovered_amount: Mapped[int | None] = mapped_column(BigInteger)
    """Such credit that the customer had spent already, tax included: the merchant's loss."""
    accepted_at: Mapped[datetime | None]
    """When the merchant conceded it."""
    due_at: Mapped[datetime | None]
    """When the processor is to be asked about it, by the machine's clock: the processor knows no other."""

    __table_args__ = (
        CheckConstraint("amount >= 0 and tax_amount >= 0 and fee_amount >= 0", name="amounts"),
        CheckConstraint(
            "status in ('prevented', 'early_warning', 'needs_response', 'under_review', 'lost', 'won')", name="status"
        ),
    )

    @property
    def total(self) -> int:
        """What the bank takes, in minor units."""
        return self.amount + self.tax_amount

    def is_news(self, status: str) -> bool:
        """Whether a status is a step forward: call-backs come in any order, and more than once."""
        return _FURTHER[status] > _FURTHER[self.status]

    def accept(self, now: datetime) -> None:
        """The merchant concedes it. Raises `DisputeNotOpenError`."""
        if self.status not in OPEN:
            raise DisputeNotOpenError(f"This dispute is closed: {self.status}")
        self.accepted_at = self.modified_at = now


Index("disputes_list_idx", Dispute.organization_id, Dispute.created_at.desc(), Dispute.id.desc())
Index("disputes_order_idx", Dispute.order_id)
Index("disputes_due_idx", Dispute.due_at, postgresql_where=Dispute.due_at.is_not(None))
