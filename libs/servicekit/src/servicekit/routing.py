"""The edge of a request: its transaction, committed before the answer leaves, and its idempotency key.

A route that takes `SessionOf` shares one transaction with everything it calls. The route itself commits when the answer
is rendered, so an answer is never seen of a change that was not committed, and a stored answer of an
`Idempotency-Key` is in the same transaction as the effect. A route that takes `SessionsOf` opens its own
transactions; its operation must be idempotent by itself, and the key only saves it from being asked twice.
"""

import asyncio
import base64
import hashlib
import json
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack, suppress
from datetime import timedelta
from functools import lru_cache
from typing import Annotated, Any, TypeVar, cast

from cryptography.fernet import Fernet
from fastapi import APIRouter, Depends, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.exceptions import HTTPException

from servicekit import clock, clocks
from servicekit.auth import principal_of
from servicekit.clock import Standing
from servicekit.database import Database, Sessions
from servicekit.errors import Conflict, InvalidInput, ServiceError
from servicekit.http import SLASH
from servicekit.inputs import Declared, parts_of
from servicekit.locks import open_session
from servicekit.outside import asking

_SEALED = {"x-sealed": "fernet"}
"""Marks an answer that is encrypted; those of earlier releases are not."""
KEPT = timedelta(hours=24)
CLAIM = timedelta(seconds=10)
"""How long a request whose process was killed keeps its key; one that is still worked on renews its claim."""
RENEW_SECONDS = 3.0
MAX_KEY = 255
_NOT_STORED = {401, 403, 404, 408, 409, 422, 425, 429}
"""Refusals that may turn into an answer: a resource that is not there may be on its way from another service."""
_WRITES = {"POST", "PUT", "PATCH", "DELETE"}
_RESOURCE_FIELDS = ("organization_id", "key", "client_secret", "email")
"""Which fields of a body without a token name the resource that a literal path is about."""

_CLAIM = text("""
    insert into idempotency_keys as present (owner, key, fingerprint, claimed_until, expires_at)
    values (:owner, :key, :fingerprint, :until, :expires)
    on conflict (owner, key) do update
        set fingerprint = excluded.fingerprint, claimed_until = excluded.claimed_until,
            expires_at = excluded.expires_at, status = null, headers = null, body = null
        where present.expires_at < :now
           or (present.status is null and present.claimed_until < :now and present.fingerprint = excluded.fingerprint)
    returning owner
""")
_FIND = text("select fingerprint, status, headers, body from idempotency_keys where owner = :owner and key = :key")
_STORE = text("""
    update idempotency_keys set status = :status, headers = cast(:headers as jsonb), body = :body
    where owner = :owner and key = :key and status is null
    returning owner
""")
_RENEW = text(
    "update idempotency_keys set claimed_until = :until where owner = :owner and key = :key and status is null"
)
_FORGET = text("delete from idempotency_keys where owner = :owner and key = :key and status is null")


class IdempotencyKeyInFlight(Conflict):
    """Another request with this key has not been answered yet."""


class _Edge:
    """One request's transaction, opened when it is first asked for."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.session: AsyncSession | None = None
        self._stack = AsyncExitStack()

    async def open(self) -> AsyncSession:
        if self.session is None:
            session = open_session(self.database.engine)
            self.session = await self._stack.enter_async_context(session)
        return self.session

    async def commit(self) -> None:
        if self.session is not None:
            await self.database.commit(self.session)

    async def rollback(self) -> None:
        """Ends the transaction, if one was opened, as if nothing had happened; the next use opens another."""
        await self._stack.aclose()
        self.session = None

    async def close(self) -> None:
        await self._stack.aclose()


async def session_of(request: Request) -> AsyncSession:
    """The request's transaction, for a route that needs it only sometimes; others take `SessionOf`."""
    return await cast(_Edge, request.state.edge).open()


async def _sessions(request: Request) -> Sessions:
    return cast(Database, request.app.state.database).transaction


SessionOf = Annotated[AsyncSession, Depends(session_of)]
"""The request's transaction."""
SessionsOf = Annotated[Sessions, Depends(_sessions)]
"""Opens transactions of the operation's own; a route takes this one or `SessionOf`, never both."""


Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])


