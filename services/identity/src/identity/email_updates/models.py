"""Changes of customers' e-mail addresses that wait for the proof of the new one."""

from datetime import datetime, timedelta
from uuid import UUID

from servicekit.database import Record
from sqlalchemy import LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from identity.database import Base

PREFIX = "polar_ceu_"
LIFETIME = timedelta(minutes=30)
PAUSE = timedelta(seconds=60)
"""Between two mails that one customer asks for."""
WINDOW = timedelta(days=1)
WINDOW_MAILS = 10
"""So many mails a customer may have sent within a day, to whatever addresses."""


class EmailUpdate(Record, Base):
    """The one change that a customer has asked for. Only the HMAC of the mailed token is kept."""

    __tablename__ = "email_updates"

    customer_id: Mapped[UUID] = mapped_column(unique=True)
    old_email: Mapped[str]
    """The customer's address when they asked: after another change the link is worth nothing."""
    email: Mapped[str]
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    expires_at: Mapped[datetime]
    window_began_at: Mapped[datetime]
    window_mails: Mapped[int]
    checkout_id: Mapped[UUID | None]
    """Of who had not proven the old address: the purchase with which the session came. Another purchase ends both."""
