"""Identity's message process: it publishes, tells again to those whose copies differ, and sends login codes."""

import functools
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

from servicekit import mail, worker
from servicekit.database import Database
from servicekit.timers import Timer

from identity.customers.consumers import consumers as customers
from identity.login_codes.timers import answer_late, is_any_late
from identity.members.consumers import consumers as members
from identity.projections import projections
from identity.purchases.consumers import consumers as purchases
from identity.settings import Settings
from identity.test_clocks.consumers import clocks
from identity.test_clocks.timers import ask_again, is_any_waiting

FLOWS = [customers, members, purchases, projections.replays, clocks.flow]

if __name__ == "__main__":
    settings = Settings.load()

    @asynccontextmanager
    async def timers(_: Database) -> AsyncIterator[Sequence[Timer]]:
        """The work that comes due."""
        yield (
            mail.timer(settings.mail_url, settings.mail_from, settings.pages_base),
            Timer(
                "late_logins",
                functools.partial(answer_late, settings=settings),
                follows_clocks=False,
                ready=is_any_late,
            ),
            Timer(
                "ask_again",
                ask_again,
                every=timedelta(milliseconds=100),
                follows_clocks=False,
                ready=is_any_waiting,
            ),
        )

    worker.run("identity", settings, FLOWS, timers, projections=projections, clocks=clocks)
