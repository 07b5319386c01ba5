"""Discounts as the API shows and takes them."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from contracts import checkout as contracts
from pricing.currencies import Currency, ensure_whole
from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    field_validator,
    model_validator,
)
from servicekit.bodies import at_most
from servicekit.fields import MetadataInput, no_number
from servicekit.http import Dialect
from servicekit.inputs import Input, ensure_one_form, refuse_field

INT4 = 2**31 - 1
Code = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[A-Za-z0-9]{3,256}$")]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=256)]
Amount = Annotated[int, Field(strict=True, ge=1, le=999_999_999_999)]
Amounts = Annotated[dict[Currency, Amount], at_most(150), Field(min_length=1, max_length=150)]
BasisPoints = Annotated[int, Field(strict=True, ge=1, le=10_000)]
Months = Annotated[int, Field(strict=True, ge=1, le=999)]
Limit = Annotated[int, Field(strict=True, ge=1, le=INT4)]


def _aware(value: datetime) -> datetime:
    return value if value.tzinfo else value.replace(tzinfo=UTC)


When = Annotated[datetime, BeforeValidator(no_number), AfterValidator(_aware)]


class DiscountValue(Input):
    """What a discount takes off: a share, or whole amounts in currencies that can be charged."""

    basis_points: BasisPoints | None = None
    currency: Currency | None = None
    amount: Amount | None = None
    amounts: Amounts | None = None

    @field_validator("amount", "amounts")
    @classmethod
    def _whole(cls, value: int | dict[str, int] | None, info: ValidationInfo) -> int | dict[str, int] | None:
        """Refuses decimals that no charge in the currency has."""
        given = value if isinstance(value, dict) else {info.data.get("currency") or "usd": value or 0}
        for currency, amount in given.items():
            ensure_whole(amount, currency)
        return value


class DiscountCreate(DiscountValue):
    """A new discount: `basis_points` for a percentage, `amounts` (or one `amount` and `currency`) for a fixed one."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "Winter Sale",
                    "code": "WINTER2026",
                    "type": "percentage",
                    "basis_points": 2000,
                    "duration": "once",
                }
            ]
        }
    )

    name: Name
    type: Literal["percentage", "fixed"]
    code: Code | None = None
    duration: Literal["once", "forever", "repeating"] = "once"
    duration_in_months: Months | None = None
    starts_at: When | None = None
    ends_at: When | None = None
    max_redemptions: Limit | None = None
    max_redemptions_per_customer: Limit | None = None
    products: Annotated[list[UUID], Field(max_length=1000)] | None = None
    organization_id: UUID | None = None
    metadata: MetadataInput = {}

    @model_validator(mode="after")
    def _complete(self) -> "DiscountCreate":
        if self.type == "percentage" and self.basis_points is None:
            raise ValueError("a percentage discount needs basis_points")
        if self.type == "fixed" and self.amounts is None and self.amount is None:
            raise ValueError("a fixed discount needs amounts, or amount and currency")
        for name in ("amount", "amounts", "currency") if self.type == "percentage" else ("basis_points",):
            if getattr(self, name) is not None:
                refuse_field(self, name, f"A {self.type} discount has no {name}")
        ensure_one_form(self, "amount", "amounts")
        if self.amounts is not None and self.currency not in (None, *self.amounts):
            refuse_field(self, "currency", "has no amount in amounts")
        if (self.duration == "repeating") != (self.duration_in_months is not None):
            raise ValueError("duration_in_months belongs to the duration repeating")
        if self.starts_at and self.ends_at and self.ends_at <= self.starts_at:
            raise ValueError("ends_at should be after starts_at")
        return self

    @property
    def per_currency(self) -> dict[str, int] | None:
        """The fixed amounts by currency, in minor units."""
        if self.type == "percentage":
            return None
        return self.amounts or {self.currency or "usd": self.amount or 0}


class DiscountUpdate(DiscountValue):
    """What may be changed: its value counts for those who redeem it from now on; who has it keeps what they have.

    `type`, `duration` and `duration_in_months` are taken where they are as before: they cannot be changed.
    """

    name: Name | None = None
    code: Code | None = None
    type: Literal["percentage", "fixed"] | None = None
    duration: Literal["once", "forever", "repeating"] | None = None
    duration_in_months: Months | None = None
    starts_at: When | None = None
    ends_at: When | None = None
    max_redemptions: Limit | None = None
    max_redemptions_per_customer: Limit | None = None
    products: Annotated[list[UUID], Field(max_length=1000)] | None = None
    metadata: MetadataInput | None = None


class DiscountRead(contracts.Discount):
    """A discount."""

    is_deleted: bool = Field(default=False, exclude=True)

    @classmethod
    def of(cls, discount: contracts.Discount, dialect: Dialect) -> "DiscountRead":
        """A discount in the caller's dialect: the documented API shows a percentage's basis points as its amount."""
        fields: dict[str, Any] = discount.model_dump()
        if dialect is Dialect.SEED and discount.type == "percentage":
            fields["amount"] = discount.basis_points
        return cls.model_validate(fields)
