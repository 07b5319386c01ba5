"""Payments as the API shows them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict


class PaymentRead(BaseModel):
    """A payment. `amount` is in integer minor units; a card's `method_metadata` has `brand` and `last4`."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    created_at: datetime
    modified_at: datetime | None
    processor: str
    status: str
    amount: int
    currency: str
    method: str
    method_metadata: dict[str, Any]
    trigger: str | None
    decline_reason: str | None = None
    decline_message: str | None = None
    organization_id: UUID
    checkout_id: UUID | None
    order_id: UUID | None
