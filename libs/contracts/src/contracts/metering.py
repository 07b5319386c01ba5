"""What the metering service says. Ingested usage is not told of: it would flood the bus."""

from typing import Annotated, Any, ClassVar
from uuid import UUID

from contracts.event import Event, Instant, Metadata, OneOf, Shape
from contracts.projections import Digest, Drift, Replay
from contracts.test_clocks import ClockReport


class Meter(Shape):
    """What is counted of usage: which events (`filter`), and how (`aggregation`)."""

    id: UUID
    created_at: Instant
    modified_at: Instant | None
    organization_id: UUID
    metadata: Metadata
    name: str
    unit: Annotated[str, OneOf("scalar", "token", "custom")]
    custom_label: str | None
    custom_multiplier: int | None
    filter: dict[str, Any]
    aggregation: dict[str, Any]
    archived_at: Instant | None


class MeterCreatedV1(Event[Meter]):
    """Prices can be rated by a meter from now on."""

    name: ClassVar[str] = "meter.created"
    source: ClassVar[str] = "/metering"
    public: ClassVar[bool] = False


class MeterUpdatedV1(Event[Meter]):
    """A meter changed, or was archived."""

    name: ClassVar[str] = "meter.updated"
    source: ClassVar[str] = "/metering"
    public: ClassVar[bool] = False


class MeterDigestedV1(Event[Digest]):
    """What this service has of its meters, for those who keep copies."""

    name: ClassVar[str] = "meter.digested"
    source: ClassVar[str] = "/metering"
    public: ClassVar[bool] = False


class MeterReplayedV1(Event[Replay]):
    """The meters whose copies differed at one consumer, told again."""

    name: ClassVar[str] = "meter.replayed"
    source: ClassVar[str] = "/metering"
    public: ClassVar[bool] = False


class MeteringDriftedV1(Event[Drift]):
    """What this service keeps a copy of is not as its owner's digest says."""

    name: ClassVar[str] = "metering.drifted"
    source: ClassVar[str] = "/metering"
    public: ClassVar[bool] = False


class MeteringClockReportedV1(Event[ClockReport]):
    """What this service has done, and has still to do, at the instant of an organization's test clock."""

    name: ClassVar[str] = "metering.clock_reported"
    source: ClassVar[str] = "/metering"
    public: ClassVar[bool] = False
