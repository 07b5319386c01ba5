"""Commands of whoever runs the suite: `audit [--organization ID]`, `leftovers` and `misplaced`."""

import argparse
import asyncio
import sys
from collections.abc import Iterable
from uuid import UUID

from servicekit.database import Database

from billing.audit.run import Report, audit, say
from billing.customers.leftovers import misplaced
from billing.customers.leftovers import release as release_default
from billing.payment_methods.leftovers import moved_cards, release
from billing.payments import leftovers as payments
from billing.settings import Settings
from billing.subscriptions.leftovers import leftovers, repair


async def run_audit(settings: Settings, organization: UUID | None) -> Report:
    """Compares everything, or what one organization has."""
    database = Database(settings.database_url, name="billing.audit", pool_size=1)
    try:
        return await audit(database, organization, say=say)
    finally:
        await database.close()


async def run_moved_cards(settings: Settings, *, released: bool) -> int:
    """Prints the subscriptions that an earlier release gave another card than their checkout's. Returns how many."""
    database = Database(settings.database_url, name="billing.commands", pool_size=2)
    count = 0
    try:
        async for one in moved_cards(database.transaction):
            said = f"subscription {one.subscription_id} is charged to card {one.payment_method_id}, which nobody chose"
            if released:
                await release(database.transaction, one)
                said += ": taken from it"
            else:
                count += 1
            say(f"{said} (organization {one.organization_id})")
    finally:
        await database.close()
    return count


async def run_leftovers(settings: Settings, *, repaired: bool) -> int:
    """Prints what an earlier release left waiting on subscriptions that are over. Returns how many are left."""
    database = Database(settings.database_url, name="billing.commands", pool_size=2)
    count = 0
    try:
        async for one in leftovers(database.transaction):
            said = f"{one.count} entries of {one.amount} {one.currency} wait on {one.subscription_id}"
            if repaired:
                await repair(database.transaction, one)
                said += ": credited to the customer" if one.amount < 0 else ": dropped"
            else:
                count += 1
            say(f"{said} (organization {one.organization_id})")
    finally:
        await database.close()
    return count


async def run_left_open(settings: Settings, *, repaired: bool) -> int:
    """Prints how many declined payments an earlier release left open at Stripe. Returns how many are left so."""
    database = Database(settings.database_url, name="billing.commands", pool_size=1)
    try:
        found = await payments.left_open(database.transaction)
        for organization_id, count in found:
            say(f"{count} declined payments of customers can still be made at Stripe (organization {organization_id})")
        if found and repaired:
            say(f"the worker cancels {await payments.cancel(database.transaction)} of them")
            return 0
    finally:
        await database.close()
    return sum(count for _, count in found)


async def run_misplaced(settings: Settings, buyers: Iterable[str], *, repaired: bool) -> int:
    """Prints purchases of customers with another e-mail than the buyer's. Returns how many have the buyer's card.

    `buyers` are the lines of `checkout.commands buyers`.
    """
    database = Database(settings.database_url, name="billing.commands", pool_size=2)
    count = 0
    try:
        async for one in misplaced(database.transaction, buyers, settings.secret):
            why = "an earlier release took their addresses for one" if one.is_merged else "with another address"
            said = f"order {one.order_id} belongs to customer {one.customer_id}, not to its buyer: {why}"
            if one.card_id is not None and repaired:
                await release_default(database.transaction, one)
                said += "; the buyer's card is not the customer's default any more"
            elif one.card_id is not None:
                count += 1
                said += "; the buyer's card is the customer's default"
            say(f"{said} (organization {one.organization_id})")
    finally:
        await database.close()
    return count


def _misplaced(settings: Settings, path: str, *, repaired: bool) -> int:
    with sys.stdin if path == "-" else open(path, encoding="utf-8") as lines:
        count = asyncio.run(run_misplaced(settings, lines, repaired=repaired))
    if count:
        say(f"{count} cards of buyers are the default of somebody else; --repair takes them from there")
        return 1
    say("✓ no buyer's card is the default of a customer with another address")
    return 0


def _leftovers(settings: Settings, *, repaired: bool, released: bool) -> int:
    waiting = asyncio.run(run_leftovers(settings, repaired=repaired))
    if waiting:
        say(f"{waiting} subscriptions that are over have entries that wait; --repair credits or drops them")
    else:
        say("✓ no subscription that is over has entries that wait")
    moved = asyncio.run(run_moved_cards(settings, released=released))
    if moved:
        say(
            f"{moved} subscriptions from checkouts are charged to a card that an earlier release chose: ask their "
            "customers to choose one (payment_method_id), or --release-cards takes the cards from them"
        )
    else:
        say("✓ no subscription is charged to a card that nobody chose")
    payable = asyncio.run(run_left_open(settings, repaired=repaired))
    if payable:
        say(f"{payable} declined payments of customers can still be made; --repair cancels them at Stripe")
    else:
        say("✓ no declined payment of a customer is left open at Stripe")
    return 1 if waiting or moved or payable else 0


def main() -> int:
    """Returns the exit status: 1 when anything differs, or is left."""
    parser = argparse.ArgumentParser(prog="billing.commands", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    auditing = commands.add_parser("audit", help="compute every order, balance and tax total once more")
    auditing.add_argument("--organization", type=UUID, default=None, help="only what this organization has")
    leaving = commands.add_parser("leftovers", help="list what an earlier release left")
    leaving.add_argument(
        "--repair", action="store_true", help="credit it to the customer, drop what would be charged, cancel payments"
    )
    leaving.add_argument(
        "--release-cards", action="store_true", help="take cards that an earlier release chose from subscriptions"
    )
    placing = commands.add_parser("misplaced", help="list purchases of customers with another e-mail than the buyer's")
    placing.add_argument("buyers", help="what `checkout.commands buyers` printed; - reads it from the standard input")
    placing.add_argument("--repair", action="store_true", help="take the buyer's card from that customer's default")
    arguments = parser.parse_args()
    if arguments.command == "misplaced":
        return _misplaced(Settings.load(), arguments.buyers, repaired=arguments.repair)
    if arguments.command == "leftovers":
        return _leftovers(Settings.load(), repaired=arguments.repair, released=arguments.release_cards)
    report = asyncio.run(run_audit(Settings.load(), arguments.organization))
    for difference in report.differences.values():
        for line in difference.lines():
            say(line)
    compared = f"{report.orders:,} orders of {report.customers:,} customers"
    if report.differences:
        say(f"{compared}: the first difference is {next(iter(report.differences.values())).check.name!r}")
        return 1
    say(f"✓ {compared}: lines, totals, payments, refunds, disputes, balances, tax, ledger and events agree")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
