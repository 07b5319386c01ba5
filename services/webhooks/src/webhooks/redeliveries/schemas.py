"""Redeliveries as the API takes and shows them."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from servicekit.fields import InstantInput
from servicekit.inputs import Input

from webhooks.endpoints.schemas import EventNames

Status = Literal["failed", "held", "skipped", "succeeded"]
CodeClass = Literal["2xx", "3xx", "4xx", "5xx"]


class RedeliveryCreate(Input):
    """Which events are sent once more: those that match everything that is given."""

    organization_id: UUID | None = None
    endpoint_id: UUID | None = None
    event_type: EventNames | None = None
    status: Annotated[list[Status], Field(min_length=1, max_length=4)] = ["failed"]
    """`failed`: given up; `held`: kept for a disabled endpoint; `skipped`; `succeeded`."""
    http_code_class: CodeClass | None = None
    """The class of the last answer."""
    start_timestamp: InstantInput | None = None
    end_timestamp: InstantInput | None = None


class RedeliveryRead(BaseModel):
    """A redelivery and how far it has come."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    created_at: datetime
    modified_at: datetime | None
    organization_id: UUID
    endpoint_id: UUID | None
    event_types: list[str] | None
    statuses: list[str]
    http_code_class: str | None
    start_timestamp: datetime | None
    end_timestamp: datetime
    events_count: int
    """Events that were made due so far."""
    finished_at: datetime | None
