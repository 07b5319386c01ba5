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
