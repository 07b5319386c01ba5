"""What the catalog service says."""

from typing import Annotated, Any, ClassVar
from uuid import UUID

from contracts.event import Event, Instant, Metadata, OneOf, Shape
from contracts.projections import Digest, Drift, Replay

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


class ProductCreatedV1(Event[Product]):
    """A product exists."""

    name: ClassVar[str] = "product.created"
    source: ClassVar[str] = "/catalog"


class ProductUpdatedV1(Event[Product]):
    """A product, its prices or its benefits changed."""

    name: ClassVar[str] = "product.updated"
    source: ClassVar[str] = "/catalog"


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
