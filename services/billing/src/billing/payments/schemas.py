"""Payments as the API shows them."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

STATUSES = {"open": "pending", "duplicate": "succeeded", "refunded": "succeeded"}
"""What the API calls a status that has another name here. Money that came twice did come; `is_duplicate` says so."""


class ProcessorOutcome(BaseModel):
    """What Stripe's Radar and the bank judged of a charge, in Stripe's words (`charge.outcome`).

    It is for the seller: do not show it to the buyer, whom it would tell how to pass as another.
    """

    type: str | None = None
    """authorized, issuer_declined, blocked, manual_review or invalid."""
    risk_level: str | None = None
    """normal, elevated or highest; not_assessed for what Radar does not look at."""
    risk_score: int | None = None
    """From 0 to 99, where the Stripe account has it."""
    seller_message: str | None = None


class PaymentRead(BaseModel):
    """A payment, or an attempt that was declined: `decline_reason` is then Stripe's code, and the message its words.

    `amount` is in integer minor units; a card's `method_metadata` has `brand` and `last4`. A payment that came for an
    order which was paid, or void, already is `succeeded` with `is_duplicate`. All of it is given back: the list of
    refunds has a refund with the payment's id, which does not count in the order's refunded amount.
    """

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    created_at: datetime
    modified_at: datetime | None
    processor: str
    status: Annotated[Literal["pending", "succeeded", "failed"], BeforeValidator(lambda one: STATUSES.get(one, one))]
    amount: int
    refunded_amount: Annotated[int, Field(validation_alias="given_back_amount")]
    """What went back to the customer, tax included, or is on its way, in integer minor units."""
    is_duplicate: bool
    currency: str
    method: str
    method_metadata: dict[str, Any]
    trigger: str | None
    decline_reason: str | None = None
    decline_message: str | None = None
    processor_outcome: ProcessorOutcome | None = None
    """None where Stripe did not say, and of payments from before it was kept."""
    organization_id: UUID
    checkout_id: UUID | None
    order_id: UUID | None
