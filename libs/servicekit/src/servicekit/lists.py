"""Lists: pages, sortings, and the filters that a query string or a small JSON body brings."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Annotated, Any, ClassVar, Generic, TypeVar

from fastapi import Depends, Query, Request, Response
from pydantic import BaseModel, WithJsonSchema
from sqlalchemy import ColumnElement, Row, Select, UnaryExpression, func, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from servicekit.errors import InvalidInput

MAX_LIMIT = 100
Item = TypeVar("Item")


class Pagination(BaseModel):
    """Where a page stands. `max_page` is 0 when there is nothing."""

    page: int
    page_size: int
    total_count: int
    max_page: int


class ListResource(BaseModel, Generic[Item]):
    """A page of a list."""

    items: list[Item]
    pagination: Pagination


@dataclass(frozen=True)
class Page:
    """Which page is asked for: `number` from 1, `limit` from 1 to 100."""

    number: int
    limit: int

    @property
    def offset(self) -> int:
        """How many rows come before it."""
        return (self.number - 1) * self.limit

    def of(self, items: list[Item], total: int) -> ListResource[Item]:
        """The answer of a list route."""
        pagination = Pagination(
            page=self.number, page_size=self.limit, total_count=total, max_page=ceil(total / self.limit)
        )
        return ListResource(items=items, pagination=pagination)

    def of_documents(self, documents: Sequence[str], total: int) -> Response:
        """The answer of a list whose items are JSON already: they are joined, not read."""
        return Response(self.body(",".join(documents), total), media_type="application/json")

    def body(self, items: str, total: int) -> bytes:
        """The body of a list whose items are JSON already, with commas between them."""
        counts = f'"page":{self.number},"page_size":{self.limit},"total_count":{total}'
        return f'{{"items":[{items}],"pagination":{{{counts},"max_page":{ceil(total / self.limit)}}}}}'.encode()


async def _page(
    page: Annotated[int, Query(ge=1, le=1_000_000, description="From 1.")] = 1,
    limit: Annotated[int, Query(ge=1, description=f"At most {MAX_LIMIT}; more is taken as {MAX_LIMIT}.")] = 10,
) -> Page:
    return Page(page, min(limit, MAX_LIMIT))


PageQuery = Annotated[Page, Depends(_page)]


@dataclass(frozen=True)
class Sorting:
    """By which properties, and whether falling."""

    properties: tuple[tuple[str, bool], ...]

    def clauses(self, columns: Mapping[str, Any], last: Any) -> list[UnaryExpression[Any]]:
        """The ORDER BY; `last` is a unique column that makes the order total, so that pages never overlap."""
        chosen = [(columns[name], falling) for name, falling in self.properties]
        falls = chosen[0][1] if chosen else True
        return [column.desc() if falling else column.asc() for column, falling in (*chosen, (last, falls))]


def sorted_by(*properties: str, default: str = "-created_at") -> Any:
    """The dependency for `sorting=-created_at,name`: repeated, or separated by commas."""
    allowed = [sign + name for name in properties for sign in ("", "-")]

    one = f"-?({'|'.join(properties)})"
    word = Annotated[str, WithJsonSchema({"type": "string", "pattern": f"^{one}(,{one})*$"})]

    async def sorting(
        sorting: Annotated[list[word] | None, Query(description=f"Any of {', '.join(allowed)}.")] = None,
    ) -> Sorting:
        wanted = [word.strip() for value in sorting or [default] for word in value.split(",")]
        for word in wanted:
            if word not in allowed:
                raise InvalidInput(("query", "sorting"), f"Input should be one of {', '.join(allowed)}", "enum")
        return Sorting(tuple((word.lstrip("-"), word.startswith("-")) for word in wanted))

    return Depends(sorting)


MetadataFilter = Mapping[str, Sequence[str]]
MAX_METADATA_FILTERS = 10


class _Metadata:
    """Finds `metadata[key]=value` in the query."""

    query_names = re.compile(r"metadata\[([^\]]{1,40})\]")
    parameter: ClassVar[dict[str, Any]] = {
        "name": "metadata",
        "in": "query",
        "style": "deepObject",
        "explode": True,
        "description": "`metadata[key]=value`: what has the value under the key; repeated, any of the values.",
        "schema": {"type": "object"},
    }

    async def __call__(self, request: Request) -> MetadataFilter:
        found: dict[str, list[str]] = {}
        for name, value in request.query_params.multi_items():
            match = self.query_names.fullmatch(name)
            if match:
                values = found.setdefault(match[1], [])
                values.append(value)
                if len(found) > MAX_METADATA_FILTERS or len(values) > MAX_METADATA_FILTERS:
                    raise InvalidInput(
                        ("query", "metadata"), f"may name at most {MAX_METADATA_FILTERS} keys and values each"
                    )
        return found


MetadataQuery = Annotated[MetadataFilter, Depends(_Metadata())]


def metadata_matches(column: Any, wanted: MetadataFilter) -> list[ColumnElement[bool]]:
    """The conditions of `metadata[key]=value`: for each key any of its values, compared as text."""
    return [column[key].astext.in_(list(values)) for key, values in wanted.items()]


def text_matches(query: str, *columns: Any) -> ColumnElement[bool]:
    """Whether any column contains the text, whatever its case; `%` and `_` stand for themselves."""
    return or_(*(column.icontains(query, autoescape=True) for column in columns))


async def fetch_page(
    session: AsyncSession, statement: Select[Item], page: Page, order: Sequence[Any]
) -> tuple[list[Item], int]:
    """What a page has of the first thing selected, and the count of the whole list."""
    rows, total = await fetch_rows(session, statement, page, order)
    return [row[0] for row in rows], total


async def fetch_rows(
    session: AsyncSession,
    statement: Select[*tuple[Any, ...]],
    page: Page,
    order: Sequence[Any],
    *,
    counted: Select[*tuple[Any, ...]] | None = None,
) -> tuple[list[Row[Any]], int]:
    """The rows of a page and the count of the whole list, in one statement; a page past the end takes another.

    `counted` has as many rows as `statement`, but without the joins that only bring what the page shows.
    """
    bare = (statement if counted is None else counted).order_by(None).with_only_columns(literal(1))
    count = select(func.count()).select_from(bare.subquery())
    paged = statement.add_columns(count.scalar_subquery()).order_by(*order).limit(page.limit).offset(page.offset)
    rows = list((await session.execute(paged)).unique())
    if rows:
        return rows, int(rows[0][-1])
    return [], 0 if page.number == 1 else (await session.execute(count)).scalar_one()
