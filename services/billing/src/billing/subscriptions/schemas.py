"""Subscriptions as the API shows and takes them."""

from typing import Annotated, Any, Literal
from uuid import UUID

from contracts import billing as contracts
from contracts.catalog import Price
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from servicekit.fields import MetadataInput

from billing.customers.schemas import CustomerRead, spoken
from billing.organizations.schemas import product_for_customers

Reason = Literal[
    "customer_service", "low_quality", "missing_features", "switched_service", "too_complex", "too_expensive",
    "unused", "other",
]  # fmt: skip
REASONS = frozenset(Reason.__args__)  # type: ignore[attr-defined]
Comment = Annotated[str, StringConstraints(max_length=2000)]


class SubscriptionUpdate(BaseModel):
    """One change: cancel at the period's end or take that back, end it now (`revoke`), or its metadata."""

    model_config = ConfigDict(extra="forbid")

    cancel_at_period_end: bool | None = None
    revoke: Literal[True] | None = None
    customer_cancellation_reason: Reason | None = None
    customer_cancellation_comment: Comment | None = None
    metadata: MetadataInput | None = None


class SubscriptionCancel(BaseModel):
    """The documented cancel: at the period's end, or (false) now. Any word may be the reason."""

    cancel_at_period_end: bool = True
    reason: Comment | None = None
    comment: Comment | None = None


class SubscriptionRead(contracts.Subscription):
    """A subscription; `price_id` is its first price."""

    customer: CustomerRead
    price_id: UUID

    @classmethod
    def of(cls, subscription: contracts.Subscription) -> "SubscriptionRead":
        """A subscription in the dialect of the request in hand."""
        fields = subscription.model_dump()
        fields |= {"customer": spoken(fields["customer"]), "price_id": subscription.prices[0].id}
        return cls.model_validate(fields, context={"tolerant": True})


class CustomerSubscriptionUpdate(BaseModel):
    """What a customer may change: cancel at the period's end with a reason, or take that back."""

    model_config = ConfigDict(extra="forbid")

    cancel_at_period_end: bool
    cancellation_reason: Reason | None = None
    cancellation_comment: Comment | None = None


class CustomerSubscription(contracts.SubscriptionSummary):
    """A subscription as its customer sees it: without the merchant's metadata."""

    metadata: Any = Field(default=None, exclude=True)
    product: dict[str, Any]
    prices: list[Price]
    meters: list[dict[str, Any]]
    pending_update: dict[str, Any] | None

    @classmethod
    def of(cls, subscription: contracts.Subscription, organization: dict[str, Any]) -> "CustomerSubscription":
        """`organization` is the seller as customers see it."""
        fields = subscription.model_dump(mode="json")
        fields["product"] = product_for_customers(fields["product"], organization)
        return cls.model_validate(fields, extra="ignore", context={"tolerant": True})
