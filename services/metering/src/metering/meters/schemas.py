"""Meters as the API shows and takes them."""

from typing import Annotated, Literal
from uuid import UUID

from contracts import metering as contracts
from contracts.event import Instant
from pydantic import AfterValidator, BaseModel, Discriminator, Field, StringConstraints, model_validator
from servicekit.fields import MetadataInput
from servicekit.inputs import Input

from metering.meters.filters import MAX_DEPTH, Filter, Property

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=255)]
Unit = Literal["scalar", "token", "custom"]
Label = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64)]
Multiplier = Annotated[int, Field(strict=True, ge=1, le=2**31 - 1)]


class CountAggregation(Input):
    """How many events."""

    func: Literal["count"] = "count"


class PropertyAggregation(Input):
    """The sum, highest, lowest or mean of a number in the metadata; events without one do not count."""

    func: Literal["sum", "max", "min", "avg"]
    property: Property


class UniqueAggregation(Input):
    """How many different values."""

    func: Literal["unique"]
    property: Property


Aggregation = Annotated[CountAggregation | PropertyAggregation | UniqueAggregation, Discriminator("func")]


def _shallow(value: Filter) -> Filter:
    if value.depth() > MAX_DEPTH:
        raise ValueError(f"may be nested {MAX_DEPTH} deep at most")
    return value


ShallowFilter = Annotated[Filter, AfterValidator(_shallow)]


class MeterCreate(Input):
    """A new meter."""

    name: Name
    filter: ShallowFilter
    aggregation: Aggregation
    unit: Unit = "scalar"
    custom_label: Label | None = None
    custom_multiplier: Multiplier | None = None
    metadata: MetadataInput = {}
    organization_id: UUID | None = None

    @model_validator(mode="after")
    def _label_of_custom(self) -> "MeterCreate":
        if (self.unit == "custom") != (self.custom_label is not None):
            raise ValueError("custom_label belongs to the unit custom")
        return self


class MeterUpdate(Input):
    """What may change; what is absent stays."""

    name: Name | None = None
    filter: ShallowFilter | None = None
    aggregation: Aggregation | None = None
    unit: Unit | None = None
    custom_label: Label | None = None
    custom_multiplier: Multiplier | None = None
    metadata: MetadataInput | None = None
    is_archived: bool | None = None


class MeterRead(contracts.Meter):
    """A meter."""


class MeterQuantity(BaseModel):
    """What was counted from `timestamp` to the next one."""

    timestamp: Instant
    quantity: float


class MeterQuantities(BaseModel):
    """What was counted, by period and in all; `total` is of all events, and not the sum of the periods."""

    quantities: list[MeterQuantity]
    total: float
