"""Commands of whoever runs the suite: `python -m checkout.commands buyers`, and `exposed`."""

import argparse
import asyncio
import json
import sys
from collections.abc import AsyncIterator
from uuid import UUID

from servicekit.database import Database, Sessions
from sqlalchemy import select

from checkout.checkouts.models import Checkout
from checkout.payments import leftovers
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


async def run_exposed(settings: Settings, *, repaired: bool) -> int:
    """Prints how many declined payments an earlier release left open at Stripe. Returns how many are left so."""
    database = Database(settings.database_url, name="checkout.commands", pool_size=1)
    try:
        found = await leftovers.left_open(database.transaction)
        for organization_id, count in found:
            said = f"{count} declined payments can still be made at Stripe (organization {organization_id})"
            sys.stdout.write(f"{said}\n")
        if found and repaired:
            count = await leftovers.cancel(database.transaction)
            sys.stdout.write(f"the worker cancels {count} of them, about ten a second\n")
            return 0
    finally:
        await database.close()
    return sum(count for _, count in found)


def _exposed(settings: Settings, *, repaired: bool) -> int:
    left = asyncio.run(run_exposed(settings, repaired=repaired))
    if left:
        sys.stdout.write(f"{left} declined payments of checkouts can still be made; --repair cancels them at Stripe\n")
        return 1
    sys.stdout.write("✓ no declined payment of a checkout is left open at Stripe\n")
    return 0


def main() -> int:
    """Returns the exit status: 1 when anything is left."""
    parser = argparse.ArgumentParser(prog="checkout.commands", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("buyers", help="the e-mail of each purchase, one JSON object a line, for billing's leftovers")
    exposing = commands.add_parser("exposed", help="list declined payments that an earlier release left open at Stripe")
    exposing.add_argument("--repair", action="store_true", help="have the worker cancel them")
    arguments = parser.parse_args()
    if arguments.command == "exposed":
        return _exposed(Settings.load(), repaired=arguments.repair)
    asyncio.run(_print_buyers(Settings.load()))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
