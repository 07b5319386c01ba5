"""Checkouts as the API shows and takes them."""

from typing import Annotated, Any, Literal, Self
from uuid import UUID

from contracts import checkout as contracts
from contracts.event import OneOf
from contracts.identity import Branding
from pricing.currencies import MAXIMUM_AMOUNT, CurrencyCode
from pricing.inputs import StaticPriceInput
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from servicekit.bodies import at_most
from servicekit.fields import AddressInput, Email, Line, MetadataInput
from servicekit.http import Dialect
from servicekit.inputs import Input, ensure_one_form

Url = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2083, pattern=r"^https?://[^\s]+$")]
TaxId = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64)]
ExternalId = Annotated[str, StringConstraints(min_length=1, max_length=256)]
Code = Annotated[str, StringConstraints(strip_whitespace=True, max_length=256)]
Short = Annotated[str, StringConstraints(max_length=64)]
"""In minor units; what card networks take in one charge."""
Quantity = Annotated[int, Field(strict=True, ge=1, le=2**31 - 1)]
TrialInterval = Literal["day", "week", "month", "year"]
TrialCount = Annotated[int, Field(strict=True, ge=1, le=1000)]
Scalar = str | int | float | bool | None
CustomFieldData = Annotated[dict[Annotated[str, StringConstraints(max_length=256)], Scalar], at_most(100)]


AdHocPrices = Annotated[
    dict[UUID, Annotated[list[StaticPriceInput], Field(min_length=1, max_length=50)]], at_most(50), Field(max_length=50)
]


class Buyer(Input):
    """What a buyer says about themselves; on create, on update and on confirm."""

    customer_name: Line | None = None
    customer_email: Email | None = None
    customer_billing_name: Line | None = None
    customer_billing_address: AddressInput | None = None
    customer_tax_id: TaxId | None = None
    is_business_customer: bool | None = None
    locale: Short | None = None
    amount: Annotated[int, Field(strict=True, ge=0, le=MAXIMUM_AMOUNT)] | None = None
    """What the buyer chose to pay, in minor units; only a custom price looks at it (Polar's rule)."""
    seats: Quantity | None = None
    """How many are ordered; only a seat-based price looks at it."""
    units: Quantity | None = None
    """How many are ordered; only a unit-based price looks at it."""
    custom_field_data: CustomFieldData | None = None


class CheckoutCreate(Buyer):
    """A new checkout, for a price (`product_price_id`), a product, or the first of `products`: one of them is given."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "products": ["0197f3a2-7c1e-7d4b-9f0a-3c5e8d2b6a41"],
                    "customer_email": "ada@example.com",
                    "success_url": "https://example.com/success",
                }
            ]
        }
    )

    product_price_id: UUID | None = None
    product_id: UUID | None = None
    products: Annotated[list[UUID], Field(min_length=1, max_length=50)] | None = None
    prices: AdHocPrices | None = None
    """Prices of this checkout alone, by the product's id; the other products have the catalog's."""
    subscription_id: UUID | None = None
    """A free subscription that the purchase upgrades; its customer is the buyer."""
    success_url: Url | None = None
    return_url: Url | None = None
    embed_origin: Url | None = None
    currency: CurrencyCode | None = None
    customer_id: UUID | None = None
    external_customer_id: ExternalId | None = None
    customer_external_id: ExternalId | None = Field(
        default=None, deprecated=True, description="The name of `external_customer_id` in early clients."
    )
    customer_ip_address: Short | None = None
    customer_metadata: MetadataInput = {}
    min_seats: Quantity | None = None
    max_seats: Quantity | None = None
    min_units: Quantity | None = None
    max_units: Quantity | None = None
    discount_id: UUID | None = None
    discount_code: Code | None = None
    allow_trial: bool = True
    trial_interval: TrialInterval | None = None
    trial_interval_count: TrialCount | None = None
    """The trial of this checkout, in the place of the product's."""
    allow_discount_codes: bool = True
    require_billing_address: bool = False
    metadata: MetadataInput = {}

    @model_validator(mode="after")
    def _names_what_is_bought(self) -> "CheckoutCreate":
        if self.product_price_id is None and self.product_id is None and self.products is None:
            raise ValueError("products, product_id or product_price_id is required")
        ensure_one_form(self, "products", "product_id", "product_price_id")
        ensure_one_form(self, "discount_id", "discount_code")
        early = self.__dict__["customer_external_id"]
        if self.external_customer_id not in (None, early):
            ensure_one_form(self, "external_customer_id", "customer_external_id")
        self.external_customer_id = self.external_customer_id or early
        if self.trial_interval_count is not None and self.trial_interval is None:
            raise ValueError("trial_interval_count needs a trial_interval")
        return self


