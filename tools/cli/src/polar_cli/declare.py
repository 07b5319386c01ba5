"""`python -m polar_cli.declare`: declares every service's queues as that service, in one process.

Reads the brokers' addresses from standard input as a JSON object {service: RABBITMQ_URL}, so that no password is in an
argument.
"""

import asyncio
import importlib
import json
import sys

from servicekit import worker


async def _declare(addresses: dict[str, str]) -> None:
    for service, address in addresses.items():
        await worker.declare(address, importlib.import_module(f"{service}.worker").FLOWS)


if __name__ == "__main__":
    asyncio.run(_declare(json.load(sys.stdin)))
