"""CSV exports: any number of rows in constant memory, few at once, and safe to open in a spreadsheet."""

import asyncio
import csv
import io
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing, contextmanager
from datetime import datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from fastapi import Query
from fastapi.responses import StreamingResponse
from pydantic import AfterValidator
from sqlalchemy import Select, tuple_
from starlette.types import Receive, Scope, Send

from servicekit.database import Sessions
from servicekit.errors import ServiceError

ROWS_AT_ONCE = 200
EXPORTS_AT_ONCE = 4
"""In one process. An export takes the processor from every other request, and a page of memory."""
OF_ONE_OWNER = 2
_RETRY_AFTER = {"Retry-After": "5"}
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What a spreadsheet takes for the beginning of a formula (OWASP, CSV injection)."""


class CSVResponse(StreamingResponse):
    """The media type, for the documentation of a route."""

    media_type = "text/csv"


class RateLimitExceeded(ServiceError):
    """The caller has as many exports in progress as one may have."""

    status_code = 429


class ServiceUnavailable(ServiceError):
    """As many exports are in progress as the process has room for."""

    status_code = 503


class Pages(CSVResponse):
    """Sends pages of text as they are made, one at a time: the next page is read when the client has taken the last.

    It stops between two pages when the client has left. Answers 429 where the owner has `OF_ONE_OWNER` in progress, and
    503 where the process has `EXPORTS_AT_ONCE`.
    """

    def __init__(self, pages: AsyncGenerator[str, None], owner: str, headers: Mapping[str, str]) -> None:
        super().__init__(pages, headers=dict(headers))
        self._pages = pages
        self._owner = owner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one export."""
        with _admitted(self._owner):
            leaving = asyncio.create_task(_until_left(receive))
            try:
                async with aclosing(self._pages) as pages:
                    page = await anext(pages)  # what fails at once is an error's answer, not a broken file
                    await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
                    while not leaving.done():
                        await send({"type": "http.response.body", "body": page.encode(), "more_body": True})
                        try:
                            page = await anext(pages)
                        except StopAsyncIteration:
                            await send({"type": "http.response.body", "body": b"", "more_body": False})
                            return
            finally:
                leaving.cancel()


async def _until_left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


_in_progress: Counter[str] = Counter()


@contextmanager
def _admitted(owner: str) -> Iterator[None]:
    if _in_progress[owner] >= OF_ONE_OWNER:
        raise RateLimitExceeded(f"{OF_ONE_OWNER} exports are in progress; try again", headers=_RETRY_AFTER)
    if _in_progress.total() >= EXPORTS_AT_ONCE:
        raise ServiceUnavailable("other exports are in progress; try again", headers=_RETRY_AFTER)
    _in_progress[owner] += 1
    try:
        yield
    finally:
        _in_progress[owner] -= 1
        if not _in_progress[owner]:
            del _in_progress[owner]


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("is not a time zone of the IANA database") from None
    return name


TimeZone = Annotated[str, Query(max_length=64, description="An IANA name."), AfterValidator(_known_zone)]


def csv_response(
    sessions: Sessions,
    statement: Select[*tuple[Any, ...]],
    model: Any,
    columns: Mapping[str, Callable[[Any], Any]],
    *,
    owner: str,
    filename: str,
    zone: str = "UTC",
) -> Pages:
    """Streams the rows of `statement`, latest first, one line each; instants are written in `zone`, to the second.

    `model` has the `created_at` and `id` by which the rows are walked, `ROWS_AT_ONCE` in a transaction of its own, so
    that a slow reader holds neither a transaction nor memory. A row that is added meanwhile may be missing; none is
    doubled. `owner` is whose exports are counted together.
    """
    lines = _lines(sessions, statement, model, columns, ZoneInfo(zone))
    return Pages(lines, owner, {"Content-Disposition": f'attachment; filename="{filename}"'})


def csv_table(header: Sequence[str], rows: Sequence[Sequence[Any]], *, filename: str, zone: str = "UTC") -> CSVResponse:
    """A table that is small enough to be made at once."""
    local = ZoneInfo(zone)
    text = _text([header, *([_cell(value, local) for value in row] for row in rows)])
    return CSVResponse(iter([text]), headers={"Content-Disposition": f'attachment; filename="{filename}"'})


async def _lines(
    sessions: Sessions,
    statement: Select[*tuple[Any, ...]],
    model: Any,
    columns: Mapping[str, Callable[[Any], Any]],
    zone: ZoneInfo,
) -> AsyncGenerator[str, None]:
    key = tuple_(model.created_at, model.id)
    ordered = statement.add_columns(model.created_at.label("_at"), model.id.label("_id"))
    ordered = ordered.order_by(model.created_at.desc(), model.id.desc()).limit(ROWS_AT_ONCE)
    after: tuple[Any, Any] | None = None
    header = list(columns)
    while True:
        page = ordered if after is None else ordered.where(key < after)
        async with sessions() as session:
            rows: Sequence[Any] = (await session.execute(page)).all()
        cells = [[_cell(value(row), zone) for value in columns.values()] for row in rows]
        yield _text(cells if after is not None else [header, *cells])
        if len(rows) < ROWS_AT_ONCE:
            return
        after = (rows[-1]._mapping["_at"], rows[-1]._mapping["_id"])


def _text(rows: Sequence[Sequence[str]]) -> str:
    file = io.StringIO()
    csv.writer(file).writerows(rows)
    return file.getvalue()


def _cell(value: Any, zone: ZoneInfo) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.astimezone(zone).isoformat(timespec="seconds")
    if not isinstance(value, str):
        return str(value)
    return f"'{value}" if value.startswith(_FORMULA) else value
