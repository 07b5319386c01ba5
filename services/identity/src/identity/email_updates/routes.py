"""`/v1/customer-portal/customers/me/email-update`: another e-mail address for a customer."""

from typing import Annotated

from fastapi import Query, Request
from servicekit.auth import Principal, allow
from servicekit.errors import Unauthorized, responses
from servicekit.routing import ResourceRouter, SessionOf, answers_with_secret

from identity.email_updates import operations
from identity.email_updates.operations import EmailUpdateNotAllowed
from identity.email_updates.schemas import (
    CustomerEmailUpdateRequest,
    CustomerEmailUpdateVerifyRequest,
    CustomerEmailUpdateVerifyResponse,
)

portal_router = ResourceRouter("/customer-portal/customers/me/email-update", "customer_portal:customers")
CustomerWriter = Annotated[Principal, allow("customer_portal:write", kind="customer")]
TokenQuery = Annotated[str, Query(min_length=1, max_length=255)]


@portal_router.post(
    "/request", name="request_email_update", status_code=202, responses=responses(EmailUpdateNotAllowed)
)
async def request_email_update(
    request: Request, session: SessionOf, principal: CustomerWriter, body: CustomerEmailUpdateRequest
) -> dict[str, str]:
    """Mails a link to the new address, where the organization allows it; the answer is the same if it is in use."""
    await operations.request(session, principal, body.email, request.app.state.settings)
    return {"status": "accepted"}


@portal_router.get("/check", name="check_email_update", status_code=204, responses=responses(Unauthorized))
async def check_email_update(request: Request, session: SessionOf, token: TokenQuery) -> None:
    """Says whether a mailed link still works."""
    await operations.check(session, token, request.app.state.settings)


@portal_router.post("/verify", name="verify_email_update", responses=responses(Unauthorized))
@answers_with_secret
async def verify_email_update(
    request: Request, session: SessionOf, body: CustomerEmailUpdateVerifyRequest
) -> CustomerEmailUpdateVerifyResponse:
    """Takes the new address over, once. Sessions and codes of the old one end; the answer has a new session."""
    return CustomerEmailUpdateVerifyResponse(
        token=await operations.verify(session, body.token, request.app.state.settings)
    )
