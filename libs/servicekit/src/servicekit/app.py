"""The HTTP process of a service: composition, health, and the server."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import uvicorn
from contracts import avatars
from fastapi import APIRouter, FastAPI
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute

from servicekit import broker, errors, memory, telemetry
from servicekit.auth import Verifier
from servicekit.cors import Origins
from servicekit.database import Database
from servicekit.documentation import document
from servicekit.hot import HotList, HotLists
from servicekit.http import BeforeBody, RequestContext
from servicekit.serving import Finishing, Server
from servicekit.settings import Settings

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


@asynccontextmanager
async def _nothing(app: FastAPI) -> AsyncIterator[None]:
    yield


def create_app(
    service: str,
    settings: Settings,
    routers: Sequence[APIRouter],
    lifespan: Lifespan = _nothing,
    hot: Sequence[HotList] = (),
    before_body: BeforeBody | None = None,
) -> FastAPI:
    """A service's application. `lifespan` may hold what its routes share, for example a client of the outside.

    `hot` are lists that are answered beside their routes in their plainest form. `before_body` may refuse a request by
    its method, path and query before its body is read, with a `ServiceError`.

    `app.state` has `settings`, `database`, `verifier`, `is_stopping`, `routes`: those of the routers, one by one,
    and `literals`: the paths among them without a parameter.
    """
    telemetry.configure(service, settings)
    avatars.use(settings.public_url)

    @asynccontextmanager
    async def run(app: FastAPI) -> AsyncIterator[None]:
        async with lifespan(app):
            yield
        await app.state.database.close()

    app = FastAPI(
        title=f"Polar suite: {service}",
        version="1.0",
        lifespan=run,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        generate_unique_id_function=operation_id,
        separate_input_output_schemas=True,
    )
    app.openapi = lambda: document(app)  # type: ignore[method-assign]
    app.state.routes = [route for router in routers for route in router.routes]
    app.state.literals = {route.path for route in app.state.routes if "{" not in route.path}
    app.state.settings = settings
    app.state.is_stopping = False
    app.state.database = Database(settings.database_url, name=f"{service}.api", pool_size=settings.database_pool_size)
    if settings.principal_public_key:
        app.state.verifier = Verifier(settings.principal_public_key)
    errors.install(app)
    for router in routers:
        app.include_router(router)
    _add_health(app, settings)
    app.add_middleware(Origins, origins=settings.cors_origins)
    if hot and settings.principal_public_key:
        app.add_middleware(HotLists, lists=tuple(hot), database=app.state.database, verifier=app.state.verifier)
    app.add_middleware(
        RequestContext,
        body_limit=settings.body_limit_bytes,
        large_json=settings.large_json_paths,
        before_body=before_body,
    )
    return app


def operation_id(route: APIRoute) -> str:
    """`products:list`: the resource and the operation, as in the reference of the API."""
    tag = str(route.tags[0]) if route.tags else "root"
    return f"{tag}:{route.name}"


def _add_health(app: FastAPI, settings: Settings) -> None:
    @app.get("/healthz", include_in_schema=False)
    async def alive() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/readyz", include_in_schema=False)
    async def ready() -> Any:
        parts = {"database": app.state.database.ping(), "broker": broker.ping(settings.rabbitmq_url)}
        missing = {}
        for part, ping in parts.items():
            try:
                await ping
            except Exception as error:
                missing[part] = type(error).__name__
        return JSONResponse({"status": "not ready", **missing}, 503) if missing else {"status": "ok"}


def serve(app: FastAPI, settings: Settings) -> None:
    """Serves until SIGTERM, then finishes the requests in hand; `app.state.is_stopping` ends answers without an end."""
    memory.collect_seldom()
    finishing = Finishing(app)
    config = uvicorn.Config(
        finishing,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=20,
        timeout_keep_alive=75,
    )

    def stop() -> None:
        app.state.is_stopping = True

    Server(config, finishing, stop).run()
