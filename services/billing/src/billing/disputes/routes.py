"""`/v1/disputes/`"""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import Query, Request
from servicekit.auth import Principal, allow
from servicekit.errors import ResourceNotFound, responses
from servicekit.lists import ListResource, PageQuery, Sorting, sorted_by
from servicekit.routing import ResourceRouter, SessionOf, SessionsOf

from billing.disputes import operations, queries
from billing.disputes.models import DisputeNotOpenError
from billing.disputes.operations import DisputeUnavailable
from billing.disputes.queries import DisputeFilter
from billing.disputes.schemas import DisputeRead

router = ResourceRouter("/disputes", "disputes")
Reader = Annotated[Principal, allow("disputes:read", "disputes:write")]
Writer = Annotated[Principal, allow("disputes:write")]
Ids = Annotated[list[UUID] | None, Query()]
DisputeStatus = Literal["prevented", "early_warning", "needs_response", "under_review", "lost", "won"]


@router.get("/", name="list")
async def list_disputes(
    session: SessionOf,
    principal: Reader,
    page: PageQuery,
    sorting: Annotated[Sorting, sorted_by(*queries.COLUMNS)],
    organization_id: Ids = None,
    order_id: Ids = None,
    status: Annotated[list[DisputeStatus] | None, Query()] = None,
) -> ListResource[DisputeRead]:
    """Lists disputes."""
    wanted = DisputeFilter(organization_id, order_id, status)
    disputes, total = await queries.list_disputes(session, principal, wanted, page, sorting)
    return page.of(disputes, total)


@router.get("/{id}", name="get", responses=responses(ResourceNotFound))
async def get(id: UUID, session: SessionOf, principal: Reader) -> DisputeRead:
    """Gets a dispute."""
    return await operations.get(session, principal, id)


@router.post(
    "/{id}/accept", name="accept", responses=responses(ResourceNotFound, DisputeNotOpenError, DisputeUnavailable)
)
async def accept(id: UUID, request: Request, sessions: SessionsOf, principal: Writer) -> DisputeRead:
    """Concedes a dispute: it is lost."""
    return await operations.accept(sessions, request.app.state.processor, principal, id)
