"""The order of a checkout as whoever has the checkout's client secret sees it. Amounts are minor units."""

from typing import Any
from uuid import UUID

from contracts import billing as contracts
from contracts.checkout import TaxItem
from contracts.event import Instant
from pydantic import BaseModel

_SUBSCRIPTION = (
    "id", "status", "amount", "currency", "recurring_interval", "recurring_interval_count", "current_period_start",
    "current_period_end", "trial_end", "cancel_at_period_end", "ends_at", "seats", "units",
)  # fmt: skip


class CheckoutOrderSubscription(BaseModel):
    """The subscription that the purchase began or changed."""

    id: UUID
    status: str
    amount: int
    currency: str
    recurring_interval: str
    recurring_interval_count: int
    current_period_start: Instant
    current_period_end: Instant
    trial_end: Instant | None
    cancel_at_period_end: bool
    ends_at: Instant | None
    seats: int | None
    units: int | None


class CheckoutOrder(BaseModel):
    """What one checkout bought, and nothing else of its customer: neither their profile nor other purchases."""

    id: UUID
    created_at: Instant
    status: str
    paid: bool
    invoice_number: str | None
    receipt_number: str | None
    """Both are None where the e-mail had bought before: their mail has them."""
    currency: str
    subtotal_amount: int
    discount_amount: int
    net_amount: int
    tax_amount: int
    total_amount: int
    refunded_amount: int
    refunded_tax_amount: int
    tax_behavior: str | None
    tax_breakdown: list[TaxItem] | None
    billing_reason: str
    description: str
    seats: int | None
    units: int | None
    product: dict[str, Any] | None
    items: list[contracts.OrderItem]
    subscription: CheckoutOrderSubscription | None
    receipt_url: str | None
    """Where the receipt is downloaded; None where nothing was paid, and where the numbers are not shown."""
    benefits_url: str
    """Where the benefits of the purchase are read, for an hour."""
    expires_at: Instant
    """Until when the order is shown here; afterwards in the customer portal alone."""

    @classmethod
    def of(cls, order: contracts.Order, product: dict[str, Any] | None, **links: Any) -> "CheckoutOrder":
        """`product` is as customers see it, `links` are the addresses and their end."""
        fields = order.model_dump(mode="json")
        subscription = fields["subscription"]
        if subscription is not None:
            subscription = {name: subscription[name] for name in _SUBSCRIPTION}
        shown = {**fields, "product": product, "subscription": subscription, **links}
        return cls.model_validate(shown, extra="ignore", context={"tolerant": True})
