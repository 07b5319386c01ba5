"""The ledger: every movement of money, twice, append-only. PostgreSQL itself refuses what does not balance."""

from datetime import datetime
from typing import Any
from uuid import UUID

from servicekit.database import Record
from sqlalchemy import BigInteger, ForeignKey, Index, String, and_
from sqlalchemy.orm import Mapped, mapped_column, relationship

from billing.database import Base

KINDS = (
    "payment", "processor_fee", "platform_fee", "refund", "refund_reversal", "dispute", "dispute_reversal", "payout",
    "balance", "return", "return_reversal",
)  # fmt: skip
ACCOUNTS = (
    "processor", "customer_payments", "customer_balance", "merchant_balance", "tax_payable", "platform_fee",
    "processor_fees", "refunds", "disputes", "payouts",
)  # fmt: skip
CLEARING = ("customer_payments", "refunds")
"""Accounts through which money only passes: over a settled order each of them sums to nothing."""


class LedgerTransaction(Record, Base):
    """One movement. Its entries come in the same database transaction, or never.

    Of money that passed the border to the outside: `payment` (a customer paid), `refund` and `refund_reversal` (given
    back, and come back after all), `return` and `return_reversal` (of a payment that nobody owed), `dispute` and
    `dispute_reversal` (taken by a bank, and returned), `processor_fee`, `payout`. Of what it means inside: `balance`
    (an order settled, a refund or a lost dispute charged to those who had got the money), `platform_fee`.
    """

    __tablename__ = "ledger_transactions"

    kind: Mapped[str]
    order_id: Mapped[UUID | None]
    payment_id: Mapped[UUID | None]
    refund_id: Mapped[UUID | None]
    dispute_id: Mapped[UUID | None]
    customer_id: Mapped[UUID | None]
    """Whose balance an entry of `customer_balance` moves."""
    occurred_at: Mapped[datetime]
    entries: Mapped[list["LedgerEntry"]] = relationship(lazy="raise")


class LedgerEntry(Base):
    """One side of a movement: `amount` in minor units of `currency`, positive as a debit, negative as a credit.

    What we hold is positive: `processor` (at Stripe), `disputes` (what banks took until they decide). What we owe is
    negative: `merchant_balance`, `tax_payable`, `customer_balance` (credit of customers; positive where they owe), and
    `payouts` on their way. `platform_fee` is earned (negative), `processor_fees` are spent (positive).
    `customer_payments` and `refunds` are passed through: paid but not yet settled, given back but not yet charged.
    """

    __tablename__ = "ledger_entries"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    transaction_id: Mapped[UUID] = mapped_column(ForeignKey("ledger_transactions.id"), index=True)
    organization_id: Mapped[UUID]
    account: Mapped[str]
    amount: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))


_KIND = LedgerTransaction.kind
_OF_NOTHING_ELSE = and_(LedgerTransaction.refund_id.is_(None), LedgerTransaction.dispute_id.is_(None))


def _once(name: str, *columns: Any, where: Any) -> Index:
    return Index(f"ledger_transactions_{name}_key", *columns, unique=True, postgresql_where=where)


Index("ledger_transactions_order_idx", LedgerTransaction.order_id)
Index(
    "ledger_transactions_customer_idx",
    LedgerTransaction.customer_id,
    postgresql_where=LedgerTransaction.customer_id.is_not(None),
)
_once("payment", LedgerTransaction.payment_id, where=_KIND == "payment")
_once(
    "processor_fee",
    LedgerTransaction.payment_id,
    where=and_(_KIND == "processor_fee", LedgerTransaction.dispute_id.is_(None)),
)
_once("platform_fee", LedgerTransaction.payment_id, where=_KIND == "platform_fee")
_once("return", LedgerTransaction.payment_id, _KIND, where=_KIND.in_(("return", "return_reversal")))
_once("settlement", LedgerTransaction.order_id, where=and_(_KIND == "balance", _OF_NOTHING_ELSE))
_once("refund", LedgerTransaction.refund_id, _KIND, where=_KIND != "balance")
_once("dispute", LedgerTransaction.dispute_id, _KIND, where=LedgerTransaction.dispute_id.is_not(None))
Index("ledger_entries_account_idx", LedgerEntry.organization_id, LedgerEntry.account, LedgerEntry.currency)
