"""`/v1/customer-portal/oauth-accounts/`: a customer connects their accounts at GitHub and Discord."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Request
from fastapi.responses import RedirectResponse
from servicekit.auth import Principal, allow
from servicekit.errors import NotPermitted, ResourceNotFound, responses
from servicekit.inputs import ForeignQuery
from servicekit.lists import ListResource, PageQuery
from servicekit.routing import ResourceRouter, SessionOf, SessionsOf

from benefits.oauth_accounts import operations, queries
from benefits.oauth_accounts.schemas import OAuthAccountAuthorization, OAuthAccountAuthorize, OAuthAccountRead
from benefits.settings import Settings
from benefits.strategies.outside import Outsides

portal_router = ResourceRouter("/customer-portal/oauth-accounts", "customer_portal:oauth_accounts")
Customer = Annotated[Principal, allow("customer_portal:read", "customer_portal:write", kind="customer")]
CustomerWriter = Annotated[Principal, allow("customer_portal:write", kind="customer")]


async def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


async def _outside(request: Request) -> Outsides:
    outside: Outsides = request.app.state.outside
    return outside


SettingsOf = Annotated[Settings, Depends(_settings)]
OutsideOf = Annotated[Outsides, Depends(_outside)]


@portal_router.get("/", name="list")
async def list_accounts(session: SessionOf, principal: Customer, page: PageQuery) -> ListResource[OAuthAccountRead]:
    """Lists the accounts that the customer connected."""
    found = await queries.of_customer(session, principal)
    shown = [OAuthAccountRead.model_validate(one) for one in found[page.offset : page.offset + page.limit]]
    return page.of(shown, len(found))


@portal_router.post("/authorize", name="authorize")
async def authorize(
    session: SessionOf, principal: CustomerWriter, body: OAuthAccountAuthorize, settings: SettingsOf, outside: OutsideOf
) -> OAuthAccountAuthorization:
    """Begins to connect an account: the customer's browser is sent to the address of the answer."""
    return OAuthAccountAuthorization(url=await operations.authorize(session, principal, body, settings, outside))


@portal_router.get("/callback", name="callback", include_in_schema=False, responses=responses(NotPermitted))
async def callback(
    sessions: SessionsOf,
    settings: SettingsOf,
    outside: OutsideOf,
    _: ForeignQuery,
    state: Annotated[str, Query(min_length=1, max_length=200)],
    code: Annotated[str | None, Query(max_length=2000)] = None,
) -> RedirectResponse:
    """Where the other system sends the browser back."""
    page = await operations.finish(sessions, state, code, settings, outside)
    return RedirectResponse(page if page.startswith("http") else settings.public_url + page, 303)


@portal_router.delete("/{id}", name="disconnect", status_code=204, responses=responses(ResourceNotFound))
async def disconnect(id: UUID, session: SessionOf, principal: CustomerWriter) -> None:
    """Forgets an account of the customer's own."""
    await operations.disconnect(session, principal, id)
