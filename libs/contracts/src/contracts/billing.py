"""What the billing service says."""

from typing import Annotated, Any, ClassVar
from uuid import UUID

from contracts.catalog import Interval, Price, Product
from contracts.checkout import Address, Discount, ImmediateDeliveryConsent, TaxItem
from contracts.customers import Customer as Customer
from contracts.customers import Member as Member
from contracts.event import Event, Instant, Metadata, OneOf, Shape
from contracts.projections import Digest, Drift, Replay
from contracts.test_clocks import ClockReport

SubscriptionStatus = Annotated[
    str, OneOf("incomplete", "incomplete_expired", "trialing", "active", "past_due", "canceled", "unpaid", "paused")
]


class OrderItem(Shape):
    """One line of an order, in integer minor units."""

    id: UUID
    created_at: Instant
    modified_at: Instant | None
    label: str
    amount: int
    tax_amount: int
    proration: bool
    product_price_id: UUID | None
    start_timestamp: Instant | None
    end_timestamp: Instant | None


class SubscriptionSummary(Shape):
    """A subscription as its orders show it: without the resources around it."""

    id: UUID
    created_at: Instant
    modified_at: Instant | None
    metadata: Metadata
    amount: int
    currency: str
    recurring_interval: Interval
    recurring_interval_count: int
    status: SubscriptionStatus
    current_period_start: Instant
    current_period_end: Instant
    current_meter_period_start: Instant | None
    current_meter_period_end: Instant | None
    trial_start: Instant | None
    trial_end: Instant | None
    cancel_at_period_end: bool
    canceled_at: Instant | None
    started_at: Instant | None
    ends_at: Instant | None
    ended_at: Instant | None
    past_due_at: Instant | None
    pause_at_period_end: bool
    paused_at: Instant | None
    resumes_at: Instant | None
    customer_id: UUID
    product_id: UUID
    discount_id: UUID | None
    checkout_id: UUID | None
    seats: int | None
    units: int | None
    customer_cancellation_reason: str | None
    customer_cancellation_comment: str | None


class Subscription(SubscriptionSummary):
    """A customer's recurring agreement. `amount` is what a period costs, in integer minor units, before tax."""

    organization_id: UUID
    custom_field_data: dict[str, Any]
    customer: Customer
    product: Product
    discount: Discount | None
    prices: list[Price]
    meters: list[dict[str, Any]]
    pending_update: dict[str, Any] | None


class CustomerStateSubscription(Shape):
    """A subscription that is alive, as its customer's state shows it."""

    id: UUID
    created_at: Instant
    modified_at: Instant | None
    metadata: Metadata
    status: SubscriptionStatus
    amount: int
    currency: str
    recurring_interval: Interval
    current_period_start: Instant
    current_period_end: Instant
    trial_start: Instant | None
    trial_end: Instant | None
    cancel_at_period_end: bool
    canceled_at: Instant | None
    started_at: Instant | None
    ends_at: Instant | None
    product_id: UUID
    discount_id: UUID | None
    seats: int | None
    units: int | None
    custom_field_data: dict[str, Any]
    meters: list[dict[str, Any]]


class CustomerStateBenefitGrant(Shape):
    """A benefit that a customer holds."""

    id: UUID
    created_at: Instant
    modified_at: Instant | None
    granted_at: Instant | None
    benefit_id: UUID
    benefit_type: str
    benefit_metadata: Metadata
    properties: dict[str, Any]


class CustomerState(Customer):
    """A customer with what they have at present, oldest first: one answer to "what is this customer owed?"."""

    active_subscriptions: list[CustomerStateSubscription]
    granted_benefits: list[CustomerStateBenefitGrant]
    active_meters: list[dict[str, Any]]


