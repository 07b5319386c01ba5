"""What the checkout service says."""

from typing import Annotated, Any, ClassVar
from uuid import UUID

from contracts.catalog import Price, Product
from contracts.event import Event, Instant, Metadata, OneOf, Shape
from contracts.projections import Digest, Drift, Replay
from contracts.test_clocks import ClockReport


class Address(Shape):
    """A billing address. `state` of US and CA addresses carries the country (`US-CA`)."""

    country: str
    line1: str | None = None
    line2: str | None = None
    postal_code: str | None = None
    city: str | None = None
    state: str | None = None


class TaxItem(Shape):
    """The tax of one jurisdiction, in minor units. `rate` is in percent as a decimal text, None where none applies."""

    amount: int
    taxable_amount: int
    taxability_reason: Annotated[
        str,
        OneOf(
            "standard_rated", "not_collecting", "product_exempt", "reverse_charge", "not_subject_to_tax",
            "not_supported", "customer_exempt",
        ),
    ]  # fmt: skip
    rate: str | None
    display_name: str | None
    country: str | None
    state: str | None


class DiscountProduct(Shape):
    """A product that a discount is limited to."""

    id: UUID
    created_at: Instant
    modified_at: Instant | None
    name: str
    description: str | None
    visibility: str
    recurring_interval: str | None
    recurring_interval_count: int | None
    meter_interval: str | None
    meter_interval_count: int | None
    trial_interval: str | None
    trial_interval_count: int | None
    is_recurring: bool
    is_archived: bool
    organization_id: UUID
    metadata: Metadata


class Discount(Shape):
    """A reduction: `basis_points` of the price (2000 = 20 %) or `amounts` in minor units per currency."""

    id: UUID
    created_at: Instant
    modified_at: Instant | None
    organization_id: UUID
    metadata: Metadata
    name: str
    code: str | None
    type: Annotated[str, OneOf("percentage", "fixed")]
    duration: Annotated[str, OneOf("once", "forever", "repeating")]
    duration_in_months: int | None
    basis_points: int | None
    amount: int | None
    currency: str | None
    """The first of `amounts`: a fixed discount in one currency."""
    amounts: dict[str, int] | None
    starts_at: Instant | None
    ends_at: Instant | None
    max_redemptions: int | None
    max_redemptions_per_customer: int | None
    redemptions_count: int
    is_deleted: bool
    products: list[DiscountProduct]


class Checkout(Shape):
    """A purchase in progress. Amounts are integer minor units of `currency`."""

    id: UUID
    created_at: Instant
    modified_at: Instant | None
    payment_processor: Annotated[str, OneOf("stripe")]
    status: Annotated[str, OneOf("open", "expired", "confirmed", "succeeded", "failed")]
    client_secret: str
    url: str
    expires_at: Instant
    success_url: str
    return_url: str | None
    embed_origin: str | None
    amount: int
    seats: int | None
    min_seats: int | None
    max_seats: int | None
    units: int | None
    min_units: int | None
    max_units: int | None
    discount_amount: int
    net_amount: int
    tax_amount: int | None
    tax_behavior: Annotated[str, OneOf("inclusive", "exclusive")] | None
    total_amount: int
    currency: str
    allow_trial: bool | None
    active_trial_interval: str | None
    active_trial_interval_count: int | None
    trial_interval: str | None
    trial_interval_count: int | None
    trial_end: Instant | None
    organization_id: UUID
    product_id: UUID | None
    product_price_id: UUID | None
    discount_id: UUID | None
    allow_discount_codes: bool
    require_billing_address: bool
    is_discount_applicable: bool
    is_free_product_price: bool
    is_payment_required: bool
    is_payment_setup_required: bool
    is_payment_form_required: bool
    customer_id: UUID | None
    order_id: UUID | None
    subscription_id: UUID | None
    is_business_customer: bool
    customer_name: str | None
    customer_email: str | None
    customer_ip_address: str | None
    customer_billing_name: str | None
    customer_billing_address: Address | None
    customer_tax_id: str | None
    payment_method_type: str | None
    payment_processor_metadata: dict[str, str]
    billing_address_fields: dict[str, str]
    external_customer_id: str | None
    customer_metadata: Metadata
    metadata: Metadata
    custom_field_data: dict[str, Any]
    attached_custom_fields: list[dict[str, Any]] | None
    locale: str | None
    product: Product | None
    products: list[Product]
    product_price: Price | None
    prices: dict[str, list[Price]] | None
    discount: Discount | None
    tax_breakdown: list[TaxItem] | None = None
    """None as long as there is no address to go by."""


