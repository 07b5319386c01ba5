"""Endpoints as the API shows and takes them."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from contracts.registry import PUBLIC
from pydantic import AfterValidator, BaseModel, Field, StringConstraints
from servicekit.http import Dialect, present_dialect
from servicekit.inputs import Ignored, Input

ALIASES = {"benefit.granted": "benefit_grant.created", "benefit.revoked": "benefit_grant.revoked"}
"""The names that the documented API uses for events that the SDKs name otherwise."""
QUIET = {"customer_seat.assigned", "customer_seat.claimed", "customer_seat.revoked", "subscription.migrated"}
"""Names that the SDKs know and nothing here says yet: an endpoint may ask for them ahead of time."""
NAMES = sorted({event.name for event in PUBLIC} | QUIET)


def _known(name: str) -> str:
    if name not in NAMES and name not in ALIASES:
        raise ValueError(f"is not an event; they are {', '.join(NAMES)}")
    return name


def _once(names: list[str]) -> list[str]:
    return list(dict.fromkeys(names))


Url = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2083, pattern=r"^https?://[^\s/?#]+")]
EventName = Annotated[str, AfterValidator(_known), Field(json_schema_extra={"examples": NAMES})]
EventNames = Annotated[list[EventName], Field(max_length=100), AfterValidator(_once)]
Name = Annotated[str, StringConstraints(max_length=255)]
Format = Literal["raw", "discord", "slack"]
Version = Literal["2026-04", "2026-10", "2027-01"]


class EndpointCreate(Input):
    """A new endpoint. Its address must be https, and public, in production."""

    url: Url
    name: Name | None = None
    format: Format = "raw"
    events: EventNames
    secret: Ignored = None
    api_version: Version = "2026-10"
    organization_id: UUID | None = None


class EndpointUpdate(Input):
    """What may change."""

    url: Url | None = None
    name: Name | None = None
    format: Format | None = None
    secret: Ignored = None
    events: EventNames | None = None
    api_version: Version | None = None
    enabled: bool | None = None
    held_events: Literal["send", "keep", "skip"] = "keep"
    """What becomes, when it is enabled, of the events that were held while it was disabled: they are sent, or kept
    until they are asked for (`POST /v1/webhooks/redeliveries`), or skipped."""


class SecretReset(Input):
    """How a secret is replaced."""

    overlap_seconds: Annotated[int, Field(ge=0, le=7 * 86400)] = 86400
    """For how long deliveries are signed with the replaced secret too; 0 when it has become known to others."""


class TestWish(Input):
    """What a test speaks of."""

    event_type: EventName | None = None
    """The first that the endpoint asked for, when it is not named."""


class EndpointRead(BaseModel):
    """An endpoint. Its secret is shown when it is made; later only its end."""

    id: UUID
    created_at: datetime
    modified_at: datetime | None
    url: str
    name: str | None
    format: str
    api_version: str
    secret: str
    organization_id: UUID
    events: list[str]
    enabled: bool
    disabled_at: datetime | None
    disabled_reason: str | None
    """Why it was disabled, unless the merchant did it."""
    failures: int
    """Attempts in a row that failed."""
    previous_secret_until: datetime | None
    """Until when deliveries are signed with the replaced secret too."""
    uses_standard_webhook_signature: bool = True


def spoken(names: list[str]) -> list[str]:
    """Event names as the request's dialect has them: the SDKs know no aliases."""
    if present_dialect() is Dialect.SEED:
        return names
    return list(dict.fromkeys(ALIASES.get(name, name) for name in names))
