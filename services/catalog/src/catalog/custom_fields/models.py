"""Custom fields: what a merchant asks its buyers beyond their name and address."""

from datetime import datetime
from typing import Any

from servicekit.database import Record
from sqlalchemy import Index
from sqlalchemy.dialects.postgresql import CITEXT, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from catalog.database import Base


class CustomField(Record, Base):
    """One question. `slug` names the answer in `custom_field_data`; `properties` depend on `type`."""

    __tablename__ = "custom_fields"

    type: Mapped[str]
    slug: Mapped[str] = mapped_column(CITEXT)
    name: Mapped[str]
    properties: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    user_metadata: Mapped[dict[str, Any]] = mapped_column("metadata", JSONB, default=dict)
    deleted_at: Mapped[datetime | None]

    @property
    def data(self) -> dict[str, Any]:
        """The public shape, as products show it."""
        return {
            "id": str(self.id),
            "created_at": self.created_at.isoformat().replace("+00:00", "Z"),
            "modified_at": self.modified_at.isoformat().replace("+00:00", "Z") if self.modified_at else None,
            "metadata": self.user_metadata,
            "type": self.type,
            "slug": self.slug,
            "name": self.name,
            "organization_id": str(self.organization_id),
            "properties": self.properties,
        }


Index("custom_fields_list_idx", CustomField.organization_id, CustomField.created_at.desc(), CustomField.id.desc())
Index(
    "custom_fields_slug_key",
    CustomField.organization_id,
    CustomField.slug,
    unique=True,
    postgresql_where=CustomField.deleted_at.is_(None),
)
