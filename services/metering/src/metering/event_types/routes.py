"""`/v1/event-types/`"""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import Query
from servicekit.auth import Principal, allow
from servicekit.errors import ResourceNotFound, responses
from servicekit.lists import ListResource, PageQuery, Sorting, sorted_by
from servicekit.routing import ResourceRouter, SessionOf

from metering.event_types import operations, queries
from metering.event_types.queries import TypeFilter
from metering.event_types.schemas import EventTypeRead, EventTypeUpdate, EventTypeWithStats

router = ResourceRouter("/event-types", "event_types")
Reader = Annotated[Principal, allow("events:read", "events:write")]
Writer = Annotated[Principal, allow("events:write")]
Ids = Annotated[list[UUID] | None, Query()]


@router.get("/", name="list")
async def list_types(
    session: SessionOf,
    principal: Reader,
    page: PageQuery,
    sorting: Annotated[Sorting, sorted_by(*queries.TYPE_COLUMNS, default="-last_seen")],
    organization_id: Ids = None,
    customer_id: Ids = None,
    external_customer_id: Annotated[list[str] | None, Query()] = None,
    query: Annotated[str | None, Query(max_length=200, description="In name and label.")] = None,
    root_events: bool = False,
    parent_id: UUID | None = None,
    source: Literal["system", "user"] | None = None,
) -> ListResource[EventTypeWithStats]:
    """Lists the types of events."""
    sources = [source] if source else None
    wanted = TypeFilter(organization_id, customer_id, external_customer_id, sources, query, root_events, parent_id)
    types, total = await queries.list_types(session, principal, wanted, page, sorting)
    return page.of([EventTypeWithStats.model_validate(found) for found in types], total)


@router.patch("/{id}", name="update", responses=responses(ResourceNotFound))
async def update(id: UUID, session: SessionOf, principal: Writer, changes: EventTypeUpdate) -> EventTypeRead:
    """Labels a type of events."""
    return EventTypeRead.model_validate(await operations.update(session, principal, id, changes))
