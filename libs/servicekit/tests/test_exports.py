"""Exports: few at once, a page in memory at a time, and none that goes on for a client who has left."""

import asyncio
import weakref
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, ClassVar

import pytest
from servicekit import clock, exports
from servicekit.exports import Pages, RateLimitExceeded, ServiceUnavailable, csv_response
from sqlalchemy import column, select, table

PAGE = 3


class Client:
    """Reads an answer as a server would send it: `takes` parts, then it leaves."""

    def __init__(self, takes: int) -> None:
        self.parts: list[bytes] = []
        self.alive: list[int] = []
        self._takes = takes
        self._left = asyncio.Event()

    async def receive(self) -> dict[str, Any]:
        await self._left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: dict[str, Any]) -> None:
        self.parts += [message["body"]] if message.get("body") else []
        self.alive.append(len(Row.alive))
        if len(self.parts) == self._takes:
            self._left.set()
        await asyncio.sleep(0)  # as a server that waits for its socket
        await asyncio.sleep(0)


class Row:
    """A row of a result, which knows how many of its kind are in memory."""

    alive: ClassVar["weakref.WeakSet[Row]"] = weakref.WeakSet()

    def __init__(self, number: int) -> None:
        self.number = number
        self._mapping = {"_at": clock.now() - timedelta(seconds=number), "_id": number}
        self.alive.add(self)


class Source:
    """Stands for a database of `total` rows, and counts the pages that were read."""

    def __init__(self, total: int) -> None:
        self.total, self.pages, self.read = total, 0, 0

    @asynccontextmanager
    async def __call__(self) -> AsyncIterator[Any]:
        yield self

    async def execute(self, statement: Any) -> Any:
        limit = statement._limit
        assert limit == PAGE
        rows = [Row(number) for number in range(self.read, min(self.read + limit, self.total))]
        self.pages, self.read = self.pages + 1, self.read + len(rows)
        return _Result(rows)


class _Result:
    def __init__(self, rows: list[Row]) -> None:
        self._rows: list[Row] | None = rows

    def all(self) -> list[Row]:
        rows, self._rows = self._rows, None
        assert rows is not None
        return rows


def exported(source: Any) -> Pages:
    things = table("things", column("created_at"), column("id"))
    columns = {"Number": lambda row: row.number}
    return csv_response(source, select(things), things.c, columns, owner="one", filename="things.csv")


@pytest.fixture(autouse=True)
def _pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "ROWS_AT_ONCE", PAGE)


async def test_every_row_once_with_a_page_in_memory() -> None:
    source, client = Source(100), Client(takes=1000)
    await exported(source)({"type": "http"}, client.receive, client.send)
    lines = b"".join(client.parts).decode().split()
    assert lines == ["Number", *(str(number) for number in range(100))]
    assert max(client.alive) <= PAGE
    assert not exports._in_progress


async def test_it_stops_when_the_client_has_left() -> None:
    source, client = Source(100_000), Client(takes=3)
    await exported(source)({"type": "http"}, client.receive, client.send)
    assert len(client.parts) <= 4
    assert source.pages <= 5, "at most the page that was being read"
    assert not exports._in_progress


async def test_the_next_page_waits_for_the_client() -> None:
    source, stalled = Source(100_000), asyncio.Event()

    async def send(message: dict[str, Any]) -> None:
        await stalled.wait()

    running = asyncio.create_task(exported(source)({"type": "http"}, Client(1).receive, send))
    await asyncio.sleep(0.05)
    assert source.pages == 1
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert not exports._in_progress


async def _fails() -> AsyncGenerator[str, None]:
    raise RuntimeError("the database is away")
    yield ""


async def test_what_fails_at_once_is_an_error_and_frees_its_place() -> None:
    client = Client(takes=1)
    with pytest.raises(RuntimeError):
        await Pages(_fails(), "one", {})({"type": "http"}, client.receive, client.send)
    assert client.alive == [], "nothing was sent"
    assert not exports._in_progress


async def test_few_at_once_of_one_owner_and_in_all() -> None:
    may_end = asyncio.Event()

    async def pages() -> AsyncGenerator[str, None]:
        yield "first"
        await may_end.wait()

    async def start(owner: str) -> None:
        client = Client(takes=100)
        await Pages(pages(), owner, {})({"type": "http"}, client.receive, client.send)

    running = [asyncio.create_task(start(owner)) for owner in ("one", "one", "two", "three")]
    await asyncio.sleep(0)
    with pytest.raises(RateLimitExceeded) as limited:
        await start("one")
    with pytest.raises(ServiceUnavailable) as full:
        await start("four")
    assert (limited.value.status_code, full.value.status_code) == (429, 503)
    assert all(int((one.value.headers or {})["Retry-After"]) > 0 for one in (limited, full))
    may_end.set()
    await asyncio.gather(*running)
    await start("one")
    await start("four")
