"""Where an organization's invoices are counted together."""

from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from billing.database import Base


class InvoiceCounter(Base):
    """How many numbers an organization that numbers its invoices together has given out. Its prefix never changes."""

    __tablename__ = "invoice_counters"

    organization_id: Mapped[UUID] = mapped_column(primary_key=True)
    prefix: Mapped[str]
    count: Mapped[int]
