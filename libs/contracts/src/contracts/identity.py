"""What the identity service says."""

from typing import ClassVar
from uuid import UUID

from contracts.event import Event, Instant, Shape
from contracts.projections import Digest, Replay


class Organization(Shape):
    """A seller: the tenant that owns every other resource."""

    id: UUID
    created_at: Instant
    modified_at: Instant | None
    name: str
    slug: str
    avatar_url: str | None
    email: str | None
    website: str | None


class OrganizationCreatedV1(Event[Organization]):
    """An organization can sell from now on."""

    name: ClassVar[str] = "organization.created"
    source: ClassVar[str] = "/identity"
    public: ClassVar[bool] = False


class OrganizationUpdatedV1(Event[Organization]):
    """An organization changed its profile."""

    name: ClassVar[str] = "organization.updated"
    source: ClassVar[str] = "/identity"


class OrganizationDigestedV1(Event[Digest]):
    """What this service has of its organizations, for those who keep copies."""

    name: ClassVar[str] = "organization.digested"
    source: ClassVar[str] = "/identity"
    public: ClassVar[bool] = False


class OrganizationReplayedV1(Event[Replay]):
    """The organizations whose copies differed at one consumer, told again."""

    name: ClassVar[str] = "organization.replayed"
    source: ClassVar[str] = "/identity"
    public: ClassVar[bool] = False
