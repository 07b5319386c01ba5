"""The purchase that a customer began with: as long as it is the only one, its buyer is who has the e-mail."""

from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from identity.database import Base


class FirstPurchase(Base):
    """The first purchase of a customer that is known here."""

    __tablename__ = "first_purchases"

    customer_id: Mapped[UUID] = mapped_column(primary_key=True)
    checkout_id: Mapped[UUID]