class Order(Shape):
    """A priced purchase or renewal. All amounts are integer minor units of `currency`."""

    id: UUID
    created_at: Instant
    modified_at: Instant | None
    organization_id: UUID
    status: Annotated[str, OneOf("draft", "pending", "paid", "refunded", "partially_refunded", "void")]
    paid: bool
    subtotal_amount: int
    discount_amount: int
    net_amount: int
    tax_amount: int
    total_amount: int
    applied_balance_amount: int
    due_amount: int
    refunded_amount: int
    refunded_tax_amount: int
    refundable_amount: int
    refundable_tax_amount: int
    platform_fee_amount: int
    platform_fee_currency: str | None
    currency: str
    billing_reason: Annotated[
        str,
        OneOf(
            "purchase", "subscription_create", "subscription_cycle", "subscription_update", "subscription_meter_cycle"
        ),
    ]
    billing_name: str | None
    billing_address: Address | None
    invoice_number: str | None
    is_invoice_generated: bool
    receipt_number: str | None
    seats: int | None
    units: int | None
    next_payment_attempt_at: Instant | None
    customer_id: UUID
    product_id: UUID | None
    discount_id: UUID | None
    subscription_id: UUID | None
    checkout_id: UUID | None
    metadata: Metadata
    custom_field_data: dict[str, Any]
    description: str
    customer: Customer
    product: Product | None
    discount: Discount | None
    subscription: SubscriptionSummary | None
    items: list[OrderItem]
    tax_behavior: Annotated[str, OneOf("inclusive", "exclusive")] | None = None
    tax_breakdown: list[TaxItem] | None = None
    tax_id: list[str] | None = None
    """The buyer's, as it was when the tax was computed: value and format."""
    benefits_revoked_at: Instant | None = None
    """Since when a one-time order gives its benefits no more: it was refunded so, or the bank took the money back."""
    immediate_delivery_consent: ImmediateDeliveryConsent | None = None
    """What the buyer agreed to at the checkout, where they were asked."""


class RefundDispute(Shape):
    """A dispute that a refund answers. Amounts are integer minor units; `amount` is before tax."""

    id: UUID
    created_at: Instant
    modified_at: Instant | None
    status: Annotated[str, OneOf("prevented", "early_warning", "needs_response", "under_review", "lost", "won")]
    resolved: bool
    """Won or lost."""
    closed: bool
    """Prevented, won or lost."""
    amount: int
    tax_amount: int
    currency: str
    reason: str | None
    evidence_due_by: Instant | None
    past_due: bool
    order_id: UUID
    payment_id: UUID


class Refund(Shape):
    """Money given back for an order. `amount` is before tax, in integer minor units of `currency`."""

    id: UUID
    created_at: Instant
    modified_at: Instant | None
    metadata: Metadata
    status: Annotated[str, OneOf("pending", "succeeded", "failed", "canceled")]
    reason: Annotated[
        str,
        OneOf(
            "duplicate", "fraudulent", "customer_request", "service_disruption", "satisfaction_guarantee",
            "dispute_prevention", "other",
        ),
    ]  # fmt: skip
    amount: int
    tax_amount: int
    currency: str
    organization_id: UUID
    order_id: UUID
    payment_id: UUID | None = None
    """Which payment it gives back; None in events of earlier releases. The return of a payment that nobody owed has its
    id."""
    subscription_id: UUID | None
    customer_id: UUID
    revoke_benefits: bool
    dispute: RefundDispute | None


class CustomerCreatedV1(Event[Customer]):
    """A customer exists."""

    name: ClassVar[str] = "customer.created"
    source: ClassVar[str] = "/billing"


class CustomerUpdatedV1(Event[Customer]):
    """A customer changed."""

    name: ClassVar[str] = "customer.updated"
    source: ClassVar[str] = "/billing"


class CustomerDeletedV1(Event[Customer]):
    """A customer was deleted; `deleted_at` says when."""

    name: ClassVar[str] = "customer.deleted"
    source: ClassVar[str] = "/billing"


class CustomerStateChangedV1(Event[CustomerState]):
    """Something of a customer's state changed: themselves, a subscription, or a benefit. One for each transaction.

    Its subject is not the customer's id, of whom other services keep copies, but the state's.
    """

    name: ClassVar[str] = "customer.state_changed"
    source: ClassVar[str] = "/billing"


class MemberCreatedV1(Event[Member]):
    """A team has one more member."""

    name: ClassVar[str] = "member.created"
    source: ClassVar[str] = "/billing"


class MemberUpdatedV1(Event[Member]):
    """A member changed, or got another role."""

    name: ClassVar[str] = "member.updated"
    source: ClassVar[str] = "/billing"


class MemberDeletedV1(Event[Member]):
    """A member was removed from a team."""

    name: ClassVar[str] = "member.deleted"
    source: ClassVar[str] = "/billing"


class OrderCreatedV1(Event[Order]):
    """An order was written."""

    name: ClassVar[str] = "order.created"
    source: ClassVar[str] = "/billing"


class OrderUpdatedV1(Event[Order]):
    """An order changed."""

    name: ClassVar[str] = "order.updated"
    source: ClassVar[str] = "/billing"


class OrderPaidV1(Event[Order]):
    """An order is paid in full."""

    name: ClassVar[str] = "order.paid"
    source: ClassVar[str] = "/billing"


class OrderRefundedV1(Event[Order]):
    """Money of an order was given back: a part of it, or all."""

    name: ClassVar[str] = "order.refunded"
    source: ClassVar[str] = "/billing"


