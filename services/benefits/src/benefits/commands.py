"""Commands of whoever runs the suite: `python -m benefits.commands leftovers [--connect ID ...]`."""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from uuid import UUID

from servicekit.database import Database

from benefits.benefit_connections import leftovers
from benefits.settings import Settings
from benefits.strategies.outside import outsides
from benefits.strategies.protocol import OutsideError


async def run_leftovers(settings: Settings, connected: Sequence[UUID] = ()) -> int:
    """Prints the benefits whose repository or server is not connected, and connects those of `connected`.

    Returns how many are left, or ids that are of no such benefit.
    """
    database = Database(settings.database_url, name="benefits.commands", pool_size=2)
    try:
        async with database.transaction() as session:
            waiting = await leftovers.unconnected(session)
        unknown = [id for id in connected if id not in {benefit.id for benefit in waiting}]
        for id in unknown:
            _say(f"{id} is no benefit that waits")
        left = len(unknown)
        async with outsides(settings) as outside:
            for benefit in waiting:
                said = f"{leftovers.place(benefit)} of benefit {benefit.id} (organization {benefit.organization_id})"
                if benefit.id not in connected:
                    left += 1
                    _say(f"{said} is not connected")
                    continue
                try:
                    await leftovers.connect(database.transaction, benefit, settings, outside)
                    _say(f"{said} is connected now")
                except OutsideError as error:
                    left += 1
                    _say(f"{said} was not connected: {error}")
    finally:
        await database.close()
    return left


def main() -> int:
    """Returns the exit status: 1 when any is left."""
    parser = argparse.ArgumentParser(prog="benefits.commands", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    leaving = commands.add_parser("leftovers", help="list benefits whose repository or server is not connected")
    leaving.add_argument(
        "--connect", nargs="+", type=UUID, default=[], metavar="ID", help="connect the places of these benefits"
    )
    left = asyncio.run(run_leftovers(Settings.load(), parser.parse_args().connect))
    if left:
        _say(f"{left} are not connected: their sellers connect them, or --connect ID does after you have looked")
        return 1
    _say("✓ every repository and server of a benefit is connected")
    return 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main())
