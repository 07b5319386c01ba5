"""License keys as the API shows and takes them."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from contracts.billing import Customer
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from servicekit.fields import InstantInput, MetadataInput
from servicekit.inputs import Input

Key = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=255)]
Label = Annotated[str, StringConstraints(min_length=1, max_length=255)]
Count = Annotated[int, Field(strict=True, ge=0, le=2**31 - 1)]


class LicenseKeyValidate(Input):
    """Is this key good, here and now? `increment_usage` counts a use."""

    key: Key
    organization_id: UUID
    activation_id: UUID | None = None
    benefit_id: UUID | None = None
    customer_id: UUID | None = None
    increment_usage: Annotated[int, Field(strict=True, ge=1, le=2**31 - 1)] | None = None
    conditions: MetadataInput = {}


class LicenseKeyActivate(Input):
    """A key is to be used on a machine."""

    key: Key
    organization_id: UUID
    label: Label
    conditions: MetadataInput = {}
    meta: MetadataInput = {}


class LicenseKeyDeactivate(Input):
    """A key is used no more on a machine."""

    key: Key
    organization_id: UUID
    activation_id: UUID


class LicenseKeyUpdate(Input):
    """What a merchant may change."""

    status: Literal["granted", "revoked", "disabled"] | None = None
    usage: Count | None = None
    limit_activations: Annotated[int, Field(strict=True, ge=1, le=1000)] | None = None
    limit_usage: Annotated[int, Field(strict=True, ge=1, le=2**31 - 1)] | None = None
    expires_at: InstantInput | None = None


class Activation(BaseModel):
    """An activation as its key shows it."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    license_key_id: UUID
    label: str
    meta: dict[str, Any]
    created_at: datetime
    modified_at: datetime | None


class LicenseKeyRead(BaseModel):
    """A license key."""

    id: UUID
    created_at: datetime
    modified_at: datetime | None
    organization_id: UUID
    customer_id: UUID
    customer: Customer
    member_id: UUID | None = None
    member: dict[str, Any] | None = None
    benefit_id: UUID
    key: str
    display_key: str
    status: str
    limit_activations: int | None
    usage: int
    limit_usage: int | None
    validations: int
    last_validated_at: datetime | None
    expires_at: datetime | None


class LicenseKeyWithActivations(LicenseKeyRead):
    """A license key and where it is active."""

    activations: list[Activation]


class ValidatedLicenseKey(LicenseKeyRead):
    """A license key that is good, and the activation that it was validated for."""

    activation: Activation | None


class LicenseKeyActivationRead(Activation):
    """An activation and its key."""

    license_key: LicenseKeyRead


class LicenseKeyPublicKey(BaseModel):
    """An organization's Ed25519 key: `public_key` is the base64 of its 32 bytes."""

    organization_id: UUID
    algorithm: Literal["ed25519"] = "ed25519"
    public_key: str