class RefundCreatedV1(Event[Refund]):
    """A refund was made; its status says whether the money is on its way."""

    name: ClassVar[str] = "refund.created"
    source: ClassVar[str] = "/billing"


class RefundUpdatedV1(Event[Refund]):
    """A refund came to another status."""

    name: ClassVar[str] = "refund.updated"
    source: ClassVar[str] = "/billing"


class SubscriptionCreatedV1(Event[Subscription]):
    """A subscription exists."""

    name: ClassVar[str] = "subscription.created"
    source: ClassVar[str] = "/billing"


class SubscriptionUpdatedV1(Event[Subscription]):
    """A subscription changed in any way: the catch-all beside the precise events."""

    name: ClassVar[str] = "subscription.updated"
    source: ClassVar[str] = "/billing"


class SubscriptionActiveV1(Event[Subscription]):
    """A subscription is paid for, or in trial: its benefits are owed from now on."""

    name: ClassVar[str] = "subscription.active"
    source: ClassVar[str] = "/billing"


class SubscriptionCanceledV1(Event[Subscription]):
    """A subscription will end (`ends_at`), or ends now."""

    name: ClassVar[str] = "subscription.canceled"
    source: ClassVar[str] = "/billing"


class SubscriptionUncanceledV1(Event[Subscription]):
    """A cancellation was taken back before it took effect."""

    name: ClassVar[str] = "subscription.uncanceled"
    source: ClassVar[str] = "/billing"


class SubscriptionRevokedV1(Event[Subscription]):
    """A subscription has ended: access ends now."""

    name: ClassVar[str] = "subscription.revoked"
    source: ClassVar[str] = "/billing"


class SubscriptionPausedV1(Event[Subscription]):
    """A subscription rests: nothing is billed and nothing is owed until it is resumed."""

    name: ClassVar[str] = "subscription.paused"
    source: ClassVar[str] = "/billing"


class SubscriptionResumedV1(Event[Subscription]):
    """A paused subscription goes on, with a new period."""

    name: ClassVar[str] = "subscription.resumed"
    source: ClassVar[str] = "/billing"


class SubscriptionCycledV1(Event[Subscription]):
    """The next period of a subscription has begun; its order follows."""

    name: ClassVar[str] = "subscription.cycled"
    source: ClassVar[str] = "/billing"


class SubscriptionPastDueV1(Event[Subscription]):
    """A renewal was not paid; it is tried again until its order's dunning ends."""

    name: ClassVar[str] = "subscription.past_due"
    source: ClassVar[str] = "/billing"


class CustomerDigestedV1(Event[Digest]):
    """What this service has of its customers, for those who keep copies."""

    name: ClassVar[str] = "customer.digested"
    source: ClassVar[str] = "/billing"
    public: ClassVar[bool] = False


class CustomerReplayedV1(Event[Replay]):
    """The customers whose copies differed at one consumer, told again."""

    name: ClassVar[str] = "customer.replayed"
    source: ClassVar[str] = "/billing"
    public: ClassVar[bool] = False


class MemberDigestedV1(Event[Digest]):
    """What this service has of the members of teams, for those who keep copies."""

    name: ClassVar[str] = "member.digested"
    source: ClassVar[str] = "/billing"
    public: ClassVar[bool] = False


class MemberReplayedV1(Event[Replay]):
    """The members whose copies differed at one consumer, told again."""

    name: ClassVar[str] = "member.replayed"
    source: ClassVar[str] = "/billing"
    public: ClassVar[bool] = False


class SubscriptionDigestedV1(Event[Digest]):
    """What this service has of its subscriptions, for those who keep copies."""

    name: ClassVar[str] = "subscription.digested"
    source: ClassVar[str] = "/billing"
    public: ClassVar[bool] = False


class SubscriptionReplayedV1(Event[Replay]):
    """The subscriptions whose copies differed at one consumer, told again."""

    name: ClassVar[str] = "subscription.replayed"
    source: ClassVar[str] = "/billing"
    public: ClassVar[bool] = False


class BillingDriftedV1(Event[Drift]):
    """What this service keeps a copy of is not as its owner's digest says."""

    name: ClassVar[str] = "billing.drifted"
    source: ClassVar[str] = "/billing"
    public: ClassVar[bool] = False


class BillingClockReportedV1(Event[ClockReport]):
    """What this service has done, and has still to do, at the instant of an organization's test clock."""

    name: ClassVar[str] = "billing.clock_reported"
    source: ClassVar[str] = "/billing"
    public: ClassVar[bool] = False
