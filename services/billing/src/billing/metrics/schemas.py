"""Metrics and dashboards as the API shows and takes them. Both dialects have the same shapes."""

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from contracts.event import Instant
from pricing.currencies import CurrencyCode
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, create_model
from servicekit.inputs import Input

from billing.metrics.buckets import FEWEST, FIRST, MOST
from billing.metrics.definitions import METRICS, Slug, Unit

MAX_METRICS = 10
"""In a dashboard."""


class Metric(BaseModel):
    """What a metric is called, and the unit of its values: `currency` is integer minor units."""

    slug: str
    display_name: str
    type: Unit


class _Metrics(BaseModel):
    """The metrics that were asked for."""


class _MetricPeriod(BaseModel):
    """A bucket, by the instant at which its hour, day, week, month or year begins, and each metric's value in it."""

    timestamp: Instant


class _MetricsTotals(BaseModel):
    """Each metric over the whole range: a sum of what happened, the last value of what is, or a quotient of sums."""


_VALUES: Any = {slug.value: (int | float | None, None) for slug in Slug}
_METRICS: Any = {slug.value: (Metric | None, None) for slug in Slug}
MetricPeriod = create_model("MetricPeriod", __base__=_MetricPeriod, **_VALUES)
MetricsTotals = create_model("MetricsTotals", __base__=_MetricsTotals, **_VALUES)
Metrics = create_model("Metrics", __base__=_Metrics, **_METRICS)


class MetricsResponse(BaseModel):
    """Metrics by bucket and in all. Money is of one `currency`; `other_currencies` have some that is left out of it."""

    periods: list[MetricPeriod]
    totals: MetricsTotals
    metrics: Metrics
    currency: CurrencyCode
    other_currencies: list[str]


class MetricsIntervalLimit(BaseModel):
    """How many days a range should (`min_days`) and may (`max_days`) cover, from its first to its last date."""

    min_days: int
    max_days: int


class MetricsIntervalsLimits(BaseModel):
    """The limits of each interval."""

    hour: MetricsIntervalLimit
    day: MetricsIntervalLimit
    week: MetricsIntervalLimit
    month: MetricsIntervalLimit
    year: MetricsIntervalLimit


class MetricsLimits(BaseModel):
    """The ranges for which there are metrics."""

    min_date: date
    intervals: MetricsIntervalsLimits


LIMITS = MetricsLimits.model_validate(
    {
        "min_date": FIRST,
        "intervals": {
            interval: {"min_days": FEWEST[interval], "max_days": days} for interval, days in MOST.items()
        },
    }
)  # fmt: skip

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=255)]
Chosen = Annotated[list[Slug], Field(max_length=MAX_METRICS)]


class MetricDashboardCreate(Input):
    """A dashboard: up to ten metrics, shown in this order."""

    name: Name
    metrics: Chosen = []
    organization_id: UUID | None = None


class MetricDashboardUpdate(Input):
    """What changes of a dashboard; what is absent or null stays."""

    name: Name | None = None
    metrics: Chosen | None = None


class MetricDashboardSchema(BaseModel):
    """A dashboard that a merchant put together."""

    model_config = ConfigDict(from_attributes=True)

    created_at: Instant
    modified_at: Instant | None
    id: UUID
    name: str
    metrics: list[str]
    organization_id: UUID


def described(slugs: list[Slug]) -> Any:
    """What the metrics are."""
    return {
        slug.value: Metric(slug=slug.value, display_name=METRICS[slug].display_name, type=METRICS[slug].unit)
        for slug in slugs
    }
