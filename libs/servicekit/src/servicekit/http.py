"""What happens to every request before a route sees it: ids, dialect, guards, and parameters in a GET body."""

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from enum import StrEnum
from typing import Annotated, Any
from urllib.parse import parse_qsl, unquote, urlencode

import structlog
from fastapi import Depends
from opentelemetry.trace import SpanKind
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from servicekit import auth, bodies, ids, metrics, telemetry
from servicekit.errors import ServiceError

log = structlog.get_logger()
_duration = telemetry.histogram(
    metrics.REQUEST_DURATION, [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]
)

MAX_GET_BODY = 8192
SLASH = "\0"
"""Stands in a path for a `/` that was sent as `%2F`: a part of a name. Nobody can send it, since NUL is refused."""
_SLASH = re.compile("%2f", re.IGNORECASE)
_SANE_ID = re.compile(r"(?!polar_|whsec_|[sr]k_)[A-Za-z0-9_-]{8,64}$")
_SECRET_IN_PATH = re.compile(r"(?<=/client/)[^/]+|(?<=/)(?:polar_|whsec_|[sr]k_)[^/]+")


class Dialect(StrEnum):
    """The shapes in which a request is spoken: the documented API's own, or a version of the official SDKs."""

    SEED = "seed"
    V2026_04 = "2026-04"
    V2026_10 = "2026-10"
    V2027_01 = "2027-01"


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_VERSIONS = frozenset(Dialect)
_dialect: ContextVar[Dialect] = ContextVar("dialect", default=Dialect.SEED)


def present_dialect() -> Dialect:
    """The dialect of the request in hand."""
    return _dialect.get()


async def _present_dialect() -> Dialect:
    return present_dialect()  # FastAPI would call a plain function in a thread, which costs more than it does


DialectOf = Annotated[Dialect, Depends(_present_dialect)]


BeforeBody = Callable[[Scope], None]
"""Refuses a request before its body is read, by raising a `ServiceError`."""


class RequestContext:
    """Gives each request an id, a trace, a log line and a dialect; refuses an unknown `Polar-Version` with 404."""

    def __init__(
        self, app: ASGIApp, body_limit: int, large_json: frozenset[str], before_body: BeforeBody | None = None
    ) -> None:
        self._app = app
        self._limit = body_limit
        self._large_json = large_json
        self._before_body = before_body
        self._collector = bodies.Collector()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        given = headers.get(b"x-request-id", "")
        request_id = given if _SANE_ID.match(given) else ids.uuid7().hex
        version = headers.get(b"polar-version")
        status = 0

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                outgoing = message["headers"]
                outgoing.append((b"x-request-id", request_id.encode()))
                outgoing.append((b"polar-version", _dialect.get().encode()))
                if not any(name == b"cache-control" for name, _ in outgoing):
                    outgoing.append((b"cache-control", b"no-store"))
            await send(message)

        with (
            structlog.contextvars.bound_contextvars(request_id=request_id),
            telemetry.span(scope["method"], SpanKind.SERVER, parent=headers.get(b"traceparent")),
        ):
            began = time.perf_counter()
            if auth.HEADER_NAME in headers:
                auth.verify_on_arrival(scope, headers[auth.HEADER_NAME])
            if version is not None and version not in _VERSIONS:
                await JSONResponse({"detail": "Not Found"}, 404)(scope, receive, answer)
            else:
                token = _dialect.set(Dialect(version) if version else Dialect.SEED)
                try:
                    await self._guarded(scope, headers, receive, answer)
                finally:
                    _dialect.reset(token)
            if telemetry.is_exporting():
                _measure(scope, status, time.perf_counter() - began)
            if not scope["path"].endswith(("/healthz", "/readyz")):
                log.info("request", method=scope["method"], path=_logged(scope["path"]), status=status)

    async def _guarded(self, scope: Scope, headers: Mapping[bytes, str], receive: Receive, send: Send) -> None:
        if b"%00" in scope.get("raw_path", b"") or b"%00" in scope["query_string"]:
            await _invalid(["query"], "NUL characters are not allowed")(scope, receive, send)
            return
        if b"%2f" in scope.get("raw_path", b"").lower():
            scope["path"] = unquote(_SLASH.sub(SLASH, scope["raw_path"].decode("latin-1")))
        if b"content-length" not in headers and b"transfer-encoding" not in headers:
            await self._app(scope, receive, send)
            return
        if self._before_body is not None:
            try:
                self._before_body(scope)
            except ServiceError as refusal:
                content = {"error": type(refusal).__name__, "detail": refusal.detail}
                await JSONResponse(content, refusal.status_code)(scope, receive, send)
                return
        body = await self._read(headers, receive)
        if body is None:
            answer = JSONResponse({"error": "PayloadTooLarge", "detail": f"at most {self._limit} bytes"}, 413)
            await answer(scope, receive, send)
            return
        self._collector.add(len(body))
        is_text = headers.get(b"content-type", "") != "application/octet-stream"
        if is_text and (b"\x00" in body or b"\\u0000" in body):
            await _invalid(["body"], "NUL characters are not allowed")(scope, receive, send)
            return
        is_large = scope["path"].rstrip("/") in self._large_json
        limit = self._limit if is_large else min(self._limit, bodies.USUAL_LIMIT)
        problem = bodies.problem_of(body, limit) if is_text else None
        if problem is not None:
            await _invalid(["body"], problem)(scope, receive, send)
            return
        if scope["method"] == "GET" and body.strip():
            query = _with_body_parameters(scope["query_string"], body)
            if query is None:
                problem = f"The body of a GET should be a JSON object of at most {MAX_GET_BODY} bytes"
                await _invalid(["body"], problem)(scope, receive, send)
                return
            scope["query_string"] = query
        delivered = False

        async def replay() -> Message:
            nonlocal delivered
            if delivered:
                return await receive()
            delivered = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self._app(scope, replay, send)

    async def _read(self, headers: Mapping[bytes, str], receive: Receive) -> bytes | None:
        """The whole body, or None when it is larger than the service takes."""
        length = headers.get(b"content-length", "0")
        if not length.isdecimal() or int(length) > self._limit:
            return None
        chunks: list[bytes] = []
        size = 0
        while True:
            message = await receive()
            chunk = message.get("body", b"")
            size += len(chunk)
            if size > self._limit:
                return None
            chunks.append(chunk)
            if message["type"] != "http.request" or not message.get("more_body", False):
                return b"".join(chunks)


