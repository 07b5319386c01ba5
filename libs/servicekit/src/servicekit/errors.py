"""Errors are classes with a status, and one handler renders them all: `{"error": "<class>", "detail": ...}`.

422 is for the payload alone, with a list of `{loc, msg, type}` as detail. What a caller can cause is never a 5xx; a
database or broker that is away is 503 with `Retry-After`.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import structlog
from fastapi import FastAPI, Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, create_model
from sqlalchemy.exc import DBAPIError
from starlette.exceptions import HTTPException
from starlette.routing import Match

from servicekit.database import CONFLICTS, UNREACHABLE, is_transient, sqlstate

log = structlog.get_logger()


class ServiceError(Exception):
    """A refusal that the caller is told about. Subclasses set `status_code`; `extra` joins the body.

    `shows` documents fields of `extra`: types and defaults by name.
    """

    status_code: ClassVar[int] = 400
    shows: ClassVar[dict[str, Any]] = {}

    def __init__(self, detail: str, *, headers: Mapping[str, str] | None = None, **extra: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.headers = headers
        self.extra = extra


class BadRequest(ServiceError):
    """The request makes no sense in this state."""


class Unauthorized(ServiceError):
    """No token, or one that is not valid."""

    status_code = 401


class NotPermitted(ServiceError):
    """The token is valid but may not do this."""

    status_code = 403


class ResourceNotFound(ServiceError):
    """There is no such resource, or it belongs to another organization."""

    status_code = 404

    def __init__(self, detail: str = "Not found", **extra: Any) -> None:
        super().__init__(detail, **extra)


class Conflict(ServiceError):
    """Somebody else's change is in the way."""

    status_code = 409


class PayloadTooLarge(ServiceError):
    """The body is larger than the service takes."""

    status_code = 413


class InvalidInput(ServiceError):
    """A payload that is well formed but not acceptable; names the field by its path."""

    status_code = 422

    def __init__(self, loc: Sequence[str | int], msg: str, type: str = "value_error") -> None:
        super().__init__(msg)
        self.problems = [{"loc": list(loc), "msg": msg, "type": type}]

    @classmethod
    def all(cls, refusals: Sequence["InvalidInput"]) -> "InvalidInput":
        """One refusal that names all that others name; `refusals` has at least one."""
        whole = cls(("body",), refusals[0].detail)
        whole.problems = [problem for refusal in refusals for problem in refusal.problems]
        return whole


def responses(*errors: type[ServiceError]) -> dict[int | str, dict[str, Any]]:
    """The `responses=` of a route: each status with the schema of its errors' bodies, and what they mean."""
    declared: dict[int | str, dict[str, Any]] = {}
    for error in errors:
        description, model = (error.__doc__ or "").strip(), _body_of(error)
        known = declared.get(error.status_code)
        if known is not None:
            description, model = f"{known['description']} {description}", known["model"] | model
        declared[error.status_code] = {"description": description, "model": model}
    return declared


def _body_of(error: type[ServiceError]) -> type[BaseModel]:
    config = ConfigDict(json_schema_extra={"example": {"error": error.__name__, "detail": "…"}})
    return create_model(error.__name__, __config__=config, error=(str, ...), detail=(str, ...), **error.shows)


def _body(status: int, error: str, detail: Any, headers: Mapping[str, str] | None = None, **extra: Any) -> JSONResponse:
    return JSONResponse({"error": error, "detail": detail, **jsonable_encoder(extra)}, status, headers)


def install(app: FastAPI) -> None:
    """Makes `app` answer every error in the one shape."""

    @app.exception_handler(ServiceError)
    async def refused(request: Request, error: ServiceError) -> JSONResponse:
        if isinstance(error, InvalidInput):
            return _body(422, "RequestValidationError", _shown(error.problems))
        headers = error.headers
        if isinstance(error, Unauthorized):
            headers = {"WWW-Authenticate": "Bearer", **(headers or {})}
        return _body(error.status_code, type(error).__name__, error.detail, headers, **error.extra)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        return _body(422, "RequestValidationError", _shown(error.errors()))

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> JSONResponse:
        if error.status_code == 405:
            return _not_allowed(request)
        if error.status_code == 400:  # FastAPI's for a body that is not even text
            problem = {"loc": ["body"], "msg": "JSON decode error", "type": "json_invalid"}
            return _body(422, "RequestValidationError", [problem])
        names = {404: "ResourceNotFound"}
        return _body(error.status_code, names.get(error.status_code, "HTTPError"), error.detail, error.headers)

    @app.exception_handler(DBAPIError)
    async def database(request: Request, error: DBAPIError) -> JSONResponse:
        state = sqlstate(error)
        if state.startswith("22"):
            problem = {"loc": ["body"], "msg": "a value is out of range for the database", "type": "value_error"}
            return _body(422, "RequestValidationError", [problem])
        if state in CONFLICTS:
            return _body(409, "ResourceLocked", "the resource is being changed; try again", {"Retry-After": "1"})
        return unavailable(error) if is_transient(error) else crashed(error)

    async def unexpected(request: Request, error: Exception) -> JSONResponse:
        return unavailable(error) if is_transient(error) else crashed(error)

    # What is raised where a server is away or too busy is named besides: what the last handler of all answers is raised
    # again behind it, and the log then has a stack of a hundred lines for each request of a busy minute.
    for kind in (*UNREACHABLE, Exception):
        app.add_exception_handler(kind, unexpected)


def _not_allowed(request: Request) -> JSONResponse:
    """405 with all methods of the path, where Starlette names those of the first route that has it."""
    allowed: set[str] = set()
    is_literal = request.url.path in request.app.state.literals
    for route in request.app.state.routes:
        match, _ = route.matches(request.scope)
        if match is not Match.NONE and (not is_literal or route.path == request.url.path):
            allowed |= route.methods or set()
    headers = {"Allow": ", ".join(sorted(allowed))}
    return _body(405, "MethodNotAllowed", "Method Not Allowed", headers)


def unavailable(error: BaseException) -> JSONResponse:
    """503: a part that the service needs is away for a moment."""
    log.warning("request.unavailable", reason=type(error).__name__)
    return _body(503, "ServiceUnavailable", "temporarily unavailable; try again", {"Retry-After": "1"})


def crashed(error: BaseException) -> JSONResponse:
    """500: our own fault; the log has the stack, the caller only the request id."""
    log.error("request.failed", exc_info=error)
    return _body(500, "InternalServerError", "an unexpected error; the request id names it in the logs")


MAX_PROBLEMS = 50
MAX_PROBLEM_BYTES = 48 * 1024
"""What the problems of one answer may take: a refusal stays under 64 KiB, whatever was sent."""


def _shown(problems: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The first problems of a payload, as many as one answer takes; long parts of them are cut."""
    shown: list[dict[str, Any]] = []
    size = 0
    for problem in problems[:MAX_PROBLEMS]:
        loc = [_printable(part) for part in problem["loc"]]
        one = {"loc": loc, "msg": _printable(problem["msg"], 500), "type": problem["type"]}
        size += len(json.dumps(one))
        if shown and size > MAX_PROBLEM_BYTES:
            break
        shown.append(one)
    return shown


def _printable(part: Any, length: int = 128) -> str | int:
    return part if isinstance(part, int) else str(part)[:length].encode("utf-8", "replace").decode()
