"""What the catalog service says."""

from typing import Annotated, Any, ClassVar
from uuid import UUID

from contracts.event import Event, Instant, Metadata, OneOf, Shape
from contracts.projections import Digest, Drift, Replay
from contracts.test_clocks import ClockReport

Interval = Annotated[str, OneOf("day", "week", "month", "year")]


class Price(Shape):
    """How a product is charged. Amounts are integer minor units of `price_currency` (lower-case ISO 4217)."""

    id: UUID
    created_at: Instant
    modified_at: Instant | None
    source: Annotated[str, OneOf("catalog", "ad_hoc")]
    amount_type: Annotated[str, OneOf("fixed", "custom", "seat_based", "unit_based", "metered_unit", "metered_tiers")]
    price_currency: str
    tax_behavior: Annotated[str, OneOf("location", "inclusive", "exclusive")] | None
    is_archived: bool
    product_id: UUID
    price_amount: int | None = None
    """Set on fixed prices; 0 is free."""
    minimum_amount: int | None = None
    """Set on custom prices: the least that a buyer may choose; 0 lets them take it for nothing."""
    maximum_amount: int | None = None
    """On custom prices, the most that a buyer may choose."""
    preset_amount: int | None = None
    """On custom prices, what is proposed to the buyer."""
    seat_tiers: dict[str, Any] | None = None
    """On seat-based prices: `seat_tier_type`, `tiers` (min_seats, max_seats, price_per_seat), and their ends."""
    tiers: dict[str, Any] | None = None
    """On unit-based and metered prices: `type` and `tiers` (bound, unit_amount as a decimal of minor units)."""
    minimum_units: int | None = None
    maximum_units: int | None = None
    unit_label: dict[str, Any] | None = None
    meter_id: UUID | None = None
    """Set on metered prices; `meter` is what the price shows of it."""
    meter: dict[str, Any] | None = None
    unit_amount: str | None = None
    """On prices per metered unit: a decimal of minor units."""
    cap_amount: int | None = None
    """On metered prices, the most that a period costs, in minor units."""


class ProductBenefit(Shape):
    """A benefit as its product shows it: the public shape of a benefit (see `contracts.benefits.Benefit`)."""

    id: UUID
    created_at: Instant
    modified_at: Instant | None
    type: str
    description: str
    selectable: bool
    deletable: bool
    is_deleted: bool
    organization_id: UUID
    metadata: Metadata
    visibility: str
    visibility_configurable: bool
    properties: dict[str, Any]


class Product(Shape):
    """Something that is sold, once or as a subscription."""

    id: UUID
    created_at: Instant
    modified_at: Instant | None
    trial_interval: Interval | None
    trial_interval_count: int | None
    name: str
    description: str | None
    visibility: Annotated[str, OneOf("draft", "private", "public")]
    recurring_interval: Interval | None
    recurring_interval_count: int | None
    meter_interval: Interval | None
    meter_interval_count: int | None
    is_recurring: bool
    is_archived: bool
    is_deletable: bool
    organization_id: UUID
    metadata: Metadata
    prices: list[Price]
    """The prices on sale, in the order in which they were given."""
    archived_prices: list[Price]
    """Prices of earlier times, which old subscriptions still have."""
    benefits: list[ProductBenefit]
    medias: list[dict[str, Any]]
    attached_custom_fields: list[dict[str, Any]]
    is_deleted: bool = False


class File(Shape):
    """What was uploaded: a picture that everybody sees (`public_url`), or what buyers download."""

    id: UUID
    created_at: Instant
    modified_at: Instant | None
    organization_id: UUID
    name: str
    path: str
    mime_type: str
    size: int
    """In bytes."""
    size_readable: str
    storage_version: str | None
    checksum_etag: str | None
    checksum_sha256_base64: str | None
    checksum_sha256_hex: str | None
    last_modified_at: Instant | None
    version: str | None
    service: Annotated[str, OneOf("downloadable", "product_media", "organization_avatar", "support_case_attachment")]
    is_uploaded: bool
    is_deleted: bool
    flagged_malicious_at: Instant | None
    public_url: str | None


class ProductCreatedV1(Event[Product]):
    """A product exists."""

    name: ClassVar[str] = "product.created"
    source: ClassVar[str] = "/catalog"


class ProductUpdatedV1(Event[Product]):
    """A product, its prices or its benefits changed."""

    name: ClassVar[str] = "product.updated"
    source: ClassVar[str] = "/catalog"


class FileUploadedV1(Event[File]):
    """A file can be used from now on."""

    name: ClassVar[str] = "file.uploaded"
    source: ClassVar[str] = "/catalog"
    public: ClassVar[bool] = False


class FileUpdatedV1(Event[File]):
    """A file got another name or version, or was deleted (`is_deleted`)."""

    name: ClassVar[str] = "file.updated"
    source: ClassVar[str] = "/catalog"
    public: ClassVar[bool] = False


class FileDigestedV1(Event[Digest]):
    """What this service has of its files, for those who keep copies."""

    name: ClassVar[str] = "file.digested"
    source: ClassVar[str] = "/catalog"
    public: ClassVar[bool] = False


class FileReplayedV1(Event[Replay]):
    """The files whose copies differed at one consumer, told again."""

    name: ClassVar[str] = "file.replayed"
    source: ClassVar[str] = "/catalog"
    public: ClassVar[bool] = False


class ProductDigestedV1(Event[Digest]):
    """What this service has of its products, for those who keep copies."""

    name: ClassVar[str] = "product.digested"
    source: ClassVar[str] = "/catalog"
    public: ClassVar[bool] = False


class ProductReplayedV1(Event[Replay]):
    """The products whose copies differed at one consumer, told again."""

    name: ClassVar[str] = "product.replayed"
    source: ClassVar[str] = "/catalog"
    public: ClassVar[bool] = False


class CatalogDriftedV1(Event[Drift]):
    """What this service keeps a copy of is not as its owner's digest says."""

    name: ClassVar[str] = "catalog.drifted"
    source: ClassVar[str] = "/catalog"
    public: ClassVar[bool] = False


class CatalogClockReportedV1(Event[ClockReport]):
    """What this service has done, and has still to do, at the instant of an organization's test clock."""

    name: ClassVar[str] = "catalog.clock_reported"
    source: ClassVar[str] = "/catalog"
    public: ClassVar[bool] = False
