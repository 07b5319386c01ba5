"""Metering's message process: customers as they are told of, and the tallies of events, folded."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

from contracts.metering import MeteringClockReportedV1
from servicekit import worker
from servicekit.clocks import Clocks
from servicekit.database import Database
from servicekit.timers import Timer

from metering.customers.consumers import consumers as customers
from metering.event_types.timers import fold_tallies
from metering.projections import projections
from metering.settings import Settings

clocks = Clocks("metering", MeteringClockReportedV1)
FLOWS = [customers, projections.replays, clocks.flow]


@asynccontextmanager
async def timers(_: Database) -> AsyncIterator[Sequence[Timer]]:
    """The work that comes due."""
    yield (Timer("fold_tallies", fold_tallies, every=timedelta(seconds=10), follows_clocks=False),)


if __name__ == "__main__":
    worker.run("metering", Settings.load(), FLOWS, timers, projections=projections, clocks=clocks)
