"""The ledger: every movement of money, twice, append-only. PostgreSQL itself refuses what does not balance."""

from datetime import datetime
from uuid import UUID

from servicekit.database import Record
from sqlalchemy import BigInteger, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from billing.database import Base


class LedgerTransaction(Record, Base):
    """One movement. Its entries come in the same database transaction, or never."""

    __tablename__ = "ledger_transactions"

    kind: Mapped[str]
    """`payment`: a customer's payment of an order."""
    order_id: Mapped[UUID]
    payment_id: Mapped[UUID]
    occurred_at: Mapped[datetime]
    entries: Mapped[list["LedgerEntry"]] = relationship(lazy="raise")


class LedgerEntry(Base):
    """One side of a movement: `amount` in minor units of `currency`, positive as a debit, negative as a credit.

    Accounts: `processor` (what Stripe holds for us), `merchant_balance` (what we owe the merchant), `tax_payable`.
    """

    __tablename__ = "ledger_entries"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    transaction_id: Mapped[UUID] = mapped_column(ForeignKey("ledger_transactions.id"), index=True)
    organization_id: Mapped[UUID]
    account: Mapped[str]
    amount: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))


Index("ledger_transactions_order_idx", LedgerTransaction.order_id)
Index(
    "ledger_transactions_payment_key",
    LedgerTransaction.payment_id,
    unique=True,
    postgresql_where=LedgerTransaction.kind == "payment",
)
Index("ledger_entries_account_idx", LedgerEntry.organization_id, LedgerEntry.account, LedgerEntry.currency)
