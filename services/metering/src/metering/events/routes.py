"""`/v1/events/`: usage is sent in batches, and listed."""

import json
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Query
from pydantic import ValidationError
from servicekit.auth import Principal, allow
from servicekit.errors import InvalidInput, ResourceNotFound, responses
from servicekit.fields import InstantInput
from servicekit.inputs import NotBuilt
from servicekit.lists import ListResource, MetadataQuery, PageQuery, Sorting, sorted_by
from servicekit.routing import ResourceRouter, SessionOf

from metering.event_types import queries as event_types
from metering.event_types.schemas import EventNameRead
from metering.events import operations, queries
from metering.events.queries import EventFilter
from metering.events.schemas import EventRead, EventsIngest, EventsIngestResponse
from metering.meters import operations as meters
from metering.meters.filters import Filter, matches

router = ResourceRouter("/events", "events")
Reader = Annotated[Principal, allow("events:read", "events:write")]
Writer = Annotated[Principal, allow("events:write")]
Ids = Annotated[list[UUID] | None, Query()]
Words = Annotated[list[str] | None, Query()]
Source = Literal["system", "user"]


@router.post("/ingest", name="ingest")
async def ingest(session: SessionOf, principal: Writer, batch: EventsIngest) -> EventsIngestResponse:
    """Takes in up to 1,000 events; those whose `external_id` is known are left out and counted."""
    return await operations.ingest(session, principal, batch.events)


@router.get("/", name="list", responses=responses(ResourceNotFound))
async def list_events(
    session: SessionOf,
    principal: Reader,
    page: PageQuery,
    sorting: Annotated[Sorting, sorted_by(*queries.COLUMNS, default="-timestamp")],
    metadata: MetadataQuery,
    filter: Annotated[str | None, Query(max_length=4_000, description="A meter's filter, as JSON.")] = None,
    start_timestamp: InstantInput | None = None,
    end_timestamp: InstantInput | None = None,
    organization_id: Ids = None,
    customer_id: Ids = None,
    external_customer_id: Words = None,
    meter_id: UUID | None = None,
    name: Words = None,
    source: Annotated[list[Source] | None, Query()] = None,
    query: Annotated[str | None, Query(max_length=200, description="In the name.")] = None,
    parent_id: UUID | None = None,
    hierarchical: NotBuilt = False,
) -> ListResource[EventRead]:
    """Lists usage events."""
    matching = matches(_filter(filter)) if filter else None
    if meter_id is not None:
        of_meter = matches((await meters.get(session, principal, meter_id)).rule)
        matching = of_meter if matching is None else matching & of_meter
    wanted = EventFilter(
        organization_id, customer_id, external_customer_id, name, source, start_timestamp, end_timestamp, parent_id,
        query, matching, metadata,
    )  # fmt: skip
    events, total = await queries.list_events(session, principal, wanted, page, sorting)
    return page.of(events, total)


@router.get("/names", name="list_names")
async def list_names(
    session: SessionOf,
    principal: Reader,
    page: PageQuery,
    sorting: Annotated[Sorting, sorted_by(*event_types.NAME_COLUMNS, default="-last_seen")],
    organization_id: Ids = None,
    customer_id: Ids = None,
    external_customer_id: Words = None,
    source: Annotated[list[Source] | None, Query()] = None,
    query: Annotated[str | None, Query(max_length=200, description="In the name.")] = None,
) -> ListResource[EventNameRead]:
    """Lists the names of events, with how often and when they were seen."""
    wanted = event_types.TypeFilter(organization_id, customer_id, external_customer_id, source, query)
    names, total = await event_types.list_types(session, principal, wanted, page, sorting)
    return page.of([EventNameRead.model_validate(name) for name in names], total)


@router.get("/{id}", name="get", responses=responses(ResourceNotFound))
async def get(id: UUID, session: SessionOf, principal: Reader) -> EventRead:
    """Gets an event."""
    return await operations.get(session, principal, id)


def _filter(given: str) -> Filter:
    try:
        return Filter.model_validate(json.loads(given))
    except (ValidationError, ValueError, RecursionError):
        raise InvalidInput(("query", "filter"), "is not a filter: conjunction and clauses, as JSON") from None
