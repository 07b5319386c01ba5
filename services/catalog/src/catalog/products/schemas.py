"""Products as the API shows and takes them."""

from typing import Annotated, Literal
from uuid import UUID

from contracts import catalog as contracts
from pricing.inputs import PriceChange, PriceInput
from pydantic import ConfigDict, Field, StringConstraints, model_validator
from servicekit.fields import MetadataInput
from servicekit.inputs import Input

Interval = Literal["day", "week", "month", "year"]
Visibility = Literal["draft", "private", "public"]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=64)]
Description = Annotated[str, StringConstraints(max_length=10_000)]
Count = Annotated[int, Field(strict=True, ge=1, le=999)]


class AttachedCustomFieldCreate(Input):
    """A question that is put to the buyers of a product."""

    custom_field_id: UUID
    required: bool


AttachedCustomFields = Annotated[list[AttachedCustomFieldCreate], Field(max_length=50)]
Medias = Annotated[list[str], Field(max_length=20)]


class ProductCreate(Input):
    """A new product. It is recurring when it has a `recurring_interval`."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "Pro Plan",
                    "recurring_interval": "month",
                    "prices": [{"amount_type": "fixed", "price_amount": 2900, "price_currency": "usd"}],
                }
            ]
        }
    )

    name: Name
    description: Description | None = None
    visibility: Visibility = "public"
    organization_id: UUID | None = None
    is_recurring: bool | None = None
    recurring_interval: Interval | None = None
    recurring_interval_count: Count | None = None
    trial_interval: Interval | None = None
    trial_interval_count: Count | None = None
    meter_interval: Interval | None = None
    meter_interval_count: Count | None = None
    prices: Annotated[list[PriceInput], Field(min_length=1, max_length=50)]
    medias: Medias | None = None
    attached_custom_fields: AttachedCustomFields = []
    metadata: MetadataInput = {}

    @model_validator(mode="after")
    def _consistent(self) -> "ProductCreate":
        if self.is_recurring is not None and self.is_recurring != (self.recurring_interval is not None):
            raise ValueError("is_recurring contradicts recurring_interval")
        if self.recurring_interval is None and self.recurring_interval_count is not None:
            raise ValueError("recurring_interval_count needs a recurring_interval")
        for name in ("trial_interval", "meter_interval"):
            interval, count = getattr(self, name), getattr(self, f"{name}_count")
            if interval is not None and self.recurring_interval is None:
                raise ValueError(f"{name} needs a recurring_interval")
            if interval is None and count is not None:
                raise ValueError(f"{name}_count needs a {name}")
        return self


class ProductUpdate(Input):
    """What may be changed; what is absent stays. How often a product recurs cannot be changed."""

    name: Name | None = None
    description: Description | None = None
    visibility: Visibility | None = None
    is_archived: bool | None = None
    recurring_interval: Interval | None = None
    recurring_interval_count: Count | None = None
    trial_interval: Interval | None = None
    trial_interval_count: Count | None = None
    prices: Annotated[list[PriceChange], Field(min_length=1, max_length=50)] | None = None
    medias: Medias | None = None
    attached_custom_fields: AttachedCustomFields | None = None
    metadata: MetadataInput | None = None


class ProductBenefits(Input):
    """The whole list of a product's benefits, in order."""

    benefits: Annotated[list[UUID], Field(max_length=100)]


class PriceRead(contracts.Price):
    """A price on sale."""

    type: Literal["recurring", "one_time"]


class ProductRead(contracts.Product):
    """A product with its prices on sale and its benefits."""

    prices: list[PriceRead]  # type: ignore[assignment]
    archived_prices: list[contracts.Price] = Field(default=[], exclude=True)
    is_deleted: bool = Field(default=False, exclude=True)
    stripe_product_id: str | None = None

    @classmethod
    def of(cls, product: contracts.Product) -> "ProductRead":
        """A product as the API shows it."""
        kind = "recurring" if product.is_recurring else "one_time"
        fields = product.model_dump()
        fields["prices"] = [{**price, "type": kind} for price in fields["prices"]]
        return cls.model_validate(fields)
