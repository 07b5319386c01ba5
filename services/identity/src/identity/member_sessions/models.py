"""Member sessions: what lets one member of a team into its portal for an hour."""

from datetime import datetime, timedelta
from uuid import UUID

from servicekit.auth import MEMBER
from servicekit.database import Record
from sqlalchemy import LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from identity.database import Base
from identity.members.models import Member

PREFIX = "polar_mst_"
LIFETIME = timedelta(hours=1)
"""Polar's rule."""
BILLING_SCOPES = frozenset({"customer_portal:read", "customer_portal:write"})
"""Of owners and billing managers: as the customer itself."""
MEMBER_SCOPES = frozenset({MEMBER})


class MemberSession(Record, Base):
    """A session of one member. Only the HMAC of its token is kept.

    A table of its own: releases that know no members refuse the token, and do not take it for the customer's.
    """

    __tablename__ = "member_sessions"

    customer_id: Mapped[UUID]
    member_id: Mapped[UUID] = mapped_column(index=True)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    expires_at: Mapped[datetime]
    return_url: Mapped[str | None]


def scopes_of(member: Member) -> frozenset[str]:
    """What a member's present role allows."""
    return BILLING_SCOPES if member.manages_bills else MEMBER_SCOPES
