"""`python -m polar_cli.declare`: declares every service's queues as that service, in one process.

The addresses are a JSON object {service: RABBITMQ_URL} in POLAR_ADDRESSES, so that no password is in an argument.
"""

import asyncio
import importlib
import json
import os

from servicekit import worker


async def _declare(addresses: dict[str, str]) -> None:
    for service, address in addresses.items():
        await worker.declare(address, importlib.import_module(f"{service}.worker").FLOWS)


if __name__ == "__main__":
    asyncio.run(_declare(json.loads(os.environ["POLAR_ADDRESSES"])))
