"""Customer sessions: what lets a customer into the portal for an hour."""

from datetime import datetime, timedelta
from uuid import UUID

from servicekit.database import Record
from sqlalchemy import LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from identity.database import Base

PREFIX = "polar_cst_"
LIFETIME = timedelta(hours=1)
"""Polar's rule."""
SCOPES = frozenset({"customer_portal:read", "customer_portal:write"})


class CustomerSession(Record, Base):
    """A session of one customer. Only the HMAC of its token is kept."""

    __tablename__ = "customer_sessions"

    customer_id: Mapped[UUID] = mapped_column(index=True)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    expires_at: Mapped[datetime]
    return_url: Mapped[str | None]
    email: Mapped[str | None]
    """Of a session that was opened by a proof of this address: it outlives the change to it."""
    checkout_id: Mapped[UUID | None]
    """Of a session that came with the first purchase of a customer: it ends with the second."""
