"""Members: the people of a customer that is a team."""

from uuid import UUID

from servicekit.database import Record
from sqlalchemy import ForeignKey, Index
from sqlalchemy.dialects.postgresql import CITEXT
from sqlalchemy.orm import Mapped, mapped_column

from billing.database import Base


class Member(Record, Base):
    """One person of a team. A team has one owner, who cannot be removed: the role is passed on."""

    __tablename__ = "members"

    customer_id: Mapped[UUID] = mapped_column(ForeignKey("customers.id"))
    email: Mapped[str] = mapped_column(CITEXT)
    name: Mapped[str | None]
    external_id: Mapped[str | None]
    role: Mapped[str]
    """`owner`, `billing_manager` or `member`."""


Index("members_list_idx", Member.customer_id, Member.created_at.desc(), Member.id.desc())
Index("members_email_key", Member.customer_id, Member.email, unique=True)
Index(
    "members_external_id_key",
    Member.customer_id,
    Member.external_id,
    unique=True,
    postgresql_where=Member.external_id.is_not(None),
)
Index("members_owner_key", Member.customer_id, unique=True, postgresql_where=Member.role == "owner")
