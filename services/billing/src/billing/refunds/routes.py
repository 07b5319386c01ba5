"""`/v1/refunds/`"""

from typing import Annotated
from uuid import UUID

from contracts.billing import Refund
from fastapi import Header, Query, Request
from servicekit.auth import Principal, allow
from servicekit.errors import responses
from servicekit.lists import ListResource, PageQuery, Sorting, sorted_by
from servicekit.routing import ResourceRouter, SessionOf, SessionsOf

from billing.refunds import operations, queries
from billing.refunds.operations import RefundedAlready, RevokeBenefitsNotAllowed
from billing.refunds.queries import RefundFilter
from billing.refunds.schemas import RefundCreate

router = ResourceRouter("/refunds", "refunds")
Reader = Annotated[Principal, allow("refunds:read", "refunds:write")]
Writer = Annotated[Principal, allow("refunds:write")]
Ids = Annotated[list[UUID] | None, Query()]


@router.get("/", name="list")
async def list_refunds(
    session: SessionOf,
    principal: Reader,
    page: PageQuery,
    sorting: Annotated[Sorting, sorted_by(*queries.COLUMNS)],
    id: Ids = None,
    organization_id: Ids = None,
    order_id: Ids = None,
    subscription_id: Ids = None,
    customer_id: Ids = None,
    external_customer_id: Annotated[list[str] | None, Query()] = None,
    succeeded: bool | None = None,
) -> ListResource[Refund]:
    """Lists refunds."""
    wanted = RefundFilter(id, organization_id, order_id, subscription_id, customer_id, external_customer_id, succeeded)
    refunds, total = await queries.list_refunds(session, principal, wanted, page, sorting)
    return page.of(refunds, total)


@router.post("/", name="create", status_code=201, responses=responses(RefundedAlready, RevokeBenefitsNotAllowed))
async def create(
    request: Request,
    sessions: SessionsOf,
    principal: Writer,
    wish: RefundCreate,
    idempotency_key: Annotated[str | None, Header(include_in_schema=False)] = None,
) -> Refund:
    """Gives a part of an order back, or all of it; the tax goes with it in proportion."""
    refund_id = operations.id_of(request.app.state.settings.secret, principal.owner, idempotency_key)
    return await operations.create(sessions, request.app.state.processor, principal, wish, refund_id)
