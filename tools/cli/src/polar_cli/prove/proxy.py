"""A TCP proxy between the services and a server, which can drop and delay what goes through it."""

import asyncio
import threading
from collections import deque
from typing import cast

import uvloop


class Proxy:
    """Listens on `port` of 127.0.0.1 and passes everything on to `target`; runs in a thread of its own."""

    def __init__(self, port: int, target: int) -> None:
        self.port, self.target = port, target
        self.delay_seconds = 0.0
        self.sides: set[_Side] = set()
        self.loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name=f"proxy {target}", daemon=True)

    def start(self) -> None:
        """Listens."""
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self.loop).result(10)

    def drop(self) -> None:
        """Cuts every connection that is open."""
        self.loop.call_soon_threadsafe(self._cut)

    def stop(self) -> None:
        """Listens no more."""

        def end() -> None:
            self._cut()
            self.loop.stop()

        self.loop.call_soon_threadsafe(end)
        self._thread.join(5)

    def _cut(self) -> None:
        for side in list(self.sides):
            side.transport.abort()

    async def _listen(self) -> None:
        self._server = await self.loop.create_server(lambda: _Side(self), "127.0.0.1", self.port)


class _Side(asyncio.Protocol):
    """One of a connection's two sides: a client's, which has the other made and may speak before that is there, or it.

    A protocol, since two tasks for each connection cost several times as much.
    """

    transport: asyncio.Transport

    def __init__(self, proxy: Proxy, peer: "_Side | None" = None) -> None:
        self.is_client = peer is None
        self.peer = peer
        self._proxy = proxy
        self.late: deque[bytes] = deque()
        """What has arrived and waits: for the delay to be over, or for the other side to be there."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self._proxy.sides.add(self)
        if self.is_client:
            self._connecting = self._proxy.loop.create_task(self._connect())

    async def _connect(self) -> None:
        inner = _Side(self._proxy, self)
        try:
            await self._proxy.loop.create_connection(lambda: inner, "127.0.0.1", self._proxy.target)
        except OSError:
            self.transport.abort()
            return
        self.peer = inner
        self._pass_on()

    def data_received(self, data: bytes) -> None:
        """Passes on at once; late, and in the order in which it came, while there is a delay. To nobody, nothing."""
        if self.peer is not None and self.peer.transport.is_closing():
            return
        if self.peer is not None and not self._proxy.delay_seconds and not self.late:
            self.peer.transport.write(data)
            return
        self.late.append(data)
        if self.peer is not None and len(self.late) == 1:
            self._proxy.loop.call_later(self._proxy.delay_seconds, self._pass_on)

    def _pass_on(self) -> None:
        """Passes on the first of what waits, and the others after it."""
        assert self.peer is not None
        if self.peer.transport.is_closing():
            self.late.clear()
        elif self.late:
            self.peer.transport.write(self.late.popleft())
        if self.late:
            self._proxy.loop.call_later(self._proxy.delay_seconds, self._pass_on)
        elif self.transport.is_closing():
            self.peer.transport.close()

    def pause_writing(self) -> None:
        """The reader of this side is slow: the other side is read no further."""
        if self.peer is not None and not self.peer.transport.is_closing():
            self.peer.transport.pause_reading()

    def resume_writing(self) -> None:
        if self.peer is not None and not self.peer.transport.is_closing():
            self.peer.transport.resume_reading()

    def connection_lost(self, error: Exception | None) -> None:
        """One side is at its end: so is the other, when it has what is under way."""
        self._proxy.sides.discard(self)
        if self.peer is not None and not self.late:
            self.peer.transport.close()