class CheckoutUpdate(Buyer):
    """What the seller may change while the checkout is open."""

    product_id: UUID | None = None
    product_price_id: UUID | None = None
    discount_id: UUID | None = None
    discount_code: Code | None = None
    allow_discount_codes: bool | None = None
    currency: CurrencyCode | None = None
    """The first price in it is chosen."""
    allow_trial: bool | None = None
    trial_interval: TrialInterval | None = None
    """Null takes the checkout's own trial away."""
    trial_interval_count: TrialCount | None = None
    require_billing_address: bool | None = None
    success_url: Url | None = None
    return_url: Url | None = None
    embed_origin: Url | None = None
    customer_ip_address: Short | None = None
    metadata: MetadataInput | None = None
    customer_metadata: MetadataInput | None = None

    @model_validator(mode="after")
    def _names_one_discount(self) -> Self:
        ensure_one_form(self, "discount_id", "discount_code")
        return self


class CheckoutUpdatePublic(Buyer):
    """What the buyer may change while the checkout is open."""

    product_id: UUID | None = None
    product_price_id: UUID | None = None
    currency: CurrencyCode | None = None
    """One in which every offered product has a price; the first price in it is chosen."""
    discount_code: Code | None = None
    allow_trial: Literal[False] | None = None
    """A buyer may give the trial up, not take one."""
    payment_method_type: Short | None = None
    """As the payment form calls what the buyer chose: `card`, `apple_pay`."""


Token = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=255, pattern=r"^[A-Za-z0-9_]+$")
]


Wording = Literal["2026-12-01"]
"""The versions of the text of the consent, by the day from which each is shown."""
WORDING: Wording = "2026-12-01"
"""The version that the checkout page shows."""


class CheckoutConfirm(CheckoutUpdatePublic):
    """The buyer commits, with Stripe's confirmation token (or, in test mode, the name of a test payment method).

    What the buyer may change, they may change with it: it is applied before anything is charged.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [{"confirmation_token_id": "ctoken_1Qa2Ws3Ed4Rf5Tg6"}]})

    confirmation_token_id: Token | None = None
    immediate_delivery_consent: Wording | None = None
    """The version of the text by which a consumer asked for delivery at once, and accepted what becomes of the right of
    withdrawal (docs/guides/consumer-rights.md). Without it that right stays as it is."""


class CheckoutConfirmWithSecret(CheckoutConfirm):
    """The same on the seller's own route, which names the checkout by its id and asks for its secret too."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"client_secret": "polar_c_4f9aQm", "confirmation_token_id": "ctoken_1Qa2Ws3Ed4Rf5Tg6"}]
        }
    )

    client_secret: Annotated[str, StringConstraints(max_length=255)]


class CheckoutRead(contracts.Checkout):
    """A checkout. `completed` is `succeeded` without a `Polar-Version`."""

    status: Annotated[str, OneOf("open", "expired", "confirmed", "succeeded", "failed", "completed")]

    @classmethod
    def of(cls, checkout: contracts.Checkout, dialect: Dialect) -> "CheckoutRead":
        """A checkout in the caller's dialect: the documented API says `completed` for `succeeded`.

        What is valid already is not validated again.
        """
        is_completed = dialect is Dialect.SEED and checkout.status == "succeeded"
        return cls.model_construct(**{**vars(checkout), "status": "completed" if is_completed else checkout.status})

    @classmethod
    def shown(cls, fields: dict[str, Any]) -> Self:
        """The same of fields whose words are the caller's, which are not those of the contract."""
        return cls.model_validate(fields, context={"tolerant": True})


class CheckoutOrganization(BaseModel):
    """What a buyer sees of the seller."""

    id: UUID
    created_at: str
    modified_at: str | None
    name: str
    slug: str
    avatar_url: str | None
    proration_behavior: str = "prorate"
    allow_customer_updates: bool = True
    branding: Branding = Branding()


class CheckoutConsumerRights(BaseModel):
    """What the page offers its buyer, by the country of the billing address."""

    immediate_delivery_consent: str | None
    """The version of the text that a consumer has to agree to on the page; None where nothing is asked."""
    withdrawal: bool
    """Whether the purchase may be withdrawn from at `/{slug}/withdraw`."""
    cancellation: bool
    """Whether the subscription may be canceled at `/{slug}/cancel`."""


class CheckoutPublic(CheckoutRead):
    """A checkout as its buyer sees it."""

    organization: CheckoutOrganization | None
    consumer_rights: CheckoutConsumerRights | None = None
    metadata: Any = Field(default=None, exclude=True)
    customer_metadata: Any = Field(default=None, exclude=True)
    external_customer_id: str | None = Field(default=None, exclude=True)
    order_id: UUID | None = Field(default=None, exclude=True)
    subscription_id: UUID | None = Field(default=None, exclude=True)


class CheckoutPublicConfirmed(CheckoutPublic):
    """A checkout right after the buyer's commitment."""

    customer_session_token: str | None = None


class CheckoutConfirmed(BaseModel):
    """The ids that the purchase has, or will have a moment later."""

    id: UUID
    status: str
    customer_id: UUID | None
    order_id: UUID | None
    subscription_id: UUID | None
    payment_processor_metadata: dict[str, str]
