"""License keys and the machines on which they are active."""

from datetime import datetime
from typing import Any
from uuid import UUID

from servicekit.database import Record
from sqlalchemy import ForeignKey, Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from benefits.database import Base


class LicenseKey(Record, Base):
    """A key of one grant. granted → revoked or disabled, and back."""

    __tablename__ = "license_keys"

    benefit_id: Mapped[UUID]
    customer_id: Mapped[UUID]
    grant_id: Mapped[UUID] = mapped_column(unique=True)
    key: Mapped[str]
    status: Mapped[str]
    limit_activations: Mapped[int | None]
    limit_usage: Mapped[int | None]
    usage: Mapped[int] = mapped_column(default=0)
    validations: Mapped[int] = mapped_column(default=0)
    last_validated_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    own: Mapped[list[Any]] = mapped_column(JSONB, default=list)
    """What the merchant set on this key alone: it stays when the benefit is edited or the subscription renewed."""

    @property
    def display_key(self) -> str:
        """What may be shown of it in lists and mails: `****-E304DA`."""
        return f"****-{self.key[-6:]}"


class LicenseKeyActivation(Base):
    """A key in use on a machine. `conditions` must be repeated exactly when the key is validated there."""

    __tablename__ = "license_key_activations"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    license_key_id: Mapped[UUID] = mapped_column(ForeignKey("license_keys.id"), index=True)
    created_at: Mapped[datetime]
    modified_at: Mapped[datetime | None]
    label: Mapped[str]
    conditions: Mapped[dict[str, Any]] = mapped_column(JSONB)
    meta: Mapped[dict[str, Any]] = mapped_column(JSONB)
    deactivated_at: Mapped[datetime | None]


Index("license_keys_key_key", LicenseKey.organization_id, LicenseKey.key, unique=True)
Index("license_keys_list_idx", LicenseKey.organization_id, LicenseKey.created_at.desc(), LicenseKey.id.desc())
Index("license_keys_benefit_idx", LicenseKey.benefit_id)
Index("license_keys_customer_idx", LicenseKey.customer_id)
