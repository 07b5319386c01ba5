"""Benefits as the API shows and takes them; the properties of each type stand with its strategy."""

from typing import Annotated, Any, Literal
from uuid import UUID

from contracts import benefits as contracts
from pydantic import StringConstraints, model_validator
from servicekit.fields import MetadataInput
from servicekit.inputs import Input

Description = Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=42)]
Visibility = Literal["draft", "private", "public"]


Type = Literal[
    "custom",
    "license_keys",
    "license_key",
    "downloadables",
    "feature_flag",
    "meter_credit",
    "github_repository",
    "discord",
    "slack_shared_channel",
]


class BenefitCreate(Input):
    """A new benefit. `license_key` is understood as `license_keys`."""

    type: Type
    description: Description
    properties: dict[str, Any] = {}
    visibility: Visibility = "public"
    metadata: MetadataInput = {}
    organization_id: UUID | None = None

    @model_validator(mode="after")
    def _known_type(self) -> "BenefitCreate":
        if self.type == "license_key":
            self.type = "license_keys"
        return self


class BenefitUpdate(Input):
    """What may change; the type stays (it may be named)."""

    type: Type | None = None
    description: Description | None = None
    properties: dict[str, Any] | None = None
    visibility: Visibility | None = None
    metadata: MetadataInput | None = None


class BenefitRead(contracts.Benefit):
    """A benefit."""

    @classmethod
    def of(cls, benefit: contracts.Benefit) -> "BenefitRead":
        """The public shape as an answer."""
        return cls.model_validate(benefit.model_dump(), context={"tolerant": True})
