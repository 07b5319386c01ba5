"""`/v1/meters/`"""

from datetime import timedelta
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Query
from servicekit.auth import Principal, allow
from servicekit.errors import InvalidInput, ResourceNotFound, responses
from servicekit.exports import TimeZone
from servicekit.fields import InstantInput
from servicekit.lists import ListResource, MetadataQuery, PageQuery, Sorting, sorted_by
from servicekit.quotas import QuotaExceeded, QuotasOf
from servicekit.routing import ResourceRouter, SessionOf

from metering.meters import events, operations, queries
from metering.meters.models import Meter
from metering.meters.queries import Counted, Period
from metering.meters.schemas import MeterCreate, MeterQuantities, MeterRead, MeterUpdate

router = ResourceRouter("/meters", "meters")
Reader = Annotated[Principal, allow("meters:read", "meters:write")]
Writer = Annotated[Principal, allow("meters:write")]
Ids = Annotated[list[UUID] | None, Query()]
Step = Literal["hour", "day", "week", "month", "year"]
LONGEST = {"hour": 7, "day": 366, "week": 371, "month": 1460, "year": 3650}
"""In days, for each step (Polar's limits of metrics)."""


@router.get("/", name="list")
async def list_meters(
    session: SessionOf,
    principal: Reader,
    page: PageQuery,
    sorting: Annotated[Sorting, sorted_by(*queries.COLUMNS, default="name")],
    metadata: MetadataQuery,
    organization_id: Ids = None,
    query: Annotated[str | None, Query(max_length=200, description="In the name.")] = None,
    is_archived: bool | None = None,
) -> ListResource[MeterRead]:
    """Lists meters."""
    meters, total = await queries.list_meters(
        session, principal, organization_id, query, is_archived, metadata, page, sorting
    )
    return page.of([_read(meter) for meter in meters], total)


@router.post("/", name="create", status_code=201, responses=responses(QuotaExceeded))
async def create(session: SessionOf, principal: Writer, meter: MeterCreate, quotas: QuotasOf) -> MeterRead:
    """Creates a meter."""
    return _read(await operations.create(session, principal, meter, quotas))


@router.get("/{id}", name="get", responses=responses(ResourceNotFound))
async def get(id: UUID, session: SessionOf, principal: Reader) -> MeterRead:
    """Gets a meter."""
    return _read(await operations.get(session, principal, id))


@router.patch("/{id}", name="update", responses=responses(ResourceNotFound))
async def update(id: UUID, session: SessionOf, principal: Writer, changes: MeterUpdate) -> MeterRead:
    """Changes a meter, or archives it (`is_archived`)."""
    return _read(await operations.update(session, principal, id, changes))


@router.get("/{id}/quantities", name="quantities", responses=responses(ResourceNotFound))
async def quantities(
    id: UUID,
    session: SessionOf,
    principal: Reader,
    metadata: MetadataQuery,
    start_timestamp: InstantInput,
    end_timestamp: InstantInput,
    interval: Step,
    timezone: TimeZone = "UTC",
    customer_id: Ids = None,
    external_customer_id: Annotated[list[str] | None, Query()] = None,
    customer_aggregation_function: Literal["count", "sum", "max", "min", "avg", "unique"] | None = None,
) -> MeterQuantities:
    """Counts with a meter, by hours, days, weeks, months or years, and in all."""
    meter = await operations.get(session, principal, id)
    if end_timestamp <= start_timestamp:
        raise InvalidInput(("query", "end_timestamp"), "should be after start_timestamp")
    if end_timestamp - start_timestamp > timedelta(days=LONGEST[interval]):
        raise InvalidInput(("query", "interval"), f"{interval} covers {LONGEST[interval]} days at most")
    counted = Counted(customer_id, external_customer_id, metadata, customer_aggregation_function)
    period = Period(start_timestamp, end_timestamp, interval, timezone)
    return await queries.quantities(session, principal, meter, counted, period)


def _read(meter: Meter) -> MeterRead:
    return MeterRead.model_validate(events.shape(meter).model_dump())
