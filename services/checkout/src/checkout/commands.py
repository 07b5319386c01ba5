"""Commands of whoever runs the suite: `python -m checkout.commands buyers`."""

import argparse
import asyncio
import json
import sys
from collections.abc import AsyncIterator
from uuid import UUID

from servicekit.database import Database, Sessions
from sqlalchemy import select

from checkout.checkouts.models import Checkout
from checkout.settings import Settings

PAGE = 1_000


async def buyers(sessions: Sessions) -> AsyncIterator[dict[str, str]]:
    """The e-mail of every purchase, in pages; without those whose customer the seller named."""
    after = UUID(int=0)
    while True:
        statement = (
            select(Checkout.id, Checkout.customer_email)
            .where(
                Checkout.id > after,
                Checkout.status == "succeeded",
                Checkout.customer_email.is_not(None),
                Checkout.named_customer_id.is_(None),
                Checkout.upgraded_subscription_id.is_(None),
            )
            .order_by(Checkout.id)
            .limit(PAGE)
        )
        async with sessions() as session:
            rows = (await session.execute(statement)).all()
        for row in rows:
            yield {"checkout_id": str(row.id), "email": row.customer_email}
        if len(rows) < PAGE:
            return
        after = rows[-1].id


async def _print_buyers(settings: Settings) -> None:
    database = Database(settings.database_url, name="checkout.commands", pool_size=1)
    try:
        async for one in buyers(database.transaction):
            sys.stdout.write(json.dumps(one) + "\n")
    finally:
        await database.close()


def main() -> int:
    """Returns the exit status."""
    parser = argparse.ArgumentParser(prog="checkout.commands", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("buyers", help="the e-mail of each purchase, one JSON object a line, for billing's leftovers")
    parser.parse_args()
    asyncio.run(_print_buyers(Settings.load()))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
