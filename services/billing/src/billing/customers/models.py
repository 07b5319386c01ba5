"""Customers: who buys from an organization, one for each e-mail."""

import secrets
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from servicekit.database import Record
from sqlalchemy import BigInteger, Index, String
from sqlalchemy.dialects.postgresql import CITEXT, JSONB
from sqlalchemy.orm import Mapped, mapped_column, synonym

from billing.database import Base

_LETTERS = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"


def invoice_prefix() -> str:
    """Eight letters and digits that begin every invoice number of a customer; none that are easily confused."""
    return "".join(secrets.choice(_LETTERS) for _ in range(8))


class Customer(Record, Base):
    """Who buys. A deleted customer stays for the books, and gives the e-mail and the external id free."""

    __tablename__ = "customers"

    email: Mapped[str] = mapped_column(CITEXT)
    external_id: Mapped[str | None]
    email_verified: Mapped[bool] = mapped_column(default=False)
    type: Mapped[str] = mapped_column(default="individual")
    name: Mapped[str | None]
    billing_name: Mapped[str | None]
    billing_address: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    tax_id: Mapped[list[Any] | None] = mapped_column(JSONB(none_as_null=True))
    """Value and format: `["DE123456788", "eu_vat"]`."""
    locale: Mapped[str | None]
    user_metadata: Mapped[dict[str, Any]] = mapped_column("metadata", JSONB, default=dict)
    deleted_at: Mapped[datetime | None]
    default_payment_method_id: Mapped[UUID | None]
    processor_customer_id: Mapped[str | None]
    """Stripe's customer, who holds the saved cards."""
    invoice_prefix: Mapped[str] = mapped_column(default=invoice_prefix)
    invoices_count: Mapped[int] = mapped_column(default=0)
    """How many invoice numbers were given out: they have no gaps, since the row is locked while one is taken."""
    receipts_count: Mapped[int] = mapped_column(default=0, server_default="0")
    customer_id: Mapped[UUID] = synonym("id")
    """A customer's own session owns their own row, as it owns their orders."""
    is_shown_to_members: ClassVar[bool] = True

    def next_receipt_number(self) -> str:
        """Takes the customer's next receipt number. The caller has locked the row."""
        self.receipts_count += 1
        return f"RCPT-{self.invoice_prefix}-{self.receipts_count:04d}"


class CustomerBalance(Base):
    """What a customer has with the merchant, by currency, in minor units: credit is positive, debt negative.

    It is the sum of its entries. Whoever moves it has locked the customer.
    """

    __tablename__ = "customer_balances"

    customer_id: Mapped[UUID] = mapped_column(primary_key=True)
    currency: Mapped[str] = mapped_column(String(3), primary_key=True)
    organization_id: Mapped[UUID]
    amount: Mapped[int] = mapped_column(BigInteger, default=0)
    modified_at: Mapped[datetime]


class CustomerBalanceEntry(Base):
    """One movement of a balance; never changed, never removed. `amount` is in minor units, credit positive."""

    __tablename__ = "customer_balance_entries"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID]
    customer_id: Mapped[UUID]
    currency: Mapped[str] = mapped_column(String(3))
    amount: Mapped[int] = mapped_column(BigInteger)
    reason: Mapped[str]
    """`order`: applied to it, or left by it; `refund`; `dispute`: taken back with a lost one; `adjustment`."""
    order_id: Mapped[UUID | None]
    created_at: Mapped[datetime]


class CustomerAlias(Base):
    """An id that a purchase was promised for a customer who turned out to have another one."""

    __tablename__ = "customer_aliases"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID]
    customer_id: Mapped[UUID]


Index("customer_balance_entries_customer_idx", CustomerBalanceEntry.customer_id, CustomerBalanceEntry.currency)
Index("customers_list_idx", Customer.organization_id, Customer.created_at.desc(), Customer.id.desc())
Index(
    "customers_email_key",
    Customer.organization_id,
    Customer.email,
    unique=True,
    postgresql_where=Customer.deleted_at.is_(None),
)
Index(
    "customers_external_id_key",
    Customer.organization_id,
    Customer.external_id,
    unique=True,
    postgresql_where=Customer.deleted_at.is_(None) & Customer.external_id.is_not(None),
)
