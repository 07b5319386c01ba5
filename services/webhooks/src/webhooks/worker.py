"""The message process of webhooks: events are announced to endpoints, and deliveries that are due are made."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from servicekit import worker
from servicekit.timers import Timer

from webhooks.deliveries.timers import Courier
from webhooks.events.consumers import consumers as events
from webhooks.invariants import INVARIANTS
from webhooks.settings import Settings

FLOWS = [events]


def main() -> None:
    """Runs the worker."""
    settings = Settings.load()

    @asynccontextmanager
    async def timers() -> AsyncIterator[Sequence[Timer]]:
        async with Courier(settings) as courier:
            yield (Timer("deliver_due", courier.deliver_due, on_wake=True),)

    worker.run("webhooks", settings, FLOWS, timers, INVARIANTS)


if __name__ == "__main__":
    main()