def answers_with_secret(endpoint: Endpoint) -> Endpoint:
    """Marks a route whose answer holds a token or another secret: a stored answer is given to the same token alone."""
    endpoint.answers_with_secret = True  # type: ignore[attr-defined]
    return endpoint


def _authorizations(dependant: Dependant) -> list[Callable[[Request], Any]]:
    """What `allow` requires of a route's callers, wherever it stands among the dependencies."""
    found = (getattr(part.call, "authorize", None) for part in parts_of(dependant))
    return [check for check in found if check is not None]


class EdgeRoute(APIRoute):
    """A route that commits, answers a repeated `Idempotency-Key` from what it stored, and refuses unknown input."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wraps FastAPI's handler with the transaction and the key."""
        handle = super().get_route_handler()
        authorizations = _authorizations(self.dependant)
        is_secret = getattr(self.endpoint, "answers_with_secret", False)
        declared = Declared(self.dependant, f"{self.path_format} {self.name}")
        is_write = not _WRITES.isdisjoint(self.methods or ())

        async def at_the_edge(request: Request) -> Response:
            if self.param_convertors and request.url.path in request.app.state.literals:
                raise HTTPException(405)  # a path of its own, with another method: not an id
            for name, value in request.path_params.items():
                if isinstance(value, str) and SLASH in value:
                    request.path_params[name] = value.replace(SLASH, "/")
            declared.check_query(request)
            if is_write:
                await declared.check_body(request)
            edge = _Edge(request.app.state.database)
            request.state.edge = edge

            async def answered(request: Request) -> Response:
                """The answer, after the outside was asked for what the request needs to know of it."""

                async def work() -> Response:
                    await edge.rollback()
                    return await handle(request)

                return await asking(work)

            try:
                with clock.standing_at(await _standing(request, edge.database)):
                    key = request.headers.get("idempotency-key")
                    if key is not None and request.method in _WRITES:
                        # A stored answer is for whoever may make the request, not for whoever knows its key.
                        for authorize in authorizations:
                            authorize(request)
                        return await _once(key, await _owner(request, is_secret), request, edge, answered)
                    response = await answered(request)
                    await edge.commit()
                    return response
            finally:
                await edge.close()

        return at_the_edge


async def _standing(request: Request, database: Database) -> Standing | None:
    """The test clock at which a request is answered: one of an organization in test mode; others cost no look."""
    principal = principal_of(request)
    if principal is None or not principal.is_test or len(principal.organization_ids) != 1:
        return None
    return await clocks.standing_of(database, principal.organization_ids[0])


async def _once(
    key: str, owner: str, request: Request, edge: _Edge, handle: Callable[[Request], Coroutine[Any, Any, Response]]
) -> Response:
    if not 1 <= len(key) <= MAX_KEY or not key.isascii() or not key.isprintable():
        raise InvalidInput(("header", "Idempotency-Key"), f"Should be 1 to {MAX_KEY} printable characters")
    named = {"owner": owner, "key": key}
    fingerprint = await _fingerprint(request)
    cipher = _cipher(request.app.state.settings.secret)
    stored = await _claim(edge.database, named, fingerprint, cipher)
    if stored is not None:
        return stored
    renewing = asyncio.create_task(_renew(edge.database, named))
    try:
        return await _answer(named, request, edge, handle, cipher)
    finally:
        renewing.cancel()


async def _answer(
    named: dict[str, str],
    request: Request,
    edge: _Edge,
    handle: Callable[[Request], Coroutine[Any, Any, Response]],
    cipher: Fernet,
) -> Response:
    """Answers and stores the answer; where another request stored one meanwhile, nothing of this one is kept."""
    try:
        response = await handle(request)
    except ServiceError as refusal:
        await edge.close()
        if refusal.status_code in _NOT_STORED or refusal.status_code >= 500:
            await _run(edge.database, _FORGET, named)
            raise
        body = {"error": type(refusal).__name__, "detail": refusal.detail, **refusal.extra}
        rendered = json.dumps(body, default=str).encode()
        headers = {"content-type": "application/json", **_SEALED}
        sealed = {"headers": json.dumps(headers), "body": cipher.encrypt(rendered)}
        await _run(edge.database, _STORE, {**named, "status": refusal.status_code, **sealed})
        raise
    except BaseException:
        await edge.close()
        await _run(edge.database, _FORGET, named)
        raise
    headers = {"content-type": response.headers.get("content-type", "application/json"), **_SEALED}
    kept = {
        **named,
        "status": response.status_code,
        "headers": json.dumps(headers),
        "body": cipher.encrypt(bytes(response.body)),
    }
    if edge.session is not None:
        if (await edge.session.execute(_STORE, kept)).first() is None:
            raise IdempotencyKeyInFlight("another request with this key was answered first; ask again for its answer")
        await edge.commit()
    else:
        await _run(edge.database, _STORE, kept)
    return response


