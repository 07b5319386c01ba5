"""Benefits as the API shows and takes them; the properties of each type."""

from typing import Annotated, Any, Literal
from uuid import UUID

from contracts import benefits as contracts
from pydantic import BaseModel, Field, StringConstraints, model_validator
from servicekit.fields import MetadataInput

Description = Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=42)]
Prefix = Annotated[str, StringConstraints(strip_whitespace=True, max_length=32, pattern=r"^[A-Za-z0-9_-]*$")]
Visibility = Literal["draft", "private", "public"]


class CustomProperties(BaseModel):
    """A custom benefit: a note that only its holders see."""

    note: Annotated[str, StringConstraints(max_length=5000)] | None = None


class LicenseKeyExpiration(BaseModel):
    """After how long a key ends."""

    ttl: int = Field(strict=True, ge=1, le=1000)
    timeframe: Literal["year", "month", "day"]


class LicenseKeyActivations(BaseModel):
    """On how many machines a key may be active at once."""

    limit: int = Field(strict=True, ge=1, le=1000)
    enable_customer_admin: bool = True


class LicenseKeysProperties(BaseModel):
    """License keys: how they look, how long they last, and how often they may be used."""

    prefix: Prefix | None = None
    expires: LicenseKeyExpiration | None = None
    activations: LicenseKeyActivations | None = None
    limit_usage: int | None = Field(default=None, strict=True, ge=1, le=2**31 - 1)


class DownloadablesProperties(BaseModel):
    """Files that its holders download; those that are archived are kept, and given no more."""

    files: Annotated[list[UUID], Field(min_length=1, max_length=100)]
    archived: dict[UUID, bool] = {}

    @model_validator(mode="after")
    def _archives_its_own(self) -> "DownloadablesProperties":
        if len(set(self.files)) < len(self.files):
            raise ValueError("every file can be given once")
        if not set(self.archived) <= set(self.files):
            raise ValueError("only files of the benefit can be archived")
        return self


class FeatureFlagProperties(BaseModel):
    """A feature that the merchant's software turns on for whoever holds the benefit."""


PROPERTIES: dict[str, type[BaseModel]] = {
    "custom": CustomProperties,
    "license_keys": LicenseKeysProperties,
    "downloadables": DownloadablesProperties,
    "feature_flag": FeatureFlagProperties,
}
Type = Literal["custom", "license_keys", "license_key", "downloadables", "feature_flag"]


class BenefitCreate(BaseModel):
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


class BenefitUpdate(BaseModel):
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
