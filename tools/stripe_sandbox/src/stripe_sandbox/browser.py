"""The stand-in of Stripe.js: its script and the frame that holds the card fields.

A browser reaches them, and the four calls that they make, below one address, `/_stripe/` of the gateway.
"""

from collections.abc import Awaitable, Callable
from pathlib import Path

from aiohttp import web

FOLDER = Path(__file__).with_name("stripe_js")
TYPES = {".js": "application/javascript", ".css": "text/css", ".html": "text/html"}
POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'"
"""The frame runs its own script and asks this address, nothing else. Whoever shows a checkout may show it too."""


def add(app: web.Application) -> None:
    """Adds a route for each file."""
    for path in sorted(FOLDER.iterdir()):
        app.router.add_get(f"/_stripe/{path.name}", _handler(path))


def _handler(path: Path) -> Callable[[web.Request], Awaitable[web.Response]]:
    text = path.read_text()
    headers = {"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff", "Content-Security-Policy": POLICY}

    async def serve(_: web.Request) -> web.Response:
        return web.Response(text=text, content_type=TYPES[path.suffix], charset="utf-8", headers=headers)

    return serve
