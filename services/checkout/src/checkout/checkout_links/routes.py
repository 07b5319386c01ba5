"""`/v1/checkout-links/`"""

from typing import Annotated
from uuid import UUID

from fastapi import Query
from fastapi.responses import RedirectResponse
from servicekit.addresses import AddressOf
from servicekit.attempts import TooManyAttempts
from servicekit.auth import Principal, allow
from servicekit.errors import ResourceNotFound, responses
from servicekit.inputs import ForeignQuery
from servicekit.lists import ListResource, PageQuery, Sorting, sorted_by
from servicekit.quotas import QuotaExceeded, QuotasOf
from servicekit.routing import ResourceRouter, SessionOf

from checkout.checkout_links import operations, queries
from checkout.checkout_links.models import CheckoutLink
from checkout.checkout_links.schemas import CheckoutLinkCreate, CheckoutLinkRead, CheckoutLinkUpdate
from checkout.checkouts.routes import SettingsOf
from checkout.settings import Settings

router = ResourceRouter("/checkout-links", "checkout_links")
Reader = Annotated[Principal, allow("checkout_links:read", "checkout_links:write")]
Writer = Annotated[Principal, allow("checkout_links:write")]
Ids = Annotated[list[UUID] | None, Query()]
NOT_FOUND = responses(ResourceNotFound)


@router.get("/", name="list")
async def list_links(
    session: SessionOf,
    principal: Reader,
    page: PageQuery,
    sorting: Annotated[Sorting, sorted_by(*queries.COLUMNS)],
    settings: SettingsOf,
    organization_id: Ids = None,
    product_id: Ids = None,
) -> ListResource[CheckoutLinkRead]:
    """Lists checkout links."""
    links, total = await queries.list_links(session, principal, organization_id, product_id, page, sorting)
    return page.of(await queries.shapes(session, links, settings.public_url), total)


@router.post("/", name="create", status_code=201, responses=responses(QuotaExceeded))
async def create(
    session: SessionOf, principal: Writer, link: CheckoutLinkCreate, settings: SettingsOf, quotas: QuotasOf
) -> CheckoutLinkRead:
    """Creates a checkout link."""
    return await _read(session, await operations.create(session, principal, link, quotas), settings)


@router.get("/{id}", name="get", responses=NOT_FOUND)
async def get(id: UUID, session: SessionOf, principal: Reader, settings: SettingsOf) -> CheckoutLinkRead:
    """Gets a checkout link."""
    return await _read(session, await operations.get(session, principal, id), settings)


@router.patch("/{id}", name="update", responses=NOT_FOUND)
async def update(
    id: UUID, session: SessionOf, principal: Writer, changes: CheckoutLinkUpdate, settings: SettingsOf
) -> CheckoutLinkRead:
    """Changes a checkout link."""
    return await _read(session, await operations.update(session, principal, id, changes), settings)


@router.delete("/{id}", name="delete", status_code=204, responses=NOT_FOUND)
async def delete(id: UUID, session: SessionOf, principal: Writer) -> None:
    """Deletes a checkout link."""
    await operations.delete(session, principal, id)


@router.get(
    "/{client_secret}/redirect",
    name="redirect",
    status_code=307,
    response_class=RedirectResponse,
    responses={**responses(ResourceNotFound, TooManyAttempts), 307: {"description": "To a new checkout."}},
)
async def redirect(
    client_secret: str, query: ForeignQuery, session: SessionOf, settings: SettingsOf, address: AddressOf
) -> RedirectResponse:
    """Opens a checkout for whoever follows the link, filled in with what the query names."""
    await operations.ensure_seldom(session, address)
    address = await operations.follow(session, client_secret, query, settings)
    return RedirectResponse(address, 307)


async def _read(session: SessionOf, link: CheckoutLink, settings: Settings) -> CheckoutLinkRead:
    return (await queries.shapes(session, [link], settings.public_url))[0]
