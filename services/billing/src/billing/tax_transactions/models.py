"""What a tax provider keeps of our sales, for the returns that it files: a row for each sale and each refund."""

from datetime import datetime
from uuid import UUID

from servicekit.database import Record
from sqlalchemy import BigInteger, Index
from sqlalchemy.orm import Mapped, mapped_column

from billing.database import Base


class TaxTransaction(Record, Base):
    """A sale whose tax a provider of the outside calculated, or what a refund or a credit takes back of it.

    Written when the money moved; the provider is told by a timer, and never in the way of the money. `amount` is what
    moved in minor units, tax included.
    """

    __tablename__ = "tax_transactions"

    order_id: Mapped[UUID]
    refund_id: Mapped[UUID | None] = mapped_column(unique=True)
    """None for the sale itself. Of a later order that gives a part back, an id that is made from both orders."""
    provider: Mapped[str]
    calculation_id: Mapped[str]
    """The sale's, also where it is taken back: a provider keeps each calculation once."""
    amount: Mapped[int] = mapped_column(BigInteger)
    transaction_id: Mapped[str | None]
    """The provider's name of it, once it was told."""
    due_at: Mapped[datetime | None]
    """When the provider should be told, by the machine's clock: the provider knows no other."""
    attempts: Mapped[int] = mapped_column(default=0)
    failure: Mapped[str | None]


Index(
    "tax_transactions_sale_key",
    TaxTransaction.order_id,
    unique=True,
    postgresql_where=TaxTransaction.refund_id.is_(None),
)
Index("tax_transactions_due_idx", TaxTransaction.due_at, postgresql_where=TaxTransaction.due_at.is_not(None))
