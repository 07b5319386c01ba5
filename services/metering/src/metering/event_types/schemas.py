"""Names of events as the API shows and takes them."""

from typing import Annotated
from uuid import UUID

from contracts.event import Instant
from pydantic import BaseModel, ConfigDict, StringConstraints
from servicekit.inputs import Input


class EventNameRead(BaseModel):
    """A name of events."""

    model_config = ConfigDict(from_attributes=True)

    name: str
    label: str
    source: str
    occurrences: int
    first_seen: Instant
    last_seen: Instant


class EventTypeWithStats(EventNameRead):
    """A type of events, with how often and when it was seen."""

    id: UUID
    created_at: Instant
    modified_at: Instant | None
    label_property_selector: str | None
    organization_id: UUID


class EventTypeRead(BaseModel):
    """A type of events."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    created_at: Instant
    modified_at: Instant | None
    name: str
    label: str
    label_property_selector: str | None
    organization_id: UUID


class EventTypeUpdate(Input):
    """What people read instead of the name."""

    label: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=128)]
    label_property_selector: Annotated[str, StringConstraints(max_length=256)] | None = None
