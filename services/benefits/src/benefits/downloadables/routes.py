"""`/v1/customer-portal/downloadables/`: the files that a customer's benefits give."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Request
from fastapi.responses import RedirectResponse
from servicekit import links
from servicekit.auth import MEMBER, Principal, allow
from servicekit.errors import NotPermitted, ResourceNotFound, responses
from servicekit.inputs import IgnoredQuery
from servicekit.lists import ListResource, PageQuery
from servicekit.routing import ResourceRouter, SessionOf

from benefits.downloadables import operations
from benefits.downloadables.schemas import DownloadableRead
from benefits.settings import Settings

portal_router = ResourceRouter("/customer-portal/downloadables", "customer_portal:downloadables")
Customer = Annotated[Principal, allow("customer_portal:read", "customer_portal:write", MEMBER, kind="customer")]


async def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


SettingsOf = Annotated[Settings, Depends(_settings)]


@portal_router.get("/", name="list")
async def list_downloadables(
    session: SessionOf,
    principal: Customer,
    page: PageQuery,
    settings: SettingsOf,
    benefit_id: Annotated[list[UUID] | None, Query()] = None,
    organization_id: IgnoredQuery = None,
) -> ListResource[DownloadableRead]:
    """Lists what the customer may download, with links that work for an hour."""
    found = await operations.list_own(session, principal, benefit_id, settings)
    return page.of(found[page.offset : page.offset + page.limit], len(found))


@portal_router.get(
    "/{grant_id}/{file_id}",
    name="download",
    include_in_schema=False,
    responses=responses(ResourceNotFound, NotPermitted),
)
async def download(
    grant_id: UUID,
    file_id: UUID,
    session: SessionOf,
    settings: SettingsOf,
    expires: links.Expires,
    signature: links.Signature,
) -> RedirectResponse:
    """Counts a download, and sends it on to the file."""
    links.verify(settings.secret, operations.path_of(grant_id, file_id), expires, signature)
    return RedirectResponse(await operations.download(session, grant_id, file_id, settings), 307)
