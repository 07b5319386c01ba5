"""Saved payment methods as the API shows and takes them."""

from typing import Annotated, Any, Literal, Self
from uuid import UUID

from contracts.event import Instant
from pydantic import BaseModel, ConfigDict, StringConstraints, model_validator
from servicekit.inputs import Input

Token = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=255, pattern=r"^[A-Za-z0-9_]+$")
]
Url = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2083, pattern=r"^https?://[^\s]+$")]


class PaymentMethodRead(BaseModel):
    """A saved payment method. A card's `method_metadata`: brand, last4, exp_month, exp_year."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    created_at: Instant
    modified_at: Instant | None
    processor: str
    customer_id: UUID
    type: str
    method_metadata: dict[str, Any]
    is_default: bool


class _Use(Input):
    """What a card is to be used for."""

    set_default: bool
    for_subscriptions: bool = False
    """With `set_default`: it pays for all running subscriptions of the customer's own too, whatever card each had."""

    @model_validator(mode="after")
    def _is_default_for_subscriptions(self) -> Self:
        if self.for_subscriptions and not self.set_default:
            raise ValueError("for_subscriptions goes with set_default")
        return self


class CustomerPaymentMethodCreate(_Use):
    """A card to keep, as Stripe.js collected it (or, in test mode, the name of a test payment method)."""

    confirmation_token_id: Token
    return_url: Url


class CustomerPaymentMethodUpdate(Input):
    """What changes of a saved card: it becomes the default. Another card takes that from it, nothing else does."""

    is_default: Literal[True]
    for_subscriptions: bool = False
    """It pays for all running subscriptions of the customer's own too, whatever card each had."""


class CustomerPaymentMethodConfirm(_Use):
    """A card whose bank has asked its holder meanwhile."""

    setup_intent_id: Token


class CustomerPaymentMethodCreateResponse(BaseModel):
    """The card is kept, or its bank asks first: the client goes on with the secret, then confirms."""

    status: Literal["succeeded", "requires_action"]
    payment_method: PaymentMethodRead | None = None
    client_secret: str | None = None
