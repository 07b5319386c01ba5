"""Meters: what is counted of usage, and how."""

from datetime import datetime
from typing import Any

from servicekit.database import Record
from sqlalchemy import Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from metering.database import Base
from metering.meters.filters import Filter


class Meter(Record, Base):
    """Which events count (`filter`), and what of them: their number, or a value's sum, extremes, mean or variety."""

    __tablename__ = "meters"

    name: Mapped[str]
    unit: Mapped[str]
    custom_label: Mapped[str | None]
    custom_multiplier: Mapped[int | None]
    filter: Mapped[dict[str, Any]]
    aggregation: Mapped[dict[str, Any]]
    user_metadata: Mapped[dict[str, Any]] = mapped_column("metadata", JSONB, default=dict)
    archived_at: Mapped[datetime | None]

    @property
    def rule(self) -> Filter:
        """The filter, read."""
        return Filter.model_validate(self.filter)


Index("meters_list_idx", Meter.organization_id, Meter.created_at.desc(), Meter.id.desc())
