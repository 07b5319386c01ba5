"""The message process of webhooks: events are announced to endpoints, and deliveries that are due are made."""

import resource
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

from contracts.webhooks import WebhooksClockReportedV1
from servicekit import mail, worker
from servicekit.backlogs import Backlog
from servicekit.clocks import Clocks
from servicekit.database import Database
from servicekit.timers import Timer

from webhooks.deliveries.courier import Courier
from webhooks.deliveries.timers import archive_payloads, hold_unheard
from webhooks.events.consumers import consumers as events
from webhooks.invariants import INVARIANTS
from webhooks.redeliveries.timers import is_any_left, work_off_redeliveries
from webhooks.settings import Settings

clocks = Clocks("webhooks", WebhooksClockReportedV1)
FLOWS = [events, clocks.flow]
DUE = Backlog(
    "deliveries", "select count(*), min(due_at) from webhook_events where due_at is not null and due_at <= :now"
)


def main() -> None:
    """Runs the worker."""
    settings = Settings.load()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # each delivery in hand has a socket

    @asynccontextmanager
    async def timers(database: Database) -> AsyncIterator[Sequence[Timer]]:
        async with Courier(settings, database) as courier:
            yield (
                Timer("deliver_due", courier.deliver_due, on_wake=True),
                Timer("work_off_redeliveries", work_off_redeliveries, ready=is_any_left),
                Timer("hold_unheard", hold_unheard, every=timedelta(seconds=5), follows_clocks=False),
                Timer("archive_payloads", archive_payloads, every=timedelta(minutes=10), follows_clocks=False),
                mail.timer(settings.mail_url, settings.mail_from, on_wake=False),
            )

    worker.run("webhooks", settings, FLOWS, timers, INVARIANTS, clocks=clocks)


if __name__ == "__main__":
    main()
