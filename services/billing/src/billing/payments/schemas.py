"""Payments as the API shows them."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict

STATUSES = {"open": "pending", "duplicate": "succeeded", "refunded": "succeeded"}
"""What the API calls a status that has another name here; money that came twice, and was given back, did come."""


class PaymentRead(BaseModel):
    """A payment, or an attempt that was declined: `decline_reason` is then Stripe's code, and the message its words.

    `amount` is in integer minor units; a card's `method_metadata` has `brand` and `last4`.
    """

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    created_at: datetime
    modified_at: datetime | None
    processor: str
    status: Annotated[Literal["pending", "succeeded", "failed"], BeforeValidator(lambda one: STATUSES.get(one, one))]
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
