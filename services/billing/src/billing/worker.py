"""Billing's message process: purchases in, and subscriptions that come to their end."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

from servicekit import worker
from servicekit.timers import Timer

from billing.benefit_grants.consumers import consumers as benefit_grants
from billing.invariants import INVARIANTS
from billing.ledger import fees
from billing.orders.consumers import consumers as orders
from billing.organizations.consumers import consumers as organizations
from billing.projections import projections
from billing.settings import Settings
from billing.subscriptions.timers import end_canceled_subscriptions

FLOWS = [orders, organizations, benefit_grants, projections.replays]


@asynccontextmanager
async def timers() -> AsyncIterator[Sequence[Timer]]:
    """The work that comes due."""
    yield (Timer("end_canceled_subscriptions", end_canceled_subscriptions, every=timedelta(seconds=5)),)


if __name__ == "__main__":
    loaded = Settings.load()
    fees.use(loaded.platform_fee)
    worker.run("billing", loaded, FLOWS, timers, INVARIANTS, projections)
