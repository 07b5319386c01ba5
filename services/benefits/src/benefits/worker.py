"""The message process of benefits: purchases become grants, and changed products are worked through."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from servicekit import worker
from servicekit.timers import Timer

from benefits.benefit_grants.consumers import consumers as benefit_grants
from benefits.benefit_grants.timers import follow_changed_products
from benefits.customers.consumers import consumers as customers
from benefits.files.consumers import consumers as files
from benefits.invariants import INVARIANTS
from benefits.organizations.consumers import consumers as organizations
from benefits.products.consumers import consumers as products
from benefits.projections import projections
from benefits.settings import Settings

FLOWS = [benefit_grants, products, customers, files, organizations, projections.replays]


@asynccontextmanager
async def timers() -> AsyncIterator[Sequence[Timer]]:
    """The work that comes due."""
    yield (Timer("follow_changed_products", follow_changed_products, on_wake=True),)


if __name__ == "__main__":
    worker.run("benefits", Settings.load(), FLOWS, timers, INVARIANTS, projections)
