"""The gateway's question: whom does this token belong to? Never reachable from outside."""

from typing import Annotated

from fastapi import APIRouter, Header, Request, Response
from servicekit import auth
from servicekit.errors import Unauthorized
from servicekit.routing import EdgeRoute, SessionOf

from identity.access_tokens import operations

internal = APIRouter(prefix="/internal", tags=["internal"], route_class=EdgeRoute, include_in_schema=False)


@internal.get("/authenticate")
async def authenticate(
    request: Request, session: SessionOf, authorization: Annotated[str | None, Header()] = None
) -> Response:
    """Answers 200 with the signed principal as a header, or 401."""
    scheme, _, token = (authorization or "").strip().partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthorized("an access token is required: Authorization: Bearer <token>")
    settings = request.app.state.settings
    principal = await operations.authenticate(session, settings.secret, token.strip())
    return Response(headers={auth.HEADER: auth.sign(principal, settings.principal_private_key)})
