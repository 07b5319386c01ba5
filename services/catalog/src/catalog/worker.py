"""Catalog's message process."""

from servicekit import worker

from catalog.benefits.consumers import consumers as benefits
from catalog.settings import Settings

FLOWS = [benefits]

if __name__ == "__main__":
    worker.run("catalog", Settings.load(), FLOWS)
