"""Organizations: the sellers, and so the tenants of every service."""

from datetime import datetime
from typing import Any
from uuid import UUID

from servicekit import clock, ids
from sqlalchemy import String
from sqlalchemy.dialects.postgresql import CITEXT, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from identity.database import Base


class Organization(Base):
    """A seller. Its slug is unique whatever the case."""

    __tablename__ = "organizations"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=ids.uuid7)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    modified_at: Mapped[datetime | None] = mapped_column(default=None)
    is_test: Mapped[bool] = mapped_column(server_default="false")
    """In test mode: decided when it is created, for good. It may have a test clock."""
    name: Mapped[str]
    slug: Mapped[str] = mapped_column(CITEXT, unique=True)
    email: Mapped[str | None] = mapped_column(default=None)
    website: Mapped[str | None] = mapped_column(default=None)
    avatar_url: Mapped[str | None] = mapped_column(default=None)
    country: Mapped[str | None] = mapped_column(String(2), default=None)
    socials: Mapped[list[Any]] = mapped_column(server_default="[]")
    branding: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    """Apart from the settings: earlier releases refuse a setting that they do not know."""
    locale: Mapped[str | None] = mapped_column(default=None)
    """The language of mails to the seller itself."""
    consumer_rights: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    """Apart from the settings, too."""
    settings: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    """What the organization has set, by the name of the setting; what it has not stands at the contract's default."""
