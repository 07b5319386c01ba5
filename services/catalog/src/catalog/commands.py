"""Commands of whoever runs the suite: `python -m catalog.commands refused-prices [--archive ID ...]`."""

import argparse
import asyncio
from collections.abc import Sequence
from uuid import UUID

from servicekit.database import Database

from catalog.products.operations import archive_price
from catalog.products.refused import refused_prices
from catalog.settings import Settings


async def refused(settings: Settings, archived: Sequence[UUID]) -> int:
    """Archives the prices that are named, and prints those on sale that could not be made today; how many they are."""
    database = Database(settings.database_url, name="catalog.commands", pool_size=1)
    count = 0
    try:
        for price_id in archived:
            async with database.transaction() as session:
                is_done = await archive_price(session, price_id)
            print(f"{price_id} {'is archived' if is_done else 'is no price on sale'}")
        async for one in refused_prices(database.transaction):
            print(f"{one.price_id} of product {one.product_id} (organization {one.organization_id}): {one.reason}")
            count += 1
    finally:
        await database.close()
    return count


def main() -> int:
    """Returns the exit status: 1 where a price on sale could not be made today."""
    parser = argparse.ArgumentParser(prog="catalog.commands", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    listing = commands.add_parser("refused-prices", help="prices on sale whose currency or amounts are refused today")
    listing.add_argument("--archive", nargs="+", type=UUID, default=[], metavar="ID", help="take these off sale")
    arguments = parser.parse_args()
    count = asyncio.run(refused(Settings.load(), arguments.archive))
    print(f"{count} prices on sale are refused today" if count else "✓ every price on sale can be charged")
    return 1 if count else 0


if __name__ == "__main__":
    raise SystemExit(main())
