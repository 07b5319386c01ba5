"""A server that ends answers what it was asked, and a request that failed takes no other one with it."""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import uvicorn
from fastapi import FastAPI
from servicekit import errors
from servicekit.serving import Finishing, Server

released = asyncio.Event()


@asynccontextmanager
async def serving() -> AsyncIterator[tuple[Server, int]]:
    """A server with a route that fails and one that takes its time, and its port."""
    app = FastAPI()
    errors.install(app)

    @app.get("/fails")
    async def fails() -> None:
        raise LookupError("a fault of ours")

    @app.post("/waits")
    async def waits() -> dict[str, str]:
        await released.wait()
        return {"status": "done"}

    released.clear()
    listener = socket.create_server(("127.0.0.1", 0))
    finishing = Finishing(app)
    server = Server(uvicorn.Config(finishing, http="httptools", log_level="critical"), finishing)
    running = asyncio.create_task(server.serve([listener]))
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        yield server, listener.getsockname()[1]
    finally:
        released.set()
        server.should_exit = True
        await running


async def answer(reader: asyncio.StreamReader) -> str:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    length = int(head.partition("content-length: ")[2].split("\r\n")[0])
    await reader.readexactly(length)
    return head


async def test_a_failure_leaves_the_connection_to_the_next_request() -> None:
    async with serving() as (_, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(2):
            writer.write(b"GET /fails HTTP/1.1\r\nHost: x\r\n\r\n")
            head = await answer(reader)
            assert head.startswith("http/1.1 500")
            assert "connection: close" not in head
        writer.close()


@pytest.mark.parametrize("how", ["it ends", "SIGUSR1"])
async def test_a_server_that_ends_serves_the_connections_it_has(how: str) -> None:
    async with serving() as (server, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        idle_reader, idle_writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST /waits HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
        await asyncio.sleep(0.05)
        if how == "SIGUSR1":
            os.kill(os.getpid(), signal.SIGUSR1)
        else:
            server.should_exit = True
        for _ in range(500):
            try:
                (await asyncio.open_connection("127.0.0.1", port))[1].close()
            except ConnectionRefusedError:
                break
            await asyncio.sleep(0.01)
        else:
            raise AssertionError("it goes on listening")
        # A connection that was idle takes one more request, whose answer says that it is the last.
        idle_writer.write(b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n")
        head = await answer(idle_reader)
        assert head.startswith("http/1.1 404")
        assert "connection: close" in head
        assert await idle_reader.read() == b""
        released.set()
        assert (await answer(reader)).startswith("http/1.1 200")
        writer.close()
