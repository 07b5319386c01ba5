"""Usage events as the API shows and takes them."""

from datetime import datetime, timedelta
from decimal import Decimal
from math import isfinite
from typing import Annotated, Any
from uuid import UUID

from contracts.billing import Customer
from contracts.event import Instant
from pydantic import AfterValidator, AllowInfNan, BaseModel, Field, StringConstraints, model_validator
from servicekit import clock
from servicekit.bodies import at_most
from servicekit.fields import INT8, InstantInput
from servicekit.inputs import Input

BATCH = 1000
AHEAD = timedelta(minutes=5)
"""How far a sender's clock may be ahead of ours."""
DEPTH = 5

Key = Annotated[str, StringConstraints(min_length=1, max_length=40)]
Text = Annotated[str, StringConstraints(max_length=10_000)]
Id = Annotated[str, StringConstraints(min_length=1, max_length=256)]
Scalar = (
    Text
    | Annotated[bool, Field(strict=True)]
    | Annotated[int, Field(strict=True, ge=-INT8, le=INT8)]
    | Annotated[float, AllowInfNan(False)]
)


def _past(value: datetime) -> datetime:
    if value > clock.now() + AHEAD:
        raise ValueError("should not be in the future")
    return value


def _storable(value: dict[str, Any]) -> dict[str, Any]:
    for inner in value.values():
        if isinstance(inner, dict):
            _ensure_storable(inner, 2)
    return value


def _ensure_storable(value: Any, depth: int) -> None:
    """What is nested may be anything that JSON has, which is less than what Python's reader takes."""
    if isinstance(value, dict | list):
        if depth > DEPTH:
            raise ValueError(f"may be nested {DEPTH} deep at most")
        for inner in (*value, *value.values()) if isinstance(value, dict) else value:
            _ensure_storable(inner, depth + 1)
    elif isinstance(value, float) and not isfinite(value):
        raise ValueError("should have finite numbers only")
    elif isinstance(value, str) and not value.isascii() and any("\ud800" <= letter <= "\udfff" for letter in value):
        raise ValueError("should have valid Unicode only")


class Cost(Input):
    """What an event cost the merchant: minor units, with fractions."""

    amount: Annotated[Decimal, Field(max_digits=17, decimal_places=12)]
    currency: Annotated[str, StringConstraints(to_lower=True, pattern=r"^[A-Za-z]{3}$")]


class Llm(Input):
    """What a language model was asked and answered, in tokens."""

    vendor: Text
    model: Text
    prompt: Text | None = None
    response: Text | None = None
    input_tokens: Annotated[int, Field(strict=True, ge=0, le=INT8)]
    cached_input_tokens: Annotated[int, Field(strict=True, ge=0, le=INT8)] | None = None
    output_tokens: Annotated[int, Field(strict=True, ge=0, le=INT8)]
    total_tokens: Annotated[int, Field(strict=True, ge=0, le=INT8)]


def _reserved(value: dict[str, Any]) -> dict[str, Any]:
    """`_cost` and `_llm` have a form of their own."""
    if "_cost" not in value and "_llm" not in value:
        return value
    kept = dict(value)
    if "_cost" in value:
        kept["_cost"] = Cost.model_validate(value["_cost"]).model_dump(mode="json")
    if "_llm" in value:
        kept["_llm"] = Llm.model_validate(value["_llm"]).model_dump(mode="json", exclude_none=True)
    return kept


EventMetadata = Annotated[
    dict[Key, Scalar | dict[Key, Any]], at_most(50), AfterValidator(_storable), AfterValidator(_reserved)
]


class EventCreate(Input):
    """Something a customer used; the customer by `customer_id`, or by the merchant's own id."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=128)]
    timestamp: Annotated[InstantInput, AfterValidator(_past)] | None = None
    organization_id: UUID | None = None
    external_id: Id | None = None
    parent_id: Id | None = None
    """The id, or the external id, of an event that this one is part of."""
    customer_id: UUID | None = None
    external_customer_id: Id | None = None
    member_id: UUID | None = None
    external_member_id: Id | None = None
    metadata: EventMetadata = {}

    @model_validator(mode="after")
    def _names_one_customer(self) -> "EventCreate":
        if (self.customer_id is None) == (self.external_customer_id is None):
            raise ValueError("either customer_id or external_customer_id is required")
        return self


class EventsIngest(Input):
    """A batch. All of it is taken, or (when one event is not valid) nothing."""

    events: Annotated[list[EventCreate], Field(max_length=BATCH)]


class EventsIngestResponse(BaseModel):
    """How many events were new, and how many were known by their `external_id`."""

    inserted: int
    duplicates: int


class EventRead(BaseModel):
    """An event."""

    id: UUID
    timestamp: Instant
    organization_id: UUID
    customer_id: UUID | None
    customer: Customer | None
    external_customer_id: str | None
    member_id: UUID | None
    external_member_id: str | None
    external_id: str | None
    child_count: int
    parent_id: UUID | None
    label: str
    name: str
    source: str
    metadata: dict[str, Any]
