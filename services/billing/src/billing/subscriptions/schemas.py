"""Subscriptions as the API shows and takes them."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from contracts import billing as contracts
from contracts.catalog import Price
from contracts.checkout import TaxItem
from contracts.event import Instant
from pydantic import AfterValidator, BaseModel, Field, StringConstraints
from servicekit.fields import InstantInput, MetadataInput
from servicekit.inputs import Input

from billing.customers.schemas import CustomerRead, spoken
from billing.organizations.schemas import product_for_customers

Reason = Literal[
    "customer_service", "low_quality", "missing_features", "switched_service", "too_complex", "too_expensive",
    "unused", "other",
]  # fmt: skip
REASONS = frozenset(Reason.__args__)  # type: ignore[attr-defined]
Comment = Annotated[str, StringConstraints(max_length=2000)]


class SubscriptionCreate(Input):
    """A customer, by either id, who gets a free product."""

    product_id: UUID
    customer_id: UUID | None = None
    external_customer_id: Annotated[str, StringConstraints(min_length=1, max_length=255)] | None = None
    metadata: MetadataInput = Field(default={})


def _reachable(value: datetime) -> datetime:
    if not 2000 <= value.year <= 2200:
        raise ValueError("is not between 2000 and 2200")
    return value.astimezone(UTC)


Ahead = Annotated[InstantInput, AfterValidator(_reachable)]
"""An instant of the years 2000 to 2200: periods are reckoned from it."""
Quantity = Annotated[int, Field(ge=1, le=1_000_000)]
Behavior = Literal["invoice", "prorate", "next_period", "reset"]


class SubscriptionUpdate(Input):
    """One change, with metadata or a discount beside it.

    `product_id`, `seats` or `units`, or a product with either (settled as `proration_behavior` says, else as
    the organization does), `trial_end` (an instant, or `now`), `current_billing_period_end`, `cancel_at_period_end`
    (false takes it back), `revoke` (ends it now), `pause_at_period_end` (false takes it back), `resume`,
    `payment_method_id` (a saved card of the customer pays for it from now on), or `pending_update` null, which drops
    the change that waits for the next period.
    """

    product_id: UUID | None = None
    seats: Quantity | None = None
    units: Quantity | None = None
    proration_behavior: Behavior | None = None
    discount_id: UUID | None = None
    """Null takes the discount away; either counts from the next period on, unless the product changes with it."""
    trial_end: Literal["now"] | Ahead | None = None
    current_billing_period_end: Ahead | None = None
    cancel_at_period_end: bool | None = None
    revoke: Literal[True] | None = None
    customer_cancellation_reason: Reason | None = None
    customer_cancellation_comment: Comment | None = None
    pause_at_period_end: bool | None = None
    resumes_at: Ahead | None = None
    resume: Literal[True] | None = None
    payment_method_id: UUID | None = None
    pending_update: None = None
    metadata: MetadataInput | None = None


class SubscriptionCancel(Input):
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


class ChargeLine(BaseModel):
    """A line of a charge, in minor units before tax; credits are negative."""

    label: str
    amount: int
    tax_amount: int
    proration: bool
    start_timestamp: Instant | None
    end_timestamp: Instant | None


class ChargePreview(BaseModel):
    """An order as it would be written, in minor units of `currency`. `due_amount` is what the card is charged."""

    currency: str
    subtotal_amount: int
    discount_amount: int
    net_amount: int
    tax_amount: int
    total_amount: int
    applied_balance_amount: int
    due_amount: int
    tax_behavior: str | None
    tax_breakdown: list[TaxItem] | None
    items: list[ChargeLine]

    @classmethod
    def of(cls, order: contracts.Order) -> "ChargePreview":
        """Of the order."""
        fields = order.model_dump(mode="json")
        return cls.model_validate(fields, extra="ignore", context={"tolerant": True})


class SubscriptionPreview(BaseModel):
    """What a change comes to. `charge_now` is None where nothing is billed at once.

    `next_charge_at` is when the present period, as it is after the change, is over; `next_charge` is the order of that
    moment, None where nothing is billed then. Both are None once the subscription has ended, and while it is paused.
    """

    charge_now: ChargePreview | None
    next_charge: ChargePreview | None
    next_charge_at: Instant | None
    status: str
    product_id: UUID
    product_name: str
    amount: int
    currency: str
    recurring_interval: str
    recurring_interval_count: int
    seats: int | None
    units: int | None
    discount_id: UUID | None
    current_period_start: Instant
    current_period_end: Instant
    trial_end: Instant | None
    cancel_at_period_end: bool
    ends_at: Instant | None
    ended_at: Instant | None
    pending_update: dict[str, Any] | None

    @classmethod
    def of(
        cls,
        after: contracts.Subscription,
        charge_now: ChargePreview | None,
        next_charge: ChargePreview | None,
        next_charge_at: datetime | None,
    ) -> "SubscriptionPreview":
        """`after` is the subscription right after the change."""
        charges = {"charge_now": charge_now, "next_charge": next_charge, "next_charge_at": next_charge_at}
        fields = after.model_dump(mode="json") | {"product_name": after.product.name} | charges
        return cls.model_validate(fields, extra="ignore", context={"tolerant": True})


class CustomerSubscriptionUpdate(Input):
    """What a customer may change, one thing at a time, where the seller allows it: the plan, seats, units, a pause.

    To cancel at the period's end with a reason, to take that back, and to choose a card is always allowed.
    """

    product_id: UUID | None = None
    seats: Quantity | None = None
    units: Quantity | None = None
    cancel_at_period_end: bool | None = None
    cancellation_reason: Reason | None = None
    cancellation_comment: Comment | None = None
    pause_at_period_end: bool | None = None
    resumes_at: Ahead | None = None
    resume: Literal[True] | None = None
    payment_method_id: UUID | None = None
    """A saved card of the customer's own, which pays for it from now on."""
    pending_update: None = None

    def as_update(self) -> SubscriptionUpdate:
        """The same wish in the merchant's words; what was not given stays so."""
        fields = self.model_dump(exclude_unset=True)
        for name in ("cancellation_reason", "cancellation_comment"):
            if name in fields:
                fields[f"customer_{name}"] = fields.pop(name)
        return SubscriptionUpdate.model_validate(fields)


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
