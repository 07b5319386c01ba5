"""The names of events, their labels, and how often they were seen."""

from datetime import datetime
from uuid import UUID

from servicekit.database import Record
from sqlalchemy import BigInteger, Index
from sqlalchemy.orm import Mapped, mapped_column

from metering.database import Base


class EventType(Record, Base):
    """A name of events, from the first one on. `label` is what people read."""

    __tablename__ = "event_types"

    name: Mapped[str]
    label: Mapped[str]
    label_property_selector: Mapped[str | None]


class EventTally(Base):
    """How many events of a name one batch brought, or many batches, once they are folded.

    Batches only add rows, so that no two of them wait for each other; a timer folds them into one for each name.
    """

    __tablename__ = "event_tallies"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=True)
    organization_id: Mapped[UUID]
    name: Mapped[str]
    occurrences: Mapped[int] = mapped_column(BigInteger)
    first_seen: Mapped[datetime]
    last_seen: Mapped[datetime]


Index("event_types_name_key", EventType.organization_id, EventType.name, unique=True)
Index("event_tallies_name_idx", EventTally.organization_id, EventTally.name)
