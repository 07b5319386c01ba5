"""The HTTP server of a service: what was answered stays answered, and its end fails no request.

The gateway keeps idle connections for a second (`deploy/gateway/nginx.conf.template`) and closes them itself. A server
that ends stops listening, so that new connections go elsewhere, and serves those it has until the gateway has closed
them: a request that is sent into a connection just closed could not be repeated, where it writes.

SIGUSR1 does that much and no more. Whoever replaces a server sends it first: the gateway then meets a closed port, and
goes to another address at once; it would wait for an address where nobody is.
"""

import asyncio
import signal
import socket
from collections.abc import Callable

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send

DRAINING_SECONDS = 2.0
"""How long an ending server waits for idle connections to be closed by the other side."""

_PAUSE = 0.05


class Finishing:
    """Keeps the connection of an answered request, and says `Connection: close` once the server ends."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.ends = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request.

        Starlette raises an error that it has answered with 500 once more. The answer is complete and the error logged
        (`servicekit.errors`), so it ends here: uvicorn would close the connection, under the next request.
        """
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        is_complete = False

        async def answer(message: Message) -> None:
            nonlocal is_complete
            if self.ends and message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"connection", b"close")]
            await send(message)
            is_complete = message["type"] == "http.response.body" and not message.get("more_body", False)

        try:
            await self._app(scope, receive, answer)
        except Exception:
            if not is_complete:
                raise


class Server(uvicorn.Server):
    """uvicorn's, with connections that are drained before they are closed."""

    def __init__(self, config: uvicorn.Config, app: Finishing, stop: Callable[[], None] = lambda: None) -> None:
        """`stop` is called when the server ends, for what would not end by itself."""
        super().__init__(config)
        self._app = app
        self._stop = stop

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Starts as uvicorn does, and listens to SIGUSR1."""
        await super().startup(sockets)
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, self.drain)

    def drain(self) -> None:
        """Takes no new connections; each that there is ends with its next answer."""
        for server in self.servers:
            server.close()
        self._app.ends = True
        self._stop()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stops listening, serves the connections that there are, and then ends as uvicorn does."""
        self.drain()
        for _ in range(round(DRAINING_SECONDS / _PAUSE)):
            if not self.server_state.connections or self.force_exit:
                break
            await asyncio.sleep(_PAUSE)
        await super().shutdown(sockets)
