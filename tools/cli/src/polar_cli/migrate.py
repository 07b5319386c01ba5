"""`python -m polar_cli.migrate`: brings every service's database to its newest revision, in one process.

The addresses are a JSON object {service: DATABASE_URL} in POLAR_ADDRESSES, so that no password is in an argument.
"""

import asyncio
import json
import os
import sys

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from polar_cli.state import ROOT


def main() -> None:
    """Upgrades what is behind, and names what it upgraded."""
    addresses: dict[str, str] = json.loads(os.environ["POLAR_ADDRESSES"])
    for service, address in addresses.items():
        config = Config(str(ROOT / "services" / service / "alembic.ini"))
        newest = ScriptDirectory.from_config(config).get_current_head()
        if asyncio.run(_revision(address)) == newest:
            continue
        os.environ["DATABASE_URL"] = address
        command.upgrade(config, "head")
        sys.stdout.write(f"{service} is at {newest}\n")


async def _revision(address: str) -> str | None:
    connection = await asyncpg.connect(address.replace("postgresql+asyncpg://", "postgresql://"))
    try:
        if await connection.fetchval("select to_regclass('alembic_version')") is None:
            return None
        return str(await connection.fetchval("select version_num from alembic_version"))
    finally:
        await connection.close()


if __name__ == "__main__":
    main()
