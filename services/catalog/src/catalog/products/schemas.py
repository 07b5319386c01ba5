"""Products as the API shows and takes them."""

from typing import Annotated, Any, Literal
from uuid import UUID

from contracts import catalog as contracts
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    model_validator,
)
from servicekit.fields import Currency, MetadataInput

Interval = Literal["day", "week", "month", "year"]
Visibility = Literal["draft", "private", "public"]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=64)]
Description = Annotated[str, StringConstraints(max_length=10_000)]
MINIMUM_AMOUNT = 50
MAXIMUM_AMOUNT = 99_999_999
"""In minor units; what card networks take in one charge."""


def _fixed(value: Any) -> Any:
    """`free` is a fixed price of 0 (polar-api.md, section 3, row 9)."""
    if isinstance(value, dict) and value.get("amount_type") == "free":
        return {**value, "amount_type": "fixed", "price_amount": 0}
    return value


def _kind(value: Any) -> str:
    """Which input a price is: one with an id stays, and without an `amount_type` it is fixed."""
    if not isinstance(value, dict):
        return str(getattr(value, "amount_type", "existing"))
    if "id" in value and "amount_type" not in value:
        return "existing"
    return str(value.get("amount_type", "fixed"))


def _chargeable(value: int) -> int:
    if 0 < value < MINIMUM_AMOUNT:
        raise ValueError(f"should be 0, or at least {MINIMUM_AMOUNT}")
    return value


ChosenAmount = Annotated[int, Field(ge=0, le=MAXIMUM_AMOUNT), AfterValidator(_chargeable)]


class FixedPriceInput(BaseModel):
    """A fixed price: free, or 50 to 99,999,999 minor units."""

    amount_type: Literal["fixed"] = "fixed"
    price_amount: ChosenAmount
    price_currency: Currency = "usd"
    tax_behavior: Literal["location", "inclusive", "exclusive"] | None = None


class CustomPriceInput(BaseModel):
    """The buyer chooses the amount: from `minimum_amount` (default 50; 0 lets them pay nothing) to `maximum_amount`.

    `preset_amount` is what is proposed.
    """

    amount_type: Literal["custom"]
    minimum_amount: ChosenAmount = MINIMUM_AMOUNT
    maximum_amount: ChosenAmount | None = None
    preset_amount: ChosenAmount | None = None
    price_currency: Currency = "usd"
    tax_behavior: Literal["location", "inclusive", "exclusive"] | None = None

    @model_validator(mode="after")
    def _in_order(self) -> "CustomPriceInput":
        if self.maximum_amount is not None and self.maximum_amount < self.minimum_amount:
            raise ValueError("maximum_amount should be at least minimum_amount")
        preset = self.preset_amount
        if preset is not None and not self.minimum_amount <= preset <= (self.maximum_amount or MAXIMUM_AMOUNT):
            raise ValueError("preset_amount should be between minimum_amount and maximum_amount")
        return self


class ExistingPrice(BaseModel):
    """A price of the product that stays."""

    id: UUID


NewPrice = FixedPriceInput | CustomPriceInput
PriceInput = Annotated[
    Annotated[FixedPriceInput, Tag("fixed")] | Annotated[CustomPriceInput, Tag("custom")],
    Discriminator(_kind),
    BeforeValidator(_fixed),
]
PriceChange = Annotated[
    Annotated[ExistingPrice, Tag("existing")]
    | Annotated[FixedPriceInput, Tag("fixed")]
    | Annotated[CustomPriceInput, Tag("custom")],
    Discriminator(_kind),
    BeforeValidator(_fixed),
]


class ProductCreate(BaseModel):
    """A new product. It is recurring when it has a `recurring_interval`."""

    name: Name
    description: Description | None = None
    visibility: Visibility = "public"
    organization_id: UUID | None = None
    is_recurring: bool | None = None
    recurring_interval: Interval | None = None
    recurring_interval_count: Annotated[int, Field(ge=1, le=999)] | None = None
    prices: Annotated[list[PriceInput], Field(min_length=1, max_length=50)]
    medias: Annotated[list[str], Field(max_length=20)] | None = None
    metadata: MetadataInput = {}

    @model_validator(mode="after")
    def _consistent(self) -> "ProductCreate":
        if self.is_recurring is not None and self.is_recurring != (self.recurring_interval is not None):
            raise ValueError("is_recurring contradicts recurring_interval")
        if self.recurring_interval is None and self.recurring_interval_count is not None:
            raise ValueError("recurring_interval_count needs a recurring_interval")
        return self


class ProductUpdate(BaseModel):
    """What may be changed; what is absent stays. How often a product recurs cannot be changed."""

    name: Name | None = None
    description: Description | None = None
    visibility: Visibility | None = None
    is_archived: bool | None = None
    recurring_interval: Interval | None = None
    recurring_interval_count: Annotated[int, Field(ge=1, le=999)] | None = None
    prices: Annotated[list[PriceChange], Field(min_length=1, max_length=50)] | None = None
    medias: Annotated[list[str], Field(max_length=20)] | None = None
    metadata: MetadataInput | None = None


class ProductBenefits(BaseModel):
    """The whole list of a product's benefits, in order."""

    benefits: Annotated[list[UUID], Field(max_length=100)]


class PriceRead(contracts.Price):
    """A price on sale."""

    type: Literal["recurring", "one_time"]


class ProductRead(contracts.Product):
    """A product with its prices on sale and its benefits."""

    prices: list[PriceRead]  # type: ignore[assignment]
    archived_prices: list[contracts.Price] = Field(default=[], exclude=True)
    stripe_product_id: str | None = None

    @classmethod
    def of(cls, product: contracts.Product) -> "ProductRead":
        """A product as the API shows it."""
        kind = "recurring" if product.is_recurring else "one_time"
        fields = product.model_dump()
        fields["prices"] = [{**price, "type": kind} for price in fields["prices"]]
        return cls.model_validate(fields)
