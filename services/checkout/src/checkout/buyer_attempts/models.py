"""What buyers have tried within the last hour, and which sellers were told that too many cards are declined."""

from datetime import datetime
from uuid import UUID

from servicekit.attempts import Attempt
from sqlalchemy.orm import Mapped, mapped_column

from checkout.database import Base


class BuyerAttempt(Attempt, Base):
    """A card that was tried, to pay or to be kept, or a link that opened a checkout: one row for each mark of it.

    Cards are counted by checkout, address, card and seller, links by address.
    """

    __tablename__ = "buyer_attempts"


class DeclineAlert(Base):
    """When a seller was last told that too many cards are declined."""

    __tablename__ = "decline_alerts"

    organization_id: Mapped[UUID] = mapped_column(primary_key=True)
    raised_at: Mapped[datetime]
