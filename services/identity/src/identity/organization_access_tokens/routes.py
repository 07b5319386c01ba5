"""`/v1/organization-access-tokens/`, and the gateway's question: whom does this token belong to?"""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Query, Request, Response
from servicekit import auth
from servicekit.addresses import AddressOf
from servicekit.auth import Principal, allow
from servicekit.errors import NotPermitted, ResourceNotFound, Unauthorized, responses
from servicekit.lists import ListResource, PageQuery, Sorting, sorted_by
from servicekit.quotas import QuotaExceeded, QuotasOf
from servicekit.routing import EdgeRoute, ResourceRouter, SessionOf, answers_with_secret

from identity.customer_sessions import operations as customer_sessions
from identity.member_sessions import operations as member_sessions
from identity.organization_access_tokens import operations
from identity.organization_access_tokens.refusals import Refusals
from identity.organization_access_tokens.schemas import (
    OrganizationAccessTokenCreate,
    OrganizationAccessTokenCreated,
    OrganizationAccessTokenRead,
    OrganizationAccessTokenUpdate,
)

router = ResourceRouter("/organization-access-tokens", "organization_access_tokens")
Reader = Annotated[Principal, allow("organization_access_tokens:read", "organization_access_tokens:write")]
Writer = Annotated[Principal, allow("organization_access_tokens:write")]
KNOWN = '"known"'
"""Marks an answer in the gateway's cache as that of a valid token."""


@router.get("/", name="list")
async def list_tokens(
    session: SessionOf,
    principal: Reader,
    page: PageQuery,
    sorting: Annotated[Sorting, sorted_by("created_at", "comment", "last_used_at")],
    organization_id: Annotated[list[UUID] | None, Query()] = None,
) -> ListResource[OrganizationAccessTokenRead]:
    """Lists access tokens, without their texts."""
    tokens, total = await operations.list_tokens(session, principal, organization_id, page, sorting)
    return page.of([OrganizationAccessTokenRead.model_validate(token) for token in tokens], total)


@router.post("/", name="create", status_code=201, responses=responses(NotPermitted, QuotaExceeded))
@answers_with_secret
async def create(
    request: Request, session: SessionOf, principal: Writer, body: OrganizationAccessTokenCreate, quotas: QuotasOf
) -> OrganizationAccessTokenCreated:
    """Creates an access token; its text is in this answer and nowhere else."""
    token, text = await operations.create_for(session, request.app.state.settings.secret, principal, body, quotas)
    read = OrganizationAccessTokenRead.model_validate(token)
    return OrganizationAccessTokenCreated(organization_access_token=read, token=text)


@router.patch("/{id}", name="update", responses=responses(ResourceNotFound, NotPermitted))
async def update(
    id: UUID, session: SessionOf, principal: Writer, changes: OrganizationAccessTokenUpdate
) -> OrganizationAccessTokenRead:
    """Changes an access token's comment or scopes."""
    token = await operations.update_token(session, principal, id, changes)
    return OrganizationAccessTokenRead.model_validate(token)


@router.delete("/{id}", name="delete", status_code=204, responses=responses(ResourceNotFound))
async def delete(id: UUID, session: SessionOf, principal: Writer) -> Response:
    """Revokes an access token; it is refused within five seconds."""
    await operations.revoke(session, principal, id)
    return Response(status_code=204)


internal = APIRouter(prefix="/internal", tags=["internal"], route_class=EdgeRoute, include_in_schema=False)


@internal.get("/authenticate")
async def authenticate(
    request: Request,
    session: SessionOf,
    address: AddressOf,
    authorization: Annotated[str | None, Header()] = None,
    x_polar_known: Annotated[str, Header()] = "",
) -> Response:
    """Answers 200 with the signed principal as a header, or 401.

    403 when too many tokens of the client's address were refused; not for one that the gateway had an answer for
    lately, which it names by the answer's `ETag`.
    """
    refusals: Refusals = request.app.state.refusals
    if not x_polar_known and refusals.is_above(address):
        return Response(status_code=403)
    scheme, _, token = (authorization or "").strip().partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthorized("an access token is required: Authorization: Bearer <token>")
    settings = request.app.state.settings
    text = token.strip()
    try:
        if customer_sessions.is_customer_token(text):
            principal = await customer_sessions.authenticate(session, settings.secret, text)
        elif member_sessions.is_member_token(text):
            principal = await member_sessions.authenticate(session, settings.secret, text)
        else:
            principal = await operations.authenticate(session, settings.secret, text)
    except Unauthorized:
        refusals.add(address)
        raise
    headers = {auth.HEADER: auth.sign(principal, settings.principal_private_key), "ETag": KNOWN}
    return Response(headers=headers)
