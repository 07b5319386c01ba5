"""Deliveries as the API shows them."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel


class DeliveredEvent(BaseModel):
    """The event of a delivery; the payload as the text that was sent."""

    id: UUID
    created_at: datetime
    modified_at: datetime | None
    skipped: bool = False
    api_version: str
    payload: str | None
    type: str
    is_archived: bool = False
    last_http_code: int | None
    succeeded: bool | None


class DeliveryRead(BaseModel):
    """One attempt."""

    id: UUID
    created_at: datetime
    modified_at: datetime | None = None
    succeeded: bool
    http_code: int | None
    response: str | None
    webhook_event: DeliveredEvent
