"""Login codes: six digits in a mail that let a customer into the portal."""

import secrets
from datetime import datetime, timedelta
from uuid import UUID

from servicekit.database import Record
from sqlalchemy import LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from identity.database import Base

LIFETIME = timedelta(minutes=30)
"""Polar's rule."""
PAUSE = timedelta(seconds=60)
"""Between two mails to one customer."""
ATTEMPTS = 5
"""After as many wrong codes the right one works no more: of a million, one in 200,000 is guessed."""
WINDOW = timedelta(days=1)
WINDOW_ATTEMPTS = 20
"""So many codes may be tried for a customer within a day, however many were mailed: one day guesses 1 in 50,000."""
WINDOW_MAILS = 10
"""So many codes are mailed to a customer within a day."""


def generate() -> str:
    """Six digits."""
    return f"{secrets.randbelow(1_000_000):06d}"


class LoginCode(Record, Base):
    """The one code that a customer has. Only the HMAC of it is kept."""

    __tablename__ = "login_codes"

    customer_id: Mapped[UUID] = mapped_column(unique=True)
    code_hash: Mapped[bytes] = mapped_column(LargeBinary)
    expires_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    window_began_at: Mapped[datetime | None]
    window_mails: Mapped[int] = mapped_column(default=0, server_default="0")
    window_attempts: Mapped[int] = mapped_column(default=0, server_default="0")
