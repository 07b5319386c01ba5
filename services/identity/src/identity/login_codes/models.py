"""Login codes: six digits in a mail that let a customer into the portal."""

import secrets
from datetime import datetime, timedelta
from uuid import UUID

from servicekit.database import Record
from sqlalchemy import Index, LargeBinary
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
LATE = timedelta(minutes=1)
"""So long an address is looked for again that nobody had when a code was requested: after a purchase, say."""
LATE_FIRST = timedelta(seconds=1)
"""Until it is looked for the first time; then it has to wait as long as it has waited."""


def generate() -> str:
    """Six digits."""
    return f"{secrets.randbelow(1_000_000):06d}"


class LoginCode(Record, Base):
    """The one code of a customer, or of an address that opens more than one customer. Only the HMAC of it is kept."""

    __tablename__ = "login_codes"

    customer_id: Mapped[UUID] = mapped_column(unique=True)
    """The customer, or the id that is derived from the address (`addresses.code_owner`).

    A row whose id is derived for changes of addresses (`email_updates`) counts their mails, and has no code.

    `organization_id` is NIL for a code that is good at whatever organization knows the address.
    """
    code_hash: Mapped[bytes] = mapped_column(LargeBinary)
    expires_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    window_began_at: Mapped[datetime | None]
    window_mails: Mapped[int] = mapped_column(default=0, server_default="0")
    window_attempts: Mapped[int] = mapped_column(default=0, server_default="0")


class LoginRequest(Base):
    """A code that was requested for an address which nobody has: the news of who has it may be on its way."""

    __tablename__ = "login_requests"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID]
    """NIL for every organization that knows the address."""
    created_at: Mapped[datetime]
    email: Mapped[str]
    due_at: Mapped[datetime] = mapped_column(index=True)
    expires_at: Mapped[datetime]


Index("login_requests_address_key", LoginRequest.organization_id, LoginRequest.email, unique=True)
