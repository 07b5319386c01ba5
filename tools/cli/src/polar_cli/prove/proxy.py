"""A TCP proxy between the services and a server, which can drop and delay what goes through it."""

import asyncio
import threading
from contextlib import suppress

import uvloop


class Proxy:
    """Listens on `port` of 127.0.0.1 and passes everything on to `target`; runs in a thread of its own."""

    def __init__(self, port: int, target: int) -> None:
        self.port, self.target = port, target
        self.delay_seconds = 0.0
        self._writers: set[asyncio.StreamWriter] = set()
        self._loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=f"proxy {target}", daemon=True)

    def start(self) -> None:
        """Listens."""
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)

    def drop(self) -> None:
        """Cuts every connection that is open."""
        self._loop.call_soon_threadsafe(self._cut)

    def stop(self) -> None:
        """Listens no more."""

        def end() -> None:
            self._cut()
            self._loop.stop()

        self._loop.call_soon_threadsafe(end)
        self._thread.join(5)

    def _cut(self) -> None:
        for writer in list(self._writers):
            writer.transport.abort()

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.transport.abort()
            return
        pair = {writer, inner_writer}
        self._writers |= pair
        try:
            await asyncio.gather(self._pump(reader, inner_writer), self._pump(inner_reader, writer))
        finally:
            self._writers -= pair

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                if self.delay_seconds:
                    await asyncio.sleep(self.delay_seconds)
                writer.write(data)
                await writer.drain()
        # One side is at its end: so is the other.
        writer.close()
