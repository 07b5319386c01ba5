"""Checkout links as the API shows and takes them."""

from typing import Annotated, Any, Literal
from uuid import UUID

from contracts import checkout as contracts
from contracts.event import Instant, Metadata
from pydantic import BaseModel, Field, StringConstraints, model_validator
from servicekit.fields import MetadataInput
from servicekit.inputs import Input, ensure_one_form

from checkout.checkouts.schemas import Quantity, TrialCount, TrialInterval, Url

Label = Annotated[str, StringConstraints(strip_whitespace=True, max_length=255)]
Products = Annotated[list[UUID], Field(min_length=1, max_length=50)]


class CheckoutLinkCreate(Input):
    """A new link: to several `products`, to one product, or to the product of a price."""

    payment_processor: Literal["stripe"] = "stripe"
    products: Products | None = None
    product_id: UUID | None = None
    product_price_id: UUID | None = None
    label: Label | None = None
    discount_id: UUID | None = None
    allow_discount_codes: bool = True
    require_billing_address: bool = False
    trial_interval: TrialInterval | None = None
    trial_interval_count: TrialCount | None = None
    """The trial of the link's checkouts, in the place of the product's."""
    seats: Quantity | None = None
    """How many seats its checkouts are for, where every product goes by them; the buyer cannot change it."""
    units: Quantity | None = None
    """The same for prices by units."""
    success_url: Url | None = None
    return_url: Url | None = None
    metadata: MetadataInput = {}

    @model_validator(mode="after")
    def _names_what_is_sold(self) -> "CheckoutLinkCreate":
        if self.products is None and self.product_id is None and self.product_price_id is None:
            raise ValueError("products, product_id or product_price_id is required")
        ensure_one_form(self, "products", "product_id", "product_price_id")
        if self.trial_interval_count is not None and self.trial_interval is None:
            raise ValueError("trial_interval_count needs a trial_interval")
        return self


class CheckoutLinkUpdate(Input):
    """What may change; what is absent stays."""

    products: Products | None = None
    label: Label | None = None
    discount_id: UUID | None = None
    allow_discount_codes: bool | None = None
    require_billing_address: bool | None = None
    trial_interval: TrialInterval | None = None
    """Null takes the link's own trial away."""
    trial_interval_count: TrialCount | None = None
    seats: Quantity | None = None
    """Null leaves the number to the buyer."""
    units: Quantity | None = None
    success_url: Url | None = None
    return_url: Url | None = None
    metadata: MetadataInput | None = None


class CheckoutLinkRead(BaseModel):
    """A link. Whoever follows `url` gets a checkout of their own."""

    id: UUID
    created_at: Instant
    modified_at: Instant | None
    metadata: Metadata
    payment_processor: str = "stripe"
    client_secret: str
    url: str
    success_url: str | None
    return_url: str | None
    label: str | None
    allow_discount_codes: bool
    require_billing_address: bool
    discount_id: UUID | None
    discount: contracts.Discount | None
    trial_interval: str | None
    trial_interval_count: int | None
    seats: int | None
    units: int | None
    organization_id: UUID
    products: list[dict[str, Any]]
