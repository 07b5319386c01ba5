"""Withdrawals: contracts that consumers ended within the legal period, as if they had not been concluded."""

from datetime import datetime
from uuid import UUID

from servicekit.database import Record
from sqlalchemy import BigInteger, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from billing.database import Base


class Withdrawal(Record, Base):
    """One withdrawal, written once for the order that concluded the contract. Amounts are integer minor units.

    `created_at` is when it was confirmed, `requested_at` when it was declared, which decides whether it is in time.
    """

    __tablename__ = "withdrawals"

    order_id: Mapped[UUID] = mapped_column(unique=True)
    """The order with which the contract was concluded."""
    subscription_id: Mapped[UUID | None]
    customer_id: Mapped[UUID]
    email: Mapped[str]
    name: Mapped[str | None]
    """As the consumer gave them with the declaration."""
    requested_at: Mapped[datetime]
    period_ends_at: Mapped[datetime]
    amount: Mapped[int] = mapped_column(BigInteger)
    """What is given back before tax, all orders of the contract together."""
    tax_amount: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    is_pro_rata: Mapped[bool]
    """Whether the time of the subscription until the declaration is paid for."""
    is_disputed: Mapped[bool]
    """Whether a bank has money of the contract, or decides about it: that money is not given back a second time."""

    @property
    def total(self) -> int:
        """What is given back, tax included, in minor units."""
        return self.amount + self.tax_amount


Index("withdrawals_customer_idx", Withdrawal.customer_id)