class PurchaseCustomer(Shape):
    """Who bought, as they said it at the checkout."""

    id: UUID
    email: str
    name: str | None
    billing_name: str | None
    billing_address: Address | None
    tax_id: str | None
    external_id: str | None
    metadata: Metadata
    tax_id_format: str | None = None
    """Of a tax id that was checked, in Stripe's words: `eu_vat`."""
    is_named: bool = False
    """Whether the seller named this customer; else the purchase belongs to whoever has the e-mail."""
    links_external_id: bool = False
    """Whether an existing customer without an external id gets `external_id`: the seller said whose it is."""
    locale: str | None = None
    """The language of the checkout: that of a new customer's mails."""


class PurchasePayment(Shape):
    """The payment that the processor accepted. `amount` is in integer minor units."""

    id: UUID
    processor: Annotated[str, OneOf("stripe")]
    processor_id: str
    amount: int
    currency: str
    method: str
    method_metadata: dict[str, Any]
    processor_customer_id: str | None
    processor_payment_method_id: str | None
    processor_fee_amount: int = 0
    """What the processor kept, in minor units of the same currency."""
    method_details: dict[str, Any] | None = None
    """Of a card that is kept: brand, last4, exp_month, exp_year."""
    processor_outcome: dict[str, Any] | None = None
    """What the processor judged, for the seller alone: type, risk_level, risk_score, seller_message."""


class PurchaseSetup(Shape):
    """A card that the processor keeps, without a charge so far."""

    processor: Annotated[str, OneOf("stripe")]
    processor_customer_id: str
    processor_payment_method_id: str
    method: str
    method_metadata: dict[str, Any]


class PurchaseSession(Shape):
    """A customer session that the buyer was given with the purchase: the HMAC of its token, in hexadecimal."""

    token_hash: str
    expires_at: Instant
    is_of_new_customer: bool
    """Whether nobody vouches for the e-mail: the session is good as long as this is the customer's one purchase."""


class ImmediateDeliveryConsent(Shape):
    """A consumer asked for delivery at once, and knew what becomes of the right of withdrawal by that.

    What they agreed to is the text of `wording` in the language `locale`, for a product that is bought once or for a
    subscription.
    """

    consented_at: Instant
    wording: str
    """The version of the text: the day from which it was shown."""
    country: str | None
    """Of the billing address."""
    locale: str | None


class Purchase(Shape):
    """Everything that an order needs to be written without asking or reading anyone: the snapshot of the sale.

    `total_amount` = `net_amount` + `tax_amount` when the tax is exclusive; `net_amount` = `amount` - `discount_amount`
    (less the tax when it is inclusive). All in integer minor units of `currency`.
    """

    checkout_id: UUID
    organization_id: UUID
    order_id: UUID
    subscription_id: UUID | None
    customer: PurchaseCustomer
    product: Product
    price: Price
    discount: Discount | None
    currency: str
    amount: int
    discount_amount: int
    net_amount: int
    tax_amount: int
    tax_behavior: Annotated[str, OneOf("inclusive", "exclusive")] | None
    total_amount: int
    payment: PurchasePayment | None
    """None when nothing had to be paid."""
    metadata: Metadata
    custom_field_data: dict[str, Any]
    confirmed_at: Instant
    succeeded_at: Instant
    seats: int | None = None
    units: int | None = None
    trial_end: Instant | None = None
    """The end of the trial that the subscription begins with: nothing was charged, `amount` is due from then on."""
    setup: PurchaseSetup | None = None
    """The card that was kept without a charge, for what comes after a trial."""
    tax_breakdown: list[TaxItem] | None = None
    tax_computation: dict[str, Any] | None = None
    """The inputs, the exact fractions and the rule of the tax."""
    tax_calculation_id: str | None = None
    """The tax provider's name for the calculation, where it keeps them."""
    created_at: Instant | None = None
    """When the checkout was opened."""
    upgraded_subscription_id: UUID | None = None
    """The customer's free subscription that gets the terms of the purchase. Where that is not possible any more,
    `subscription_id` is begun."""
    client_secret_hash: str | None = None
    """HMAC of the checkout's client secret, in hexadecimal: who has the secret may look at the order for a while."""
    customer_session: PurchaseSession | None = None
    """None where the buyer has only typed an e-mail that somebody else may have."""
    is_business_customer: bool = False
    """Whether the buyer bought as a business: consumers' rights are not theirs."""
    immediate_delivery_consent: ImmediateDeliveryConsent | None = None


