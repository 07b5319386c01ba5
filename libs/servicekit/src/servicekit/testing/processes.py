"""A service's message process as it is deployed, for tests that kill it."""

import asyncio
import os
import socket
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from servicekit.testing.harness import ServiceUnderTest


@asynccontextmanager
async def worker_process(
    service: ServiceUnderTest, settings: Any, rabbitmq_url: str, **environment: str
) -> AsyncIterator[Process]:
    """Starts `python -m <service>.worker` on the test's database and broker; stops it in the end if it still runs.

    `environment` is set over what the service's tests set.
    """
    named = {
        **{name.upper(): value for name, value in service.environment.items()},
        "ENVIRONMENT": "test",
        "DATABASE_URL": settings.database_url,
        "RABBITMQ_URL": rabbitmq_url,
        "SECRET": settings.secret,
        "WORKER_PORT": str(_free_port()),
        "LOG_LEVEL": "WARNING",
        **environment,
    }
    command = (sys.executable, "-m", f"{service.name}.worker")
    process = await asyncio.create_subprocess_exec(*command, env={**os.environ, **named})
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()


def _free_port() -> int:
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        port: int = opened.getsockname()[1]
        return port
