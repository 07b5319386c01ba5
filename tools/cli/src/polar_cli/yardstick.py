"""What requests could cost at least: a bare FastAPI route with one asyncpg statement, giving the same bytes.

Run as a process of its own: `python -m polar_cli.yardstick <port> <database>`. Its table `answers` has the bytes.
"""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import uvicorn
from fastapi import FastAPI, Request, Response


def application(address: str) -> FastAPI:
    """Reads answer from a row; a write touches a row of its own and answers the same."""

    @asynccontextmanager
    async def pooled(app: FastAPI) -> AsyncIterator[None]:
        async with asyncpg.create_pool(address, min_size=20, max_size=20) as pool:
            app.state.pool = pool
            yield

    app = FastAPI(lifespan=pooled, openapi_url=None)

    @app.get("/read/{name}")
    async def read(name: str, request: Request) -> Response:
        body = await request.app.state.pool.fetchval("select body from answers where name = $1", name)
        return Response(body, media_type="application/json")

    @app.post("/write/{name}")
    async def write(name: str, request: Request) -> Response:
        statement = (
            "insert into written (name, sent) values ($1, $2) returning (select body from answers where name = $1)"
        )
        body = await request.app.state.pool.fetchval(statement, name, await request.body())
        return Response(body, media_type="application/json")

    return app


if __name__ == "__main__":
    uvicorn.run(
        application(sys.argv[2]), host="127.0.0.1", port=int(sys.argv[1]), loop="uvloop", http="httptools",
        access_log=False, log_level="warning",
    )  # fmt: skip
