"""The message process of benefits: purchases become grants, edits are worked through, and the outside is asked."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from contracts.benefits import BenefitsClockReportedV1
from servicekit import worker
from servicekit.clocks import Clocks
from servicekit.database import Database
from servicekit.timers import Timer

from benefits.benefit_grants.consumers import consumers as benefit_grants
from benefits.benefit_grants.fulfilment import Fulfilment
from benefits.benefit_grants.queries import is_any_waiting
from benefits.benefit_grants.timers import (
    Backlog,
    end_grace_periods,
    is_any_changed_benefit,
    is_any_changed_product,
    is_any_over,
)
from benefits.customers.consumers import consumers as customers
from benefits.files.consumers import consumers as files
from benefits.invariants import INVARIANTS
from benefits.meters.consumers import consumers as meters
from benefits.organizations.consumers import consumers as organizations
from benefits.products.consumers import consumers as products
from benefits.projections import projections
from benefits.settings import Settings
from benefits.signing_keys import operations as signing_keys
from benefits.strategies.outside import outsides

clocks = Clocks("benefits", BenefitsClockReportedV1)
FLOWS = [benefit_grants, products, customers, files, organizations, meters, projections.replays, clocks.flow]


def main() -> None:
    """Runs the worker."""
    settings = Settings.load()
    signing_keys.configure(settings.secret)

    @asynccontextmanager
    async def timers(_: Database) -> AsyncIterator[Sequence[Timer]]:
        async with outsides(settings) as outside, Fulfilment(settings, outside) as fulfilment:
            backlog = Backlog()
            yield (
                Timer(
                    "follow_changed_products",
                    backlog.follow_changed_products,
                    on_wake=True,
                    ready=is_any_changed_product,
                ),
                Timer(
                    "follow_changed_benefits",
                    backlog.follow_changed_benefits,
                    on_wake=True,
                    ready=is_any_changed_benefit,
                ),
                Timer("fulfil_due", fulfilment.fulfil_due, on_wake=True, ready=is_any_waiting),
                Timer("end_grace_periods", end_grace_periods, ready=is_any_over),
            )

    worker.run("benefits", settings, FLOWS, timers, INVARIANTS, projections, clocks=clocks)


if __name__ == "__main__":
    main()