def _invalid(loc: list[str], msg: str) -> JSONResponse:
    problem = {"loc": loc, "msg": msg, "type": "value_error"}
    return JSONResponse({"error": "RequestValidationError", "detail": [problem]}, 422)


def _measure(scope: Scope, status: int, seconds: float) -> None:
    """By the route, not the address: addresses have ids, and now and then a secret."""
    route = getattr(scope.get("route"), "path", None)
    if route is None:
        # A hot list is answered before there is a route; it stands at a path without parameters.
        literals = scope["app"].state.literals if "app" in scope else ()
        route = scope["path"] if scope["path"] in literals else "unmatched"
    telemetry.rename(f"{scope['method']} {route}")
    attributes = {
        "http.request.method": scope["method"] if scope["method"] in _METHODS else "_OTHER",
        "http.route": route,
        "http.response.status_code": status,
    }
    if route.rstrip("/").rpartition("/")[2] != "stream":  # lasts as long as it is looked at
        _duration.record(seconds, attributes)


def _logged(path: str) -> str:
    """A path without the client secret that some routes carry in it, nor one that came there by mistake."""
    return _SECRET_IN_PATH.sub("…", path.replace(SLASH, "%2F"))


def _with_body_parameters(query: bytes, body: bytes) -> bytes | None:
    """Adds the fields of a JSON object in a GET's body to the query; what the query names already wins.

    None where the body is no such object, or a larger one than is taken.
    """
    try:
        fields = json.loads(body) if len(body) <= MAX_GET_BODY else None
    except (ValueError, RecursionError):
        return None
    if not isinstance(fields, dict):
        return None
    named = {name for name, _ in parse_qsl(query.decode("latin-1"), keep_blank_values=True)}
    extra = [(name, value) for name, value in _flat(fields) if name not in named]
    return b"&".join(part for part in (query, urlencode(extra).encode()) if part)


def _flat(fields: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in fields.items():
        if isinstance(value, dict):
            for key, inner in value.items():
                yield from _flat({f"{name}[{key}]": inner})
        elif isinstance(value, list):
            yield from ((name, _spoken(inner)) for inner in value)
        elif value is not None:
            yield name, _spoken(value)


def _spoken(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value).encode("utf-8", "replace").decode()
