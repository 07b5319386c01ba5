"""Benefits: what a product gives its buyers."""

from datetime import datetime
from typing import Any
from uuid import UUID

from servicekit.database import Record
from sqlalchemy import Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from benefits.database import Base


class Benefit(Record, Base):
    """What is given. `properties` depends on `type`; a deleted one stays for the grants that it made."""

    __tablename__ = "benefits"

    type: Mapped[str]
    description: Mapped[str]
    properties: Mapped[dict[str, Any]]
    visibility: Mapped[str] = mapped_column(default="public")
    user_metadata: Mapped[dict[str, Any]] = mapped_column("metadata", JSONB, default=dict)
    deleted_at: Mapped[datetime | None]


class BenefitChange(Base):
    """A benefit that was changed or deleted: its grants are worked through like a product's buyers."""

    __tablename__ = "benefit_changes"

    benefit_id: Mapped[UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID]
    is_deleted: Mapped[bool]
    done_to: Mapped[UUID | None]
    worked_at: Mapped[datetime]


Index("benefit_changes_turn_idx", BenefitChange.worked_at)
Index("benefits_list_idx", Benefit.organization_id, Benefit.created_at.desc(), Benefit.id.desc())
