"""Organization access tokens: the machine credentials of a seller."""

from datetime import datetime
from uuid import UUID

from servicekit.database import Record
from sqlalchemy import ForeignKey, LargeBinary
from sqlalchemy.dialects.postgresql import ARRAY, TEXT
from sqlalchemy.orm import Mapped, mapped_column

from identity.database import Base

PREFIX = "polar_oat_"


class AccessToken(Record, Base):
    """A token of an organization. Only its HMAC is kept: who reads this table cannot use it."""

    __tablename__ = "organization_access_tokens"

    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organizations.id"), index=True)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    comment: Mapped[str]
    scopes: Mapped[list[str]] = mapped_column(ARRAY(TEXT))
    expires_at: Mapped[datetime | None] = mapped_column(default=None)
    revoked_at: Mapped[datetime | None] = mapped_column(default=None)
    last_used_at: Mapped[datetime | None] = mapped_column(default=None)
