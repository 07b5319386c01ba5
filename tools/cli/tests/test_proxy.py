"""The proxy between the services and their servers: it passes on, delays in order, and cuts."""

import asyncio
import os
from contextlib import asynccontextmanager

import pytest
from polar_cli.prove.proxy import Proxy
from polar_cli.state import is_free


@asynccontextmanager
async def proxied():
    """A proxy before a server that says what it hears."""

    async def echo(reader, writer):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    port = next(port for port in range(41000, 42000) if is_free(port))
    proxy = Proxy(port, server.sockets[0].getsockname()[1])
    proxy.start()
    try:
        yield proxy
    finally:
        proxy.stop()
        server.close()


def client_of(proxy):
    """The client's side of the only connection, which the other was made for."""
    return next(side for side in proxy.sides if side.is_client)


async def until(condition):
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.01)


async def test_many_megabytes_both_ways():
    async with proxied() as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        sent = os.urandom(1 << 20) * 16
        writer.write(sent)
        await asyncio.sleep(0.3)  # until every buffer is full
        assert await reader.readexactly(len(sent)) == sent
        writer.close()


async def test_clients_that_speak_at_once_are_heard():
    async def ask(proxy, number):
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(b"%04d" % number)
        heard = await reader.readexactly(4)
        writer.close()
        return int(heard)

    async with proxied() as proxy:
        assert await asyncio.gather(*(ask(proxy, number) for number in range(200))) == list(range(200))


async def test_what_is_late_stays_in_order():
    async with proxied() as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        proxy.delay_seconds = 0.5  # a busy machine must see it waiting
        began = asyncio.get_running_loop().time()
        for digit in b"012":
            writer.write(bytes([digit]))
            await asyncio.sleep(0.02)
        await until(lambda: client_of(proxy).late)
        proxy.delay_seconds = 0.0
        writer.write(b"3")
        assert await reader.readexactly(4) == b"0123"
        assert asyncio.get_running_loop().time() - began >= 0.49  # the timer counts whole milliseconds
        writer.close()


async def test_every_connection_is_cut_and_new_ones_are_taken():
    async with proxied() as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(b"a")
        assert await reader.readexactly(1) == b"a"
        proxy.drop()
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            await asyncio.wait_for(reader.readexactly(1), 5)
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(b"b")
        assert await reader.readexactly(1) == b"b"
        writer.close()


async def test_what_is_late_for_a_side_that_has_gone_is_forgotten():
    """And so is the connection; nothing goes wrong in the proxy's thread."""
    problems = []
    async with proxied() as proxy:
        proxy.loop.set_exception_handler(lambda loop, context: problems.append(context))
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(b"a")
        assert await reader.readexactly(1) == b"a"
        proxy.delay_seconds = 1.0  # a busy machine must see it waiting
        writer.write(b"b")
        await until(lambda: client_of(proxy).peer.late)  # the server's echo, after what it echoes
        writer.transport.abort()
        await until(lambda: not proxy.sides)
        await asyncio.sleep(1.1)  # longer than anything late would take
    assert problems == []


async def test_a_server_that_is_away_ends_the_connection():
    async with proxied() as proxy:
        proxy.target = 1
        reader, _ = await asyncio.open_connection("127.0.0.1", proxy.port)
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            await asyncio.wait_for(reader.readexactly(1), 5)
