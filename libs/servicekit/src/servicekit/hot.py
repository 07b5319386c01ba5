"""Hot reads: requests that are asked all day, answered by one statement whose result is the answer.

FastAPI spends more on a list's dozen parameters and dependencies than PostgreSQL does on its rows. A route stays what
it is, documented, with every filter and refusal; the plainest form of its request is answered before FastAPI sees it.
A hot read answers the very bytes that its route would, or nothing: then the route is asked.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl
from uuid import UUID

import asyncpg
from starlette.types import ASGIApp, Receive, Scope, Send

from servicekit.auth import HEADER, Verifier
from servicekit.database import Database
from servicekit.errors import Unauthorized
from servicekit.lists import MAX_LIMIT, Page

_PRINCIPAL = HEADER.lower().encode()


@dataclass(frozen=True)
class Plain:
    """A list in its plainest form: one organization, a page, the default order, and filters that are words."""

    organization_id: UUID
    page: Page
    filters: Mapping[str, str]


Answer = Callable[[Database, Plain], Awaitable[bytes | None]]


@dataclass(frozen=True)
class HotList:
    """The plain form of the list at `path` (with its trailing slash).

    `sorting` is the route's default order, `filters` the names and values that `answer` knows. `answer` gives the body,
    or None to leave the request to the route.
    """

    path: str
    scopes: frozenset[str]
    sorting: str
    filters: Mapping[str, frozenset[str]]
    answer: Answer

    def plain(self, organization_id: UUID, query: str) -> Plain | None:
        """The request as this list knows it, or None when it says anything else."""
        number, limit = 1, 10
        filters: dict[str, str] = {}
        pairs = parse_qsl(query, keep_blank_values=True)
        if len({name for name, _ in pairs}) != len(pairs):
            return None
        for name, value in pairs:
            if name in ("page", "limit"):
                if not value.isascii() or not value.isdecimal() or len(value) > 6 or int(value) < 1:
                    return None
                number, limit = (int(value), limit) if name == "page" else (number, min(int(value), MAX_LIMIT))
            elif name == "sorting":
                if value != self.sorting:
                    return None
            elif value in self.filters.get(name, ()):
                filters[name] = value
            else:
                return None
        return Plain(organization_id, Page(number, limit), filters)


class HotLists:
    """Answers hot lists; everything else goes on to the application."""

    def __init__(self, app: ASGIApp, lists: tuple[HotList, ...], database: Database, verifier: Verifier) -> None:
        self._app = app
        self._lists = {path: one for one in lists for path in (one.path, one.path.rstrip("/"))}
        self._database = database
        self._verifier = verifier

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        one = self._lists.get(scope["path"]) if scope["type"] == "http" and scope["method"] == "GET" else None
        body = await self._body(one, scope) if one is not None else None
        if body is None:
            await self._app(scope, receive, send)
            return
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _body(self, one: HotList, scope: Scope) -> bytes | None:
        token = None
        for name, value in scope["headers"]:
            if name == b"origin":
                return None  # the answer to a browser has more headers
            if name == _PRINCIPAL:
                token = value.decode("latin-1")
        try:
            caller = self._verifier.verify(token or "")
        except Unauthorized:
            return None
        if caller.kind == "customer" or len(caller.organization_ids) != 1:
            return None
        if caller.scopes.isdisjoint(one.scopes):
            return None
        plain = one.plain(caller.organization_ids[0], scope["query_string"].decode("latin-1"))
        if plain is None:
            return None
        try:
            return await one.answer(self._database, plain)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return None  # the route says what is wrong, in its own words
