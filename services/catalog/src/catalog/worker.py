"""Catalog's message process."""

from servicekit import worker

from catalog.benefits.consumers import consumers as benefits
from catalog.projections import projections
from catalog.settings import Settings

FLOWS = [benefits, projections.replays]

if __name__ == "__main__":
    worker.run("catalog", Settings.load(), FLOWS, projections=projections)
