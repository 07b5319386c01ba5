"""Prices as the API takes them, of the catalog's products and of one checkout: one class for each way to charge."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    PlainSerializer,
    Tag,
    ValidationInfo,
    field_validator,
    model_validator,
)

from pricing.currencies import MAXIMUM_AMOUNT, Currency, ensure_chargeable, ensure_whole, minimum, step, written
from pricing.prices import seats_amount, units_amount

STATIC = ("fixed", "custom", "seat_based", "unit_based")
"""Kinds that are charged whatever is used; the others are rated by a meter."""
INT4 = 2**31 - 1


def _fixed(value: Any) -> Any:
    """`free` is a fixed price of 0 (Polar's rule)."""
    if isinstance(value, dict) and value.get("amount_type") == "free":
        if value.get("price_amount"):
            raise ValueError("a free price has no price_amount")
        return {**value, "amount_type": "fixed", "price_amount": 0}
    return value


def _kind(value: Any) -> str:
    """Which input a price is: one with an id stays, and without an `amount_type` it is fixed."""
    if not isinstance(value, dict):
        return str(getattr(value, "amount_type", "existing"))
    if "id" in value and "amount_type" not in value:
        return "existing"
    return str(value.get("amount_type", "fixed"))


def _chargeable(value: int | None, info: ValidationInfo) -> int | None:
    """Refuses what cannot be charged in the price's currency; a currency that is wrong itself is named alone."""
    currency = info.data.get("price_currency")
    return value if value is None or currency is None else ensure_chargeable(value, currency)


def _ensure_payable(amount: int, currency: str, order: str) -> None:
    try:
        ensure_chargeable(amount, currency)
    except ValueError as refusal:
        raise ValueError(f"{order} cost {written(amount, currency)}: an order {refusal}") from None


def _plain(value: Decimal) -> str:
    """A decimal as it is kept: no exponent, no zeros at its end."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


Amount = Annotated[int, Field(strict=True, ge=0, le=MAXIMUM_AMOUNT)]
ChosenAmount = Annotated[Amount, AfterValidator(_chargeable)]
"""An amount that is charged as it is: 0, or at least the minimum of the currency."""
UnitAmount = Annotated[
    Decimal,
    Field(ge=0, max_digits=17, decimal_places=12),
    AfterValidator(_plain),
    PlainSerializer(str, return_type=str),
]
"""A decimal of minor units, for what costs less than one (Polar's Decimal(17, 12))."""
TaxBehavior = Literal["location", "inclusive", "exclusive"]


class _Input(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Price(_Input):
    type: Literal["one_time", "recurring"] | None = Field(
        default=None, exclude=True, description="Of the product, which has to agree. It may be left out."
    )
    price_currency: Currency = "usd"
    tax_behavior: TaxBehavior | None = None


class FixedPriceInput(_Price):
    """A fixed price: free, or from the currency's minimum charge to 99,999,999 minor units."""

    amount_type: Literal["fixed"] = "fixed"
    price_amount: ChosenAmount


class CustomPriceInput(_Price):
    """The buyer chooses the amount, from `minimum_amount` to `maximum_amount`; `preset_amount` is what is proposed.

    The default of `minimum_amount` is the currency's minimum charge; 0 lets buyers pay nothing.
    """

    amount_type: Literal["custom"]
    minimum_amount: ChosenAmount = 50
    maximum_amount: ChosenAmount | None = None
    preset_amount: ChosenAmount | None = None

    @model_validator(mode="after")
    def _in_order(self) -> "CustomPriceInput":
        if "minimum_amount" not in self.model_fields_set:
            self.minimum_amount = minimum(self.price_currency)
        if self.maximum_amount is not None and self.maximum_amount < self.minimum_amount:
            raise ValueError("maximum_amount should be at least minimum_amount")
        preset = self.preset_amount
        if preset is not None and not self.minimum_amount <= preset <= (self.maximum_amount or MAXIMUM_AMOUNT):
            raise ValueError("preset_amount should be between minimum_amount and maximum_amount")
        return self


class SeatTierInput(_Input):
    """From `min_seats` to `max_seats` (none: without end), each seat costs `price_per_seat` minor units."""

    min_seats: Annotated[int, Field(strict=True, ge=1, le=INT4)]
    max_seats: Annotated[int, Field(strict=True, ge=1, le=INT4)] | None = None
    price_per_seat: Amount


class SeatTiersInput(_Input):
    """Tiers without gaps, the last of which may be open. `volume`: all seats cost what the last of them costs."""

    seat_tier_type: Literal["volume", "graduated"] = "volume"
    tiers: Annotated[list[SeatTierInput], Field(min_length=1, max_length=50)]

    @model_validator(mode="after")
    def _contiguous(self) -> "SeatTiersInput":
        for index, tier in enumerate(self.tiers):
            if tier.max_seats is not None and tier.max_seats < tier.min_seats:
                raise ValueError("max_seats should be at least min_seats")
            before = self.tiers[index - 1].max_seats if index else None
            if index and (before is None or tier.min_seats != before + 1):
                raise ValueError("each tier begins where the one before it ends; only the last may be open")
        return self


class SeatBasedPriceInput(_Price):
    """A price for each seat, by tiers of their number; the first order of each tier can be charged."""

    amount_type: Literal["seat_based"]
    seat_tiers: SeatTiersInput

    @field_validator("seat_tiers")
    @classmethod
    def _payable(cls, value: SeatTiersInput, info: ValidationInfo) -> SeatTiersInput:
        terms, currency = value.model_dump(), info.data.get("price_currency")
        if currency is None:
            return value
        for tier in value.tiers:
            ensure_whole(tier.price_per_seat, currency)
            _ensure_payable(seats_amount(terms, tier.min_seats), currency, f"{tier.min_seats} seats")
        return value


class TierInput(_Input):
    """Up to `bound` units (none: without end), each costs `unit_amount`."""

    bound: Annotated[int, Field(strict=True, ge=1, le=INT4)] | None = None
    unit_amount: UnitAmount


class TiersInput(_Input):
    """Tiers whose bounds rise, the last of which may be open."""

    type: Literal["volume", "graduated"]
    tiers: Annotated[list[TierInput], Field(min_length=1, max_length=50)]

    @model_validator(mode="after")
    def _rising(self) -> "TiersInput":
        bounds = [tier.bound for tier in self.tiers]
        if None in bounds[:-1]:
            raise ValueError("only the last tier may be open")
        known = [bound for bound in bounds if bound is not None]
        if known != sorted(set(known)):
            raise ValueError("the bounds should rise")
        return self


class UnitBasedPriceInput(_Price):
    """A price for a number of units that the buyer orders, by tiers of their number, from `minimum_units` (1)."""

    amount_type: Literal["unit_based"]
    minimum_units: Annotated[int, Field(strict=True, ge=1, le=INT4)] | None = None
    tiers: TiersInput
    unit_label: Annotated[dict[str, dict[str, str]], Field(max_length=50)] | None = None

    @field_validator("tiers")
    @classmethod
    def _payable(cls, value: TiersInput, info: ValidationInfo) -> TiersInput:
        """The first order of each tier can be charged, and all orders are whole amounts of the currency."""
        currency, least = info.data.get("price_currency"), info.data.get("minimum_units") or 1
        if currency is None:
            return value
        bounds = [tier.bound for tier in value.tiers]
        if bounds[-1] is not None and least > bounds[-1]:
            raise ValueError("minimum_units is above the last bound")
        for tier in value.tiers:
            if Decimal(tier.unit_amount) % step(currency) and step(currency) > 1:
                raise ValueError(f"unit_amount should be a multiple of {step(currency)} in {currency.upper()}")
        tiers = [{"bound": tier.bound, "unit_amount": tier.unit_amount} for tier in value.tiers]
        firsts = {least, *(bound + 1 for bound in bounds[:-1] if bound is not None and bound >= least)}
        for first in sorted(firsts):
            amount = units_amount({"type": value.type, "tiers": tiers}, first)
            _ensure_payable(amount, currency, f"{first} units")
        return value


class MeteredUnitPriceInput(_Price):
    """A price for each unit that a meter counts, at most `cap_amount` a period."""

    amount_type: Literal["metered_unit"]
    meter_id: UUID
    unit_amount: UnitAmount
    cap_amount: Amount | None = None


class MeteredTiersPriceInput(_Price):
    """A price for what a meter counts, by tiers, at most `cap_amount` a period."""

    amount_type: Literal["metered_tiers"]
    meter_id: UUID
    tiers: TiersInput
    cap_amount: Amount | None = None


class ExistingPrice(_Input):
    """A price of the product that stays."""

    id: UUID


NewPrice = (
    FixedPriceInput
    | CustomPriceInput
    | SeatBasedPriceInput
    | UnitBasedPriceInput
    | MeteredUnitPriceInput
    | MeteredTiersPriceInput
)
StaticPrice = FixedPriceInput | CustomPriceInput | SeatBasedPriceInput | UnitBasedPriceInput
_Static = (
    Annotated[FixedPriceInput, Tag("fixed")]
    | Annotated[CustomPriceInput, Tag("custom")]
    | Annotated[SeatBasedPriceInput, Tag("seat_based")]
    | Annotated[UnitBasedPriceInput, Tag("unit_based")]
)
_Tagged = (
    _Static
    | Annotated[MeteredUnitPriceInput, Tag("metered_unit")]
    | Annotated[MeteredTiersPriceInput, Tag("metered_tiers")]
)
PriceInput = Annotated[_Tagged, Discriminator(_kind), BeforeValidator(_fixed)]
PriceChange = Annotated[
    Annotated[ExistingPrice, Tag("existing")] | _Tagged, Discriminator(_kind), BeforeValidator(_fixed)
]
StaticPriceInput = Annotated[_Static, Discriminator(_kind), BeforeValidator(_fixed)]
"""A price that is charged whatever is used: what a seller may set for one checkout."""


def disagreeing(prices: Sequence[NewPrice | ExistingPrice], *, is_recurring: bool) -> int | None:
    """The index of the first price whose `type` is not its product's; None where all agree."""
    other = "one_time" if is_recurring else "recurring"
    return next((index for index, price in enumerate(prices) if getattr(price, "type", None) == other), None)


def with_ends(amount_type: str, terms: Mapping[str, Any]) -> dict[str, Any]:
    """The terms of a price as the API shows them: by seats or units with the least and the most that tiers allow."""
    shown = dict(terms)
    if amount_type == "seat_based":
        tiers = terms["seat_tiers"]["tiers"]
        limits = {"minimum_seats": tiers[0]["min_seats"], "maximum_seats": tiers[-1]["max_seats"]}
        shown["seat_tiers"] = {**terms["seat_tiers"], **limits}
    if amount_type == "unit_based":
        shown["maximum_units"] = terms["tiers"]["tiers"][-1]["bound"]
    return shown