async def _owner(request: Request, is_secret: bool) -> str:
    """Whose key it is: the organization's, the token's own where the answer holds a secret; without a token, that of
    the resource which the path or the body names, so that strangers do not meet in one name."""
    principal = principal_of(request)
    if principal is not None:
        return f"{principal.owner}:{principal.id}" if is_secret else principal.owner
    named = request.url.path
    if named in request.app.state.literals:
        with suppress(ValueError, RecursionError):
            body = json.loads(await request.body())
            named += json.dumps([body.get(field) for field in _RESOURCE_FIELDS]) if isinstance(body, dict) else ""
    return f"anonymous:{hashlib.sha256(named.encode()).hexdigest()}"


async def _fingerprint(request: Request) -> bytes:
    digest = hashlib.sha256(f"{request.method} {request.url.path.rstrip('/')}?{request.url.query}\n".encode())
    digest.update(await request.body())
    return digest.digest()


async def _claim(database: Database, named: dict[str, str], fingerprint: bytes, cipher: Fernet) -> Response | None:
    """Takes the key for this request, or returns the answer that is stored under it."""
    now = clock.wall()
    async with database.transaction() as session:
        claim = {"fingerprint": fingerprint, "until": now + CLAIM, "expires": now + KEPT, "now": now}
        if (await session.execute(_CLAIM, {**named, **claim})).first() is not None:
            return None
        present = (await session.execute(_FIND, named)).first()
    if present is None:
        raise IdempotencyKeyInFlight("the request with this key was just given up; try again")
    if bytes(present.fingerprint) != fingerprint:
        raise InvalidInput(("header", "Idempotency-Key"), "was used with another request", "idempotency_error")
    if present.status is None:
        raise IdempotencyKeyInFlight("the request with this key is still being worked on")
    headers = {name: value for name, value in present.headers.items() if name not in _SEALED}
    body = cipher.decrypt(bytes(present.body)) if headers != present.headers else bytes(present.body)
    return Response(body, present.status, {**headers, "Idempotent-Replayed": "true"})


@lru_cache
def _cipher(secret: str) -> Fernet:
    """Stored answers are encrypted: one of them may hold a token or a secret that is shown only once."""
    return Fernet(base64.urlsafe_b64encode(hashlib.sha256(f"idempotency-keys:{secret}".encode()).digest()))


async def _renew(database: Database, named: dict[str, str]) -> None:
    while True:
        await asyncio.sleep(RENEW_SECONDS)
        # Where the database is away the claim may run out; `_STORE` then lets only one answer through.
        with suppress(Exception):
            await _run(database, _RENEW, {**named, "until": clock.wall() + CLAIM})


async def _run(database: Database, statement: Any, values: dict[str, Any]) -> None:
    async with database.transaction() as session:
        await session.execute(statement, values)


class ResourceRouter(APIRouter):
    """The routes of one resource: committed at the edge, answering with and without a trailing slash."""

    def __init__(self, prefix: str, tag: str) -> None:
        super().__init__(prefix=f"/v1{prefix}", tags=[tag], route_class=EdgeRoute, redirect_slashes=False)

    def add_api_route(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        """Adds the route as it is documented, and its twin with the other ending outside of the documentation."""
        super().add_api_route(path, endpoint, **options)
        twin = path.rstrip("/") if path.endswith("/") else f"{path}/"
        hidden = {name: value for name, value in options.items() if name not in {"include_in_schema", "operation_id"}}
        super().add_api_route(twin, endpoint, **hidden, include_in_schema=False)
