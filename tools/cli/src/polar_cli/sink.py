"""Where the webhooks of a bench end: a server that does nothing but answer, so that it is not what is measured.

Run as a process of its own: `python -m polar_cli.sink <port>`. `/fast` answers at once, `/slow` after two seconds, and
`/dead` never.
"""

import asyncio
import sys
from typing import cast

import uvloop

SLOW_SECONDS = 2.0
_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK"


class Sink(asyncio.Protocol):
    """One connection: requests with a `Content-Length`, one behind the other."""

    def __init__(self) -> None:
        self._held = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begins."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Answers every request that has come whole."""
        self._held += data
        while (end := self._held.find(b"\r\n\r\n")) >= 0:
            head = self._held[:end].lower()
            at = head.find(b"content-length:")
            length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(self._held) < end + 4 + length:
                return
            self._held = self._held[end + 4 + length :]
            self._answer(head)

    def _answer(self, head: bytes) -> None:
        if head.startswith(b"post /fast"):
            self._write()
        elif head.startswith(b"post /slow"):
            asyncio.get_running_loop().call_later(SLOW_SECONDS, self._write)

    def _write(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(_OK)


async def _serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Sink, "127.0.0.1", port, backlog=4096)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1])))
