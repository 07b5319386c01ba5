"""Catalog's message process: what products name and where they are used, and the bytes of deleted files."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

from contracts.catalog import CatalogClockReportedV1
from servicekit import worker
from servicekit.clocks import Clocks
from servicekit.database import Database
from servicekit.timers import Timer

from catalog.benefits.consumers import consumers as benefits
from catalog.files.storage import Storage
from catalog.files.timers import remove_files
from catalog.meters.consumers import consumers as meters
from catalog.products.consumers import consumers as sales
from catalog.projections import projections
from catalog.settings import Settings

clocks = Clocks("catalog", CatalogClockReportedV1)
FLOWS = [benefits, meters, sales, projections.replays, clocks.flow]

if __name__ == "__main__":
    settings = Settings.load()

    @asynccontextmanager
    async def timers(_: Database) -> AsyncIterator[Sequence[Timer]]:
        """The work that comes due."""
        yield (
            Timer("remove_files", remove_files(Storage(settings)), every=timedelta(seconds=30), follows_clocks=False),
        )

    worker.run("catalog", settings, FLOWS, timers, projections=projections, clocks=clocks)
