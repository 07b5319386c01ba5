"""What the benefits service says."""

from typing import Annotated, Any, ClassVar
from uuid import UUID

from contracts.billing import Customer
from contracts.event import Event, Instant, Metadata, OneOf, Shape
from contracts.projections import Digest, Drift, Replay
from contracts.test_clocks import ClockReport

BenefitType = Annotated[
    str,
    OneOf(
        "custom",
        "discord",
        "github_repository",
        "downloadables",
        "license_keys",
        "meter_credit",
        "feature_flag",
        "slack_shared_channel",
    ),
]


class Benefit(Shape):
    """What a product gives its buyer. `properties` depends on `type`."""

    id: UUID
    created_at: Instant
    modified_at: Instant | None
    type: BenefitType
    description: str
    selectable: bool
    deletable: bool
    is_deleted: bool
    organization_id: UUID
    metadata: Metadata
    visibility: Annotated[str, OneOf("draft", "private", "public")]
    visibility_configurable: bool
    properties: dict[str, Any]


class GrantError(Shape):
    """Why a grant could not be fulfilled yet."""

    message: str
    type: str
    timestamp: Instant


class BenefitGrant(Shape):
    """One benefit held by one customer because of an order or a subscription."""

    id: UUID
    created_at: Instant
    modified_at: Instant | None
    organization_id: UUID
    is_granted: bool
    is_revoked: bool
    granted_at: Instant | None
    revoked_at: Instant | None
    subscription_id: UUID | None
    order_id: UUID | None
    customer_id: UUID
    member_id: UUID | None
    benefit_id: UUID
    error: GrantError | None
    customer: Customer
    benefit: Benefit
    properties: dict[str, Any]
    previous_properties: dict[str, Any] | None
    status: Annotated[str, OneOf("pending", "granted", "revoked", "failed")] | None = None


class BenefitCreatedV1(Event[Benefit]):
    """A benefit can be attached to products from now on."""

    name: ClassVar[str] = "benefit.created"
    source: ClassVar[str] = "/benefits"


class BenefitUpdatedV1(Event[Benefit]):
    """A benefit changed, or was deleted (`is_deleted`)."""

    name: ClassVar[str] = "benefit.updated"
    source: ClassVar[str] = "/benefits"


class BenefitGrantCreatedV1(Event[BenefitGrant]):
    """A customer was given a benefit, or is owed one that waits for them (`error`)."""

    name: ClassVar[str] = "benefit_grant.created"
    source: ClassVar[str] = "/benefits"


class BenefitGrantUpdatedV1(Event[BenefitGrant]):
    """A grant changed."""

    name: ClassVar[str] = "benefit_grant.updated"
    source: ClassVar[str] = "/benefits"


class BenefitGrantCycledV1(Event[BenefitGrant]):
    """A grant goes on for another period of its subscription."""

    name: ClassVar[str] = "benefit_grant.cycled"
    source: ClassVar[str] = "/benefits"


class BenefitGrantRevokedV1(Event[BenefitGrant]):
    """A customer lost a benefit."""

    name: ClassVar[str] = "benefit_grant.revoked"
    source: ClassVar[str] = "/benefits"


class BenefitDigestedV1(Event[Digest]):
    """What this service has of its benefits, for those who keep copies."""

    name: ClassVar[str] = "benefit.digested"
    source: ClassVar[str] = "/benefits"
    public: ClassVar[bool] = False


class BenefitReplayedV1(Event[Replay]):
    """The benefits whose copies differed at one consumer, told again."""

    name: ClassVar[str] = "benefit.replayed"
    source: ClassVar[str] = "/benefits"
    public: ClassVar[bool] = False


class BenefitGrantDigestedV1(Event[Digest]):
    """What this service has of its grants, for those who keep copies."""

    name: ClassVar[str] = "benefit_grant.digested"
    source: ClassVar[str] = "/benefits"
    public: ClassVar[bool] = False


class BenefitGrantReplayedV1(Event[Replay]):
    """The grants whose copies differed at one consumer, told again."""

    name: ClassVar[str] = "benefit_grant.replayed"
    source: ClassVar[str] = "/benefits"
    public: ClassVar[bool] = False


class BenefitsDriftedV1(Event[Drift]):
    """What this service keeps a copy of is not as its owner's digest says."""

    name: ClassVar[str] = "benefits.drifted"
    source: ClassVar[str] = "/benefits"
    public: ClassVar[bool] = False


class BenefitsClockReportedV1(Event[ClockReport]):
    """What this service has done, and has still to do, at the instant of an organization's test clock."""

    name: ClassVar[str] = "benefits.clock_reported"
    source: ClassVar[str] = "/benefits"
    public: ClassVar[bool] = False
