"""Members of teams as billing publishes them: who has which rights in a team's portal."""

from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Index, Text, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from identity.database import Base

BILLING_ROLES = frozenset({"owner", "billing_manager"})
"""Who may do in the portal what the customer may. Any other role is a plain member's."""


class Member(Base):
    """A projection of billing's members; `data` is the public shape.

    A member who was removed stays as a row with `sequence` 0 (billing has none to compare it with): an older event
    that comes late does not bring them back.
    """

    __tablename__ = "members"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID] = mapped_column(index=True)
    customer_id: Mapped[UUID]
    sequence: Mapped[int] = mapped_column(BigInteger)
    checksum: Mapped[str | None] = mapped_column(Text)
    email: Mapped[str]
    external_id: Mapped[str | None]
    role: Mapped[str]
    is_deleted: Mapped[bool]
    data: Mapped[dict[str, Any]] = mapped_column(JSONB)

    @property
    def manages_bills(self) -> bool:
        """Whether the member may do in the portal what the customer may."""
        return self.role in BILLING_ROLES


Index("members_email_idx", func.lower(Member.email))
Index("members_customer_idx", Member.customer_id)
