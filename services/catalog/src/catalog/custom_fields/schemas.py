"""Custom fields as the API shows and takes them."""

from typing import Annotated, Any, Literal
from uuid import UUID

from contracts.event import Instant, Metadata
from pydantic import BaseModel, Discriminator, Field, StringConstraints, model_validator
from servicekit.fields import Line, MetadataInput
from servicekit.inputs import Input

Slug = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")
]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=255)]
Length = Annotated[int, Field(strict=True, ge=0, le=10_000)]
Bound = Annotated[int, Field(strict=True, ge=-(2**53), le=2**53)]


class FormProperties(Input):
    """How the question is put."""

    form_label: Line | None = None
    form_help_text: Line | None = None
    form_placeholder: Line | None = None


class TextProperties(FormProperties):
    """A line, or several (`textarea`), of so many characters."""

    textarea: bool | None = None
    min_length: Length | None = None
    max_length: Length | None = None

    @model_validator(mode="after")
    def _in_order(self) -> "TextProperties":
        if self.min_length is not None and self.max_length is not None and self.max_length < self.min_length:
            raise ValueError("max_length should be at least min_length")
        return self


class BoundedProperties(FormProperties):
    """A whole number; or a date, whose bounds are in seconds since 1970 (UTC)."""

    ge: Bound | None = None
    le: Bound | None = None

    @model_validator(mode="after")
    def _in_order(self) -> "BoundedProperties":
        if self.ge is not None and self.le is not None and self.le < self.ge:
            raise ValueError("le should be at least ge")
        return self


class Option(Input):
    """One of the answers."""

    value: Annotated[str, StringConstraints(min_length=1, max_length=255)]
    label: Annotated[str, StringConstraints(min_length=1, max_length=255)]


class SelectProperties(FormProperties):
    """One answer out of a list."""

    options: Annotated[list[Option], Field(min_length=1, max_length=200)]

    @model_validator(mode="after")
    def _distinct(self) -> "SelectProperties":
        if len({option.value for option in self.options}) < len(self.options):
            raise ValueError("every option needs a value of its own")
        return self


class _Create(Input):
    slug: Slug
    name: Name
    organization_id: UUID | None = None
    metadata: MetadataInput = {}


class TextCreate(_Create):
    """A new question that is answered with text."""

    type: Literal["text"]
    properties: TextProperties = TextProperties()


class NumberCreate(_Create):
    """A new question that is answered with a whole number."""

    type: Literal["number"]
    properties: BoundedProperties = BoundedProperties()


class DateCreate(_Create):
    """A new question that is answered with a date."""

    type: Literal["date"]
    properties: BoundedProperties = BoundedProperties()


class CheckboxCreate(_Create):
    """A new box to tick; where it is required it must be ticked."""

    type: Literal["checkbox"]
    properties: FormProperties = FormProperties()


class SelectCreate(_Create):
    """A new question with a list of answers."""

    type: Literal["select"]
    properties: SelectProperties


CustomFieldCreate = Annotated[
    TextCreate | NumberCreate | DateCreate | CheckboxCreate | SelectCreate, Discriminator("type")
]


class _Update(Input):
    slug: Slug | None = None
    name: Name | None = None
    metadata: MetadataInput | None = None


class TextUpdate(_Update):
    """What may change of a text; what is absent stays."""

    type: Literal["text"]
    properties: TextProperties | None = None


class NumberUpdate(_Update):
    """What may change of a number; what is absent stays."""

    type: Literal["number"]
    properties: BoundedProperties | None = None


class DateUpdate(_Update):
    """What may change of a date; what is absent stays."""

    type: Literal["date"]
    properties: BoundedProperties | None = None


class CheckboxUpdate(_Update):
    """What may change of a box; what is absent stays."""

    type: Literal["checkbox"]
    properties: FormProperties | None = None


class SelectUpdate(_Update):
    """What may change of a list of answers; what is absent stays."""

    type: Literal["select"]
    properties: SelectProperties | None = None


CustomFieldUpdate = Annotated[
    TextUpdate | NumberUpdate | DateUpdate | CheckboxUpdate | SelectUpdate, Discriminator("type")
]


class CustomFieldRead(BaseModel):
    """A custom field."""

    id: UUID
    created_at: Instant
    modified_at: Instant | None
    metadata: Metadata
    type: str
    slug: str
    name: str
    organization_id: UUID
    properties: dict[str, Any]
