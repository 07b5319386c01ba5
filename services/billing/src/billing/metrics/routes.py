"""`/v1/metrics/` and `/v1/metrics/dashboards`"""

from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Depends, Query, Response
from pricing.currencies import CurrencyCode
from servicekit.auth import Principal, allow
from servicekit.errors import ResourceNotFound, responses
from servicekit.exports import CSVResponse, TimeZone
from servicekit.routing import ResourceRouter, SessionOf

from billing.metrics import dashboards, operations
from billing.metrics.buckets import Interval, cut
from billing.metrics.dashboards import TooManyDashboards
from billing.metrics.definitions import Slug
from billing.metrics.operations import Wish
from billing.metrics.queries import Narrowed
from billing.metrics.schemas import (
    LIMITS,
    MetricDashboardCreate,
    MetricDashboardSchema,
    MetricDashboardUpdate,
    MetricsLimits,
    MetricsResponse,
)

router = ResourceRouter("/metrics", "metrics")
Reader = Annotated[Principal, allow("metrics:read", "metrics:write")]
Writer = Annotated[Principal, allow("metrics:write")]
Ids = Annotated[list[UUID] | None, Query()]
NOT_FOUND: Any = responses(ResourceNotFound)


async def _wish(
    start_date: Annotated[date, Query(description="The first date, in the time zone.")],
    end_date: Annotated[date, Query(description="The last date, which is included.")],
    interval: Interval,
    timezone: TimeZone = "UTC",
    organization_id: Ids = None,
    product_id: Ids = None,
    billing_type: Annotated[list[Literal["one_time", "recurring"]] | None, Query()] = None,
    customer_id: Ids = None,
    metrics: Annotated[list[Slug] | None, Query(description="Only these; all of them where it is absent.")] = None,
    currency: Annotated[
        CurrencyCode | None,
        Query(description="Of the money. By default the only one there is, else the organization's."),
    ] = None,
) -> Wish:
    kinds = set(billing_type or ())
    is_recurring = kinds == {"recurring"} if len(kinds) == 1 else None
    narrowed = Narrowed(organization_id, product_id, customer_id, is_recurring)
    return Wish(cut(start_date, end_date, interval, timezone), timezone, narrowed, metrics, currency)


Asked = Annotated[Wish, Depends(_wish)]


@router.get("/", name="get", response_model=MetricsResponse)
async def get_metrics(session: SessionOf, principal: Reader, wish: Asked) -> Response:
    """Gets metrics of orders, subscriptions and checkouts, by hours, days, weeks, months or years of a time zone.

    Money is in minor units of one `currency`.
    """
    answer = await operations.get(session, principal, wish)
    return Response(answer.model_dump_json(exclude_unset=True), media_type="application/json")


@router.get("/export", name="export", response_class=CSVResponse)
async def export_metrics(session: SessionOf, principal: Reader, wish: Asked) -> CSVResponse:
    """Exports metrics as CSV: a line for each period, money in major units (29.00)."""
    return await operations.export(session, principal, wish)


@router.get("/limits", name="limits")
async def limits(principal: Reader) -> MetricsLimits:
    """Gets the ranges that each interval may cover."""
    return LIMITS


@router.get("/dashboards", name="list_dashboards")
async def list_dashboards(
    session: SessionOf, principal: Reader, organization_id: Ids = None
) -> list[MetricDashboardSchema]:
    """Lists dashboards."""
    found = await dashboards.list_dashboards(session, principal, organization_id)
    return [MetricDashboardSchema.model_validate(dashboard) for dashboard in found]


@router.post("/dashboards", name="create_dashboard", status_code=201, responses=responses(TooManyDashboards))
async def create_dashboard(
    session: SessionOf, principal: Writer, dashboard: MetricDashboardCreate
) -> MetricDashboardSchema:
    """Creates a dashboard."""
    return MetricDashboardSchema.model_validate(await dashboards.create(session, principal, dashboard))


@router.get("/dashboards/{id}", name="get_dashboard", responses=NOT_FOUND)
async def get_dashboard(id: UUID, session: SessionOf, principal: Reader) -> MetricDashboardSchema:
    """Gets a dashboard."""
    return MetricDashboardSchema.model_validate(await dashboards.get(session, principal, id))


@router.patch("/dashboards/{id}", name="update_dashboard", responses=NOT_FOUND)
async def update_dashboard(
    id: UUID, session: SessionOf, principal: Writer, changes: MetricDashboardUpdate
) -> MetricDashboardSchema:
    """Changes a dashboard."""
    return MetricDashboardSchema.model_validate(await dashboards.update(session, principal, id, changes))


@router.delete("/dashboards/{id}", name="delete_dashboard", status_code=204, responses=NOT_FOUND)
async def delete_dashboard(id: UUID, session: SessionOf, principal: Writer) -> None:
    """Deletes a dashboard."""
    await dashboards.delete(session, principal, id)
