"""`/v1/customer-sessions/` for the merchant, and `/v1/customer-portal/customer-session/` for the customer."""

from typing import Annotated

from fastapi import BackgroundTasks, Request
from servicekit.auth import MEMBER, Principal, allow
from servicekit.errors import Unauthorized, responses
from servicekit.routing import ResourceRouter, SessionOf, SessionsOf, answers_with_secret
from sqlalchemy.ext.asyncio import AsyncSession

from identity.customer_sessions import operations
from identity.customer_sessions.models import CustomerSession
from identity.customer_sessions.schemas import (
    CustomerCustomerSession,
    CustomerSessionCreate,
    CustomerSessionRead,
    PortalAuthenticatedUser,
)
from identity.login_codes import operations as login_codes
from identity.login_codes.operations import CustomerSelectionRequired
from identity.login_codes.schemas import CustomerSessionToken, LoginCodeAuthenticate, LoginCodeRequest
from identity.member_sessions import operations as member_sessions
from identity.member_sessions.models import MemberSession

router = ResourceRouter("/customer-sessions", "customer_sessions")
portal_router = ResourceRouter("/customer-portal/customer-session", "customer_portal:customer_session")
Writer = Annotated[Principal, allow("customer_sessions:write")]
Visitor = Annotated[Principal, allow("customer_portal:read", "customer_portal:write", MEMBER, kind="customer")]


@router.post("/", name="create", status_code=201)
@answers_with_secret
async def create(
    request: Request, session: SessionOf, principal: Writer, body: CustomerSessionCreate
) -> CustomerSessionRead:
    """Opens a session of an hour for a customer; its token is in this answer and nowhere else."""
    return await operations.create(session, principal, body, request.app.state.settings)


@portal_router.post("/request", name="request", status_code=202)
async def request_code(
    request: Request, sessions: SessionsOf, background: BackgroundTasks, body: LoginCodeRequest
) -> dict[str, str]:
    """Mails a login code, if there is such a customer; the answer is the same if there is not."""
    # After the answer, so that the time it takes is the same, too. What a crash loses is asked for again.
    background.add_task(login_codes.request, sessions, body, request.app.state.settings)
    return {"status": "accepted"}


@portal_router.post("/authenticate", name="authenticate", responses=responses(Unauthorized, CustomerSelectionRequired))
async def authenticate(request: Request, sessions: SessionsOf, body: LoginCodeAuthenticate) -> CustomerSessionToken:
    """Opens a session of an hour for the code of the mail.

    An address that is known more than once gets its choices (409), and is sent again with one of them: the code stays
    good until then.
    """
    return await login_codes.authenticate(sessions, body, request.app.state.settings)


@portal_router.get("/introspect", name="introspect")
async def introspect(session: SessionOf, principal: Visitor) -> CustomerCustomerSession:
    """Says until when the session lasts."""
    opened = await _opened(session, principal)
    return CustomerCustomerSession(expires_at=opened.expires_at, return_url=opened.return_url)


@portal_router.get("/user", name="get_authenticated_user")
async def get_authenticated_user(session: SessionOf, principal: Visitor) -> PortalAuthenticatedUser:
    """Says who is in the portal."""
    organization_id = principal.organization()
    if principal.member_id is not None:
        _, member = await member_sessions.present(session, principal)
        return PortalAuthenticatedUser(
            type="member",
            name=member.data["name"],
            email=member.email,
            customer_id=member.customer_id,
            member_id=member.id,
            role=member.role,
            organization_id=organization_id,
        )
    _, customer = await operations.present(session, principal)
    return PortalAuthenticatedUser(
        type="customer",
        name=customer.name,
        email=customer.email or "",
        customer_id=customer.id,
        organization_id=organization_id,
    )


async def _opened(session: AsyncSession, principal: Principal) -> CustomerSession | MemberSession:
    if principal.member_id is not None:
        return (await member_sessions.present(session, principal))[0]
    return (await operations.present(session, principal))[0]