class DeclineRate(Shape):
    """How many of the cards that buyers tried at an organization's checkouts were declined."""

    id: UUID
    created_at: Instant
    organization_id: UUID
    window_started_at: Instant
    """The hour that is counted ends with `created_at`."""
    attempt_count: int
    declined_count: int


class CheckoutCreatedV1(Event[Checkout]):
    """A checkout was opened."""

    name: ClassVar[str] = "checkout.created"
    source: ClassVar[str] = "/checkout"


class CheckoutUpdatedV1(Event[Checkout]):
    """A checkout changed: its contents, or its status."""

    name: ClassVar[str] = "checkout.updated"
    source: ClassVar[str] = "/checkout"


class CheckoutExpiredV1(Event[Checkout]):
    """A checkout was left open past its end."""

    name: ClassVar[str] = "checkout.expired"
    source: ClassVar[str] = "/checkout"


class CheckoutSucceededV1(Event[Purchase]):
    """A purchase is paid, or needs no payment: the fact that orders and subscriptions are made from."""

    name: ClassVar[str] = "checkout.succeeded"
    source: ClassVar[str] = "/checkout"
    public: ClassVar[bool] = False


class CheckoutDeclineRateExceededV1(Event[DeclineRate]):
    """More than 40 % of at least 50 cards were declined within an hour: stolen cards may be tried.

    It is published at most once an hour.
    """

    name: ClassVar[str] = "checkout.decline_rate_exceeded"
    source: ClassVar[str] = "/checkout"


class CheckoutDigestedV1(Event[Digest]):
    """What this service has of its checkouts, for those who keep copies."""

    name: ClassVar[str] = "checkout.digested"
    source: ClassVar[str] = "/checkout"
    public: ClassVar[bool] = False


class CheckoutReplayedV1(Event[Replay]):
    """The checkouts whose copies differed at one consumer, told again."""

    name: ClassVar[str] = "checkout.replayed"
    source: ClassVar[str] = "/checkout"
    public: ClassVar[bool] = False


class DiscountCreatedV1(Event[Discount]):
    """A discount can be used from now on."""

    name: ClassVar[str] = "discount.created"
    source: ClassVar[str] = "/checkout"


class DiscountUpdatedV1(Event[Discount]):
    """A discount changed."""

    name: ClassVar[str] = "discount.updated"
    source: ClassVar[str] = "/checkout"


class DiscountDeletedV1(Event[Discount]):
    """A discount can no longer be used."""

    name: ClassVar[str] = "discount.deleted"
    source: ClassVar[str] = "/checkout"


class DiscountDigestedV1(Event[Digest]):
    """What this service has of its discounts, for those who keep copies."""

    name: ClassVar[str] = "discount.digested"
    source: ClassVar[str] = "/checkout"
    public: ClassVar[bool] = False


class DiscountReplayedV1(Event[Replay]):
    """The discounts whose copies differed at one consumer, told again."""

    name: ClassVar[str] = "discount.replayed"
    source: ClassVar[str] = "/checkout"
    public: ClassVar[bool] = False


class CheckoutDriftedV1(Event[Drift]):
    """What this service keeps a copy of is not as its owner's digest says."""

    name: ClassVar[str] = "checkout.drifted"
    source: ClassVar[str] = "/checkout"
    public: ClassVar[bool] = False


class CheckoutClockReportedV1(Event[ClockReport]):
    """What this service has done, and has still to do, at the instant of an organization's test clock."""

    name: ClassVar[str] = "checkout.clock_reported"
    source: ClassVar[str] = "/checkout"
    public: ClassVar[bool] = False
