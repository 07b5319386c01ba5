"""Cards that customers have tried in the portal within the last hour."""

from servicekit.attempts import Attempt

from billing.database import Base


class CardAttempt(Attempt, Base):
    """A card that was tried, to pay or to be kept: one row for each of customer or order, address, card and seller."""

    __tablename__ = "card_attempts"
