"""Usage events as the API shows and takes them."""

from datetime import datetime, timedelta
from decimal import Decimal
from math import isfinite
from typing import Annotated, Any
from uuid import UUID

from contracts.billing import Customer
from contracts.event import Instant
from pydantic import (
    AfterValidator,
    AllowInfNan,
    BaseModel,
    BeforeValidator,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError
from servicekit import clock
from servicekit.bodies import at_most, ensure_at_most
from servicekit.errors import MAX_PROBLEMS
from servicekit.fields import INT8, InstantInput
from servicekit.inputs import Input

BATCH = 1000
AHEAD = timedelta(minutes=5)
"""How far a sender's clock may be ahead of ours."""
DEPTH = 5
KEY = 40
"""Letters of a name in an event's metadata."""
NAMES = 50
"""Names of an event's own fields, of its metadata, or of a part with a form of its own."""

Key = Annotated[str, StringConstraints(min_length=1, max_length=KEY)]
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
    elif isinstance(value, str) and not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise ValueError("should have valid Unicode only") from None


def _named(value: Any) -> Any:
    """Refuses an object by its first bad name: it may have a hundred thousand, and each would be a problem."""
    if isinstance(value, dict) and not all(isinstance(name, str) and 0 < len(name) <= KEY for name in value):
        raise ValueError(f"names should have 1 to {KEY} letters")
    return value


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
        kept["_cost"] = Cost.model_validate(ensure_at_most(value["_cost"], NAMES)).model_dump(mode="json")
    if "_llm" in value:
        llm = Llm.model_validate(ensure_at_most(value["_llm"], NAMES))
        kept["_llm"] = llm.model_dump(mode="json", exclude_none=True)
    return kept


Part = Annotated[dict[Key, Any], BeforeValidator(_named)]
EventMetadata = Annotated[
    dict[Key, Scalar | Part], at_most(NAMES), AfterValidator(_storable), AfterValidator(_reserved)
]


class _Bounded(Input):
    """Refuses many unknown fields as one: ten megabytes have a hundred thousand."""

    @model_validator(mode="before")
    @classmethod
    def _has_few_fields(cls, value: Any) -> Any:
        return ensure_at_most(value, NAMES)


class EventCreate(_Bounded):
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


_EVENT = TypeAdapter(EventCreate)


def _few_problems(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    """Names what is wrong with a batch event by event, until there are as many problems as an answer has.

    A batch with one that is not valid is looked at once more: all problems at once may be a quarter of a million.
    """
    try:
        return handler(value)
    except ValidationError as refused:
        first = refused
    if not isinstance(value, list) or len(value) > BATCH:
        raise first
    problems: list[InitErrorDetails] = []
    for index, event in enumerate(value):
        try:
            _EVENT.validate_python(event)
        except ValidationError as refusal:
            for one in refusal.errors(include_url=False):
                kind = PydanticCustomError(one["type"], one["msg"])
                problems.append(InitErrorDetails(type=kind, loc=(index, *one["loc"]), input=one["input"]))
        if len(problems) >= MAX_PROBLEMS:
            break
    raise ValidationError.from_exception_data("events", problems) if problems else first


class EventsIngest(_Bounded):
    """A batch. All of it is taken, or (when one event is not valid) nothing."""

    events: Annotated[list[EventCreate], Field(max_length=BATCH, fail_fast=True), WrapValidator(_few_problems)]


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
