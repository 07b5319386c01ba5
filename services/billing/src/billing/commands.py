"""Commands of whoever runs the suite: `python -m billing.commands audit [--organization ID]`."""

import argparse
import asyncio
from uuid import UUID

from servicekit.database import Database

from billing.audit.run import Report, audit, say
from billing.settings import Settings


async def run_audit(settings: Settings, organization: UUID | None) -> Report:
    """Compares everything, or what one organization has."""
    database = Database(settings.database_url, name="billing.audit", pool_size=1)
    try:
        return await audit(database, organization, say=say)
    finally:
        await database.close()


def main() -> int:
    """Returns the exit status: 1 when anything differs."""
    parser = argparse.ArgumentParser(prog="billing.commands", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    auditing = commands.add_parser("audit", help="compute every order, balance and tax total once more")
    auditing.add_argument("--organization", type=UUID, default=None, help="only what this organization has")
    arguments = parser.parse_args()
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
