"""Organization access tokens as the API shows and takes them."""

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from contracts.event import Instant
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from servicekit.inputs import Input

from identity.organization_access_tokens.scopes import FOR_ORGANIZATIONS


def _known(scopes: list[str]) -> list[str]:
    unknown = sorted(set(scopes) - FOR_ORGANIZATIONS)
    if unknown:
        raise ValueError(f"unknown scopes: {', '.join(unknown)}")
    return sorted(set(scopes))


def _positive(value: timedelta) -> timedelta:
    if not timedelta() < value <= timedelta(days=3650):
        raise ValueError("should be between a second and ten years")
    return value


Comment = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=256)]
Scopes = Annotated[list[str], Field(min_length=1, max_length=200), AfterValidator(_known)]


class OrganizationAccessTokenCreate(Input):
    """A new token. `expires_in` is an ISO 8601 duration (`P30D`) or seconds; without it the token does not expire."""

    organization_id: UUID | None = None
    comment: Comment
    scopes: Scopes
    expires_in: Annotated[timedelta, AfterValidator(_positive)] | None = None


class OrganizationAccessTokenUpdate(Input):
    """What may be changed; what is absent stays."""

    comment: Comment | None = None
    scopes: Scopes | None = None


class OrganizationAccessTokenRead(BaseModel):
    """A token, without its text."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    created_at: Instant
    modified_at: Instant | None
    organization_id: UUID
    comment: str
    scopes: list[str]
    expires_at: Instant | None
    last_used_at: Instant | None
    """To the minute."""


class OrganizationAccessTokenCreated(BaseModel):
    """A new token with its text, which is shown this once."""

    organization_access_token: OrganizationAccessTokenRead
    token: str
