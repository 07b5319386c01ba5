"""`/v1/benefit-connections/`: the GitHub installations and Discord servers in which an organization may sell access."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Request
from servicekit.auth import Principal, allow
from servicekit.errors import ResourceNotFound, responses
from servicekit.lists import ListResource, PageQuery, Sorting, sorted_by
from servicekit.routing import ResourceRouter, SessionOf, answers_with_secret

from benefits.benefit_connections import operations, queries
from benefits.benefit_connections.schemas import (
    BenefitConnectionAuthorization,
    BenefitConnectionAuthorize,
    BenefitConnectionRead,
    Platform,
)

router = ResourceRouter("/benefit-connections", "benefit_connections")
Reader = Annotated[Principal, allow("benefits:read", "benefits:write")]
Writer = Annotated[Principal, allow("benefits:write")]


@router.get("/", name="list")
async def list_connections(
    session: SessionOf,
    principal: Reader,
    page: PageQuery,
    sorting: Annotated[Sorting, sorted_by(*queries.COLUMNS)],
    platform: Annotated[Platform | None, Query()] = None,
) -> ListResource[BenefitConnectionRead]:
    """Lists the installations and servers that the organization connected."""
    found, total = await queries.list_connections(session, principal, platform, page, sorting)
    return page.of([BenefitConnectionRead.model_validate(one) for one in found], total)


@router.post("/authorize", name="authorize")
@answers_with_secret
async def authorize(
    session: SessionOf, principal: Writer, body: BenefitConnectionAuthorize, request: Request
) -> BenefitConnectionAuthorization:
    """Begins to connect one: a person who administers it opens the address of the answer in a browser."""
    settings = request.app.state.settings
    return BenefitConnectionAuthorization(url=await operations.authorize(session, principal, body, settings))


@router.delete("/{id}", name="delete", status_code=204, responses=responses(ResourceNotFound))
async def delete(id: UUID, session: SessionOf, principal: Writer) -> None:
    """Removes a connection. New grants of its benefits fail; those that are held stay until they end."""
    await operations.delete(session, principal, id)
