"""Webhook events as the API shows them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel


class WebhookEventRead(BaseModel):
    """A webhook event and how far its delivery has come."""

    id: UUID
    created_at: datetime
    modified_at: datetime | None
    webhook_endpoint_id: UUID
    event_type: str
    type: str
    api_version: str
    payload: dict[str, Any] | None
    """None once it was archived."""
    last_http_code: int | None
    last_response: str | None
    succeeded: bool | None
    succeeded_at: datetime | None
    next_attempt_at: datetime | None
    attempts: int
    held: bool
    """Whether it is kept for a disabled endpoint."""
    skipped: bool
    skipped_reason: str | None
    is_archived: bool


class Replayed(BaseModel):
    """The event will be sent again."""

    status: str = "queued"
