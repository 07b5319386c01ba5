"""CSV exports: any number of rows in constant memory, and safe to open in a spreadsheet."""

import csv
import io
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from fastapi import Query
from fastapi.responses import StreamingResponse
from pydantic import AfterValidator
from sqlalchemy import Select, tuple_

from servicekit.database import Sessions

ROWS_AT_ONCE = 1000
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What a spreadsheet takes for the beginning of a formula (OWASP, CSV injection)."""


class CSVResponse(StreamingResponse):
    """The media type, for the documentation of a route."""

    media_type = "text/csv"


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("is not a time zone of the IANA database") from None
    return name


TimeZone = Annotated[str, Query(max_length=64, description="An IANA name."), AfterValidator(_known_zone)]


async def csv_response(
    sessions: Sessions,
    statement: Select[*tuple[Any, ...]],
    model: Any,
    columns: Mapping[str, Callable[[Any], Any]],
    *,
    filename: str,
    zone: str = "UTC",
) -> CSVResponse:
    """Streams the rows of `statement`, latest first, one line each; instants are written in `zone`, to the second.

    `model` has the `created_at` and `id` by which the rows are walked, a thousand in a transaction of its own, so that
    a slow reader holds neither a transaction nor memory. A row that is added meanwhile may be missing; none is doubled.
    """
    lines = _lines(sessions, statement, model, columns, ZoneInfo(zone))
    first = await anext(lines)  # what fails at once is an error's answer, not a broken file

    async def body() -> AsyncIterator[str]:
        yield first
        async for line in lines:
            yield line

    return CSVResponse(body(), headers={"Content-Disposition": f'attachment; filename="{filename}"'})


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
) -> AsyncIterator[str]:
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
