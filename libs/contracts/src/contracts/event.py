"""The envelope of every event: CloudEvents 1.0 in its structured JSON form.

The bytes that `Event.to_bytes` returns are stored in the outbox, and they are the same in the queue, in a dead letter
and in a replay. Producers are strict: a field that the contract does not know is refused when the event is built.
Consumers are tolerant: `Event.from_bytes` ignores unknown fields and lets unknown words of an open vocabulary through.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Generic, Literal, Self, TypeVar
from uuid import UUID

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PlainSerializer,
)
from pydantic_core import core_schema

NIL = UUID(int=0)
"""Stands for an identifier that the outbox has not given yet."""


class Shape(BaseModel):
    """Base of everything inside an event's data: unknown fields are refused on the producer's side."""

    model_config = ConfigDict(extra="forbid", from_attributes=True, defer_build=True)


Data = TypeVar("Data", bound=Shape)


def cloud_type_of(routing_key: str) -> str:
    """The CloudEvents `type` of an event by its routing key, also of one that this release does not know."""
    return f"polar.{routing_key}"


@dataclass(frozen=True)
class OneOf:
    """Marks a string out of an open vocabulary: producers may say only `words`, consumers accept any string.

    A new word is therefore a compatible change: a reader that is older than its producer meets it and goes on.
    """

    words: tuple[str, ...]

    def __init__(self, *words: str) -> None:
        object.__setattr__(self, "words", words)

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        """Checks the word unless the reader says in the validation context that it is tolerant."""

        def known(value: str, info: core_schema.ValidationInfo) -> str:
            if value not in self.words and not (info.context or {}).get("tolerant"):
                raise ValueError(f"{value!r} is not one of {', '.join(self.words)}")
            return value

        return core_schema.with_info_after_validator_function(known, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """A string with the known words as examples: the schema stays open."""
        return {**handler(schema), "examples": list(self.words)}


def _utc(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    return value.astimezone(UTC)


Instant = Annotated[datetime, AfterValidator(_utc)]
"""A moment in UTC, written as RFC 3339 with `Z`."""

MetadataValue = str | int | float | bool
Metadata = dict[str, MetadataValue]
"""The merchant's own key-values on a resource (at most 50 keys; Polar's rule)."""

Sequence = Annotated[int, PlainSerializer(lambda number: f"{number:010d}", return_type=str)]
"""A number per source and subject, starting at 1, without gaps; zero-padded on the wire so that it sorts as text."""


class Event(BaseModel, Generic[Data]):
    """One version of one fact. Subclasses name it: `name` in the past tense, `version` from 1.

    `subject` is the resource that the fact is about and `time` the moment it became true. `id`, `sequence`,
    `correlation_id`, `causation_id` and `traceparent` are filled in by the producer's outbox.
    """

    model_config = ConfigDict(populate_by_name=True, extra="forbid", defer_build=True)

    name: ClassVar[str]
    version: ClassVar[int] = 1
    source: ClassVar[str]
    public: ClassVar[bool] = True
    """Whether merchants may receive it as a webhook."""

    specversion: Literal["1.0"] = "1.0"
    id: UUID = NIL
    origin: str = Field(default="", alias="source")
    type: str = ""
    subject: UUID
    time: Instant
    datacontenttype: Literal["application/json"] = "application/json"
    organization_id: UUID = Field(alias="organizationid")
    sequence: Sequence = 0
    correlation_id: UUID = Field(default=NIL, alias="correlationid")
    causation_id: UUID | None = Field(default=None, alias="causationid")
    traceparent: str | None = None
    recorded_time: Instant | None = Field(default=None, alias="recordedtime")
    """When it was recorded, by the machine's clock; `time` is the organization's, which a test clock may move."""
    clock_time: Instant | None = Field(default=None, alias="clocktime")
    """Where the organization's test clock stood, if it has one: what follows from the event happens at that instant."""
    data: Data

    @classmethod
    def routing_key(cls) -> str:
        """`order.paid.v1`: the key on the exchange and the name in the registry."""
        return f"{cls.name}.v{cls.version}"

    @classmethod
    def cloud_type(cls) -> str:
        """The CloudEvents `type`: `polar.order.paid.v1`."""
        return cloud_type_of(cls.routing_key())

    def model_post_init(self, context: Any, /) -> None:
        """Writes the class's own type and source into the envelope where the bytes did not bring them."""
        if not self.type:
            self.type = self.cloud_type()
        if not self.origin:
            self.origin = self.source

    def to_bytes(self) -> bytes:
        """The event as stored and sent: CloudEvents structured JSON in UTF-8."""
        return self.model_dump_json(by_alias=True).encode()

    @classmethod
    def from_bytes(cls, body: bytes) -> Self:
        """Reads an event as a consumer does: unknown fields and unknown words are let through.

        Raises `pydantic.ValidationError` when a field that the contract requires is missing or of another type.
        """
        return cls.model_validate_json(body, extra="ignore", context={"tolerant": True})


EventClass = type[Event[Any]]
