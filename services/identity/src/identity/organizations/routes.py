"""`/v1/organizations/`"""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Request
from servicekit.auth import Principal, allow
from servicekit.errors import ResourceNotFound, responses
from servicekit.lists import ListResource, PageQuery, Sorting, sorted_by
from servicekit.routing import ResourceRouter, SessionOf

from identity.organizations import events, operations
from identity.organizations.models import Organization
from identity.organizations.schemas import OrganizationRead, OrganizationUpdate

router = ResourceRouter("/organizations", "organizations")
Reader = Annotated[Principal, allow("organizations:read", "organizations:write")]
Writer = Annotated[Principal, allow("organizations:write")]


@router.get("/", name="list")
async def list_organizations(
    session: SessionOf,
    principal: Reader,
    page: PageQuery,
    sorting: Annotated[Sorting, sorted_by("created_at", "name", "slug", default="created_at")],
    slug: Annotated[str | None, Query()] = None,
) -> ListResource[OrganizationRead]:
    """Lists the organizations of the token."""
    organizations, total = await operations.list_organizations(session, principal, page, sorting, slug)
    return page.of([_read(organization) for organization in organizations], total)


@router.get("/{id}", name="get", responses=responses(ResourceNotFound))
async def get(id: UUID, session: SessionOf, principal: Reader) -> OrganizationRead:
    """Gets an organization."""
    return _read(await operations.get(session, principal, id))


@router.patch("/{id}", name="update", responses=responses(ResourceNotFound))
async def update(
    id: UUID, changes: OrganizationUpdate, request: Request, session: SessionOf, principal: Writer
) -> OrganizationRead:
    """Changes an organization's profile or settings."""
    public_url: str = request.app.state.settings.public_url
    return _read(await operations.update(session, principal, id, changes, public_url))


def _read(organization: Organization) -> OrganizationRead:
    return OrganizationRead.model_validate(events.shape(organization).model_dump())
