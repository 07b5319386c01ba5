"""Which origins a browser may call from: those of the settings, and any for what a seller's own page does for a buyer.

No answer allows credentials: a buyer's page is let in by the secret in its path, a portal by the token in its header.
"""

from collections.abc import Sequence

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

EXPOSED = ["X-Request-Id", "Polar-Version", "Retry-After", "Idempotent-Replayed"]
OPEN = ("/v1/checkouts/client/", "/v1/customer-portal/")
"""The paths below which any origin is let in; Polar lets any origin in on them too."""


class Origins:
    """Answers preflights, and adds the headers that let a browser read an answer."""

    def __init__(self, app: ASGIApp, origins: Sequence[str]) -> None:
        self._any = _middleware(app, ["*"])
        self._known = _middleware(app, origins) if origins else app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        is_open = scope["type"] == "http" and scope["path"].startswith(OPEN)
        await (self._any if is_open else self._known)(scope, receive, send)


def _middleware(app: ASGIApp, origins: Sequence[str]) -> CORSMiddleware:
    return CORSMiddleware(app, allow_origins=origins, allow_methods=["*"], allow_headers=["*"], expose_headers=EXPOSED)
