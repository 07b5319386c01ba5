"""`/v1/discounts/`"""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response
from servicekit.auth import Principal, allow
from servicekit.errors import ResourceNotFound, responses
from servicekit.http import DialectOf
from servicekit.lists import ListResource, PageQuery, Sorting, sorted_by
from servicekit.quotas import QuotaExceeded, QuotasOf
from servicekit.routing import ResourceRouter, SessionOf

from checkout.discounts import operations
from checkout.discounts.schemas import DiscountCreate, DiscountRead, DiscountUpdate

router = ResourceRouter("/discounts", "discounts")
Reader = Annotated[Principal, allow("discounts:read", "discounts:write")]
Writer = Annotated[Principal, allow("discounts:write")]
Sorted = Annotated[Sorting, sorted_by("created_at", "name", "code", "redemptions_count", "ends_at")]


@router.get("/", name="list")
async def list_discounts(
    session: SessionOf,
    principal: Reader,
    page: PageQuery,
    sorting: Sorted,
    dialect: DialectOf,
    organization_id: Annotated[list[UUID] | None, Query()] = None,
    query: Annotated[str | None, Query(max_length=200)] = None,
) -> ListResource[DiscountRead]:
    """Lists discounts."""
    discounts, total = await operations.list_discounts(session, principal, organization_id, query, page, sorting)
    return page.of([DiscountRead.of(discount, dialect) for discount in discounts], total)


@router.post("/", name="create", status_code=201, responses=responses(QuotaExceeded))
async def create(
    session: SessionOf, principal: Writer, discount: DiscountCreate, dialect: DialectOf, quotas: QuotasOf
) -> DiscountRead:
    """Creates a discount."""
    return DiscountRead.of(await operations.create(session, principal, discount, quotas), dialect)


@router.get("/{id}", name="get", responses=responses(ResourceNotFound))
async def get(id: UUID, session: SessionOf, principal: Reader, dialect: DialectOf) -> DiscountRead:
    """Gets a discount."""
    return DiscountRead.of(await operations.get(session, principal, id), dialect)


@router.patch("/{id}", name="update", responses=responses(ResourceNotFound))
async def update(
    id: UUID, session: SessionOf, principal: Writer, changes: DiscountUpdate, dialect: DialectOf
) -> DiscountRead:
    """Changes a discount."""
    return DiscountRead.of(await operations.change(session, principal, id, changes), dialect)


@router.delete("/{id}", name="delete", status_code=204, responses=responses(ResourceNotFound))
async def delete(id: UUID, session: SessionOf, principal: Writer) -> Response:
    """Deletes a discount."""
    await operations.remove(session, principal, id)
    return Response(status_code=204)
