"""Subscriptions as billing publishes them: whether they go on, and whether a checkout may upgrade them."""

from uuid import UUID

from sqlalchemy import BigInteger, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from checkout.database import Base


class Subscription(Base):
    """A projection of billing's subscriptions."""

    __tablename__ = "subscriptions"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID]
    sequence: Mapped[int] = mapped_column(BigInteger)
    checksum: Mapped[str | None] = mapped_column(Text)
    customer_id: Mapped[UUID]
    goes_on: Mapped[bool]
    """Until it has ended: also past due, paused, or canceled to its period's end."""
    is_upgradable: Mapped[bool | None]
    """Whether it is active and its price is free. None on copies from before, until they are published again."""
    checkout_id: Mapped[UUID | None]
    """The checkout that it was bought, or last upgraded, at."""


Index("subscriptions_customer_idx", Subscription.customer_id, postgresql_where=Subscription.goes_on)
