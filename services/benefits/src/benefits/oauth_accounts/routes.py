"""`/v1/customer-portal/oauth-accounts/`: a customer connects their accounts at GitHub and Discord.

Sellers' logins (`/v1/benefit-connections/authorize`) have the same page and the same call-back.
"""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from servicekit.auth import Principal, allow
from servicekit.errors import NotPermitted, ResourceNotFound, responses
from servicekit.inputs import ForeignQuery
from servicekit.lists import ListResource, PageQuery
from servicekit.routing import ResourceRouter, SessionOf, SessionsOf, answers_with_secret

from benefits.benefit_connections import operations as connections
from benefits.logins import operations as logins
from benefits.logins.page import confirmation
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
@answers_with_secret
async def authorize(
    session: SessionOf, principal: CustomerWriter, body: OAuthAccountAuthorize, settings: SettingsOf
) -> OAuthAccountAuthorization:
    """Begins to connect an account: the customer's browser is sent to the address of the answer."""
    return OAuthAccountAuthorization(url=await operations.authorize(session, principal, body, settings))


@portal_router.get("/start", name="start", include_in_schema=False, responses=responses(NotPermitted))
async def ask(
    session: SessionOf, settings: SettingsOf, ticket: Annotated[str, Query(min_length=1, max_length=200)]
) -> HTMLResponse:
    """The page that says what will be connected to whom, and binds the login to this browser."""
    login, browser = await logins.present(session, ticket)
    answer = await confirmation(session, login, settings)
    answer.set_cookie(
        logins.cookie_name(login, settings),
        browser,
        max_age=int(logins.LIFETIME.total_seconds()),
        secure=settings.public_url.startswith("https://"),
        httponly=True,
        samesite="lax",
    )
    return answer


@portal_router.post("/start", name="confirm", include_in_schema=False, responses=responses(NotPermitted))
async def start(
    session: SessionOf,
    settings: SettingsOf,
    outside: OutsideOf,
    request: Request,
    ticket: Annotated[str, Query(min_length=1, max_length=200)],
) -> RedirectResponse:
    """The person confirmed it: the browser goes to the other system."""
    if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
        # A page of a neighbouring subdomain could send the form, and SameSite cookies with it.
        raise NotPermitted("This login is confirmed on its own page only")
    started = await logins.start(session, ticket, request.cookies, settings)
    return RedirectResponse(outside.page(started, settings), 303, {"Referrer-Policy": "no-referrer"})


@portal_router.get("/callback", name="callback", include_in_schema=False, responses=responses(NotPermitted))
async def callback(
    sessions: SessionsOf,
    settings: SettingsOf,
    outside: OutsideOf,
    request: Request,
    _: ForeignQuery,
    state: Annotated[str, Query(min_length=1, max_length=200)],
    code: Annotated[str | None, Query(min_length=1, max_length=2000)] = None,
    installation_id: Annotated[int | None, Query(ge=1, le=2**63 - 1)] = None,
) -> RedirectResponse:
    """Where the other system sends the browser back."""
    async with sessions() as session:
        login, cookie = await logins.claim(session, state, request.cookies, settings)
    if code is None:
        target = login.back(error="access_denied")
    elif login.customer_id is not None:
        target = await operations.finish(sessions, login, code, settings, outside)
    else:
        target = await connections.finish(sessions, login, code, installation_id, settings, outside)
    answer = RedirectResponse(target if target.startswith("http") else settings.public_url + target, 303)
    answer.delete_cookie(cookie, secure=settings.public_url.startswith("https://"), httponly=True, samesite="lax")
    return answer


@portal_router.delete("/{id}", name="disconnect", status_code=204, responses=responses(ResourceNotFound))
async def disconnect(id: UUID, session: SessionOf, principal: CustomerWriter) -> None:
    """Forgets an account of the customer's own."""
    await operations.disconnect(session, principal, id)
