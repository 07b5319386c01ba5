"""Backlogs: how much work waits, and for how long. Looked at only where telemetry is exported."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import text

from servicekit import clock, metrics, telemetry
from servicekit.database import Sessions
from servicekit.timers import Timer

EVERY = timedelta(seconds=15)


@dataclass(frozen=True)
class Backlog:
    """Work of one kind. `query` selects two columns: how many rows wait, and since when the oldest does.

    It may name `:now`, must be answered by an index, and only reads.
    """

    name: str
    query: str


OF_EVERY_SERVICE = (
    Backlog("outbox", "select count(*), min(created_at) from outbox where published_at is null"),
    Backlog("retries", "select count(*), min(due_at) from retries where due_at <= :now and attempts > 0"),
    Backlog("left_to_newer", "select count(*), min(due_at) from retries where attempts = 0"),
)


class Backlogs:
    """The backlogs of one service, and how they stood when they were last looked at."""

    def __init__(self, own: Sequence[Backlog] = ()) -> None:
        self._all = (*OF_EVERY_SERVICE, *own)
        self._stood: dict[str, tuple[int, float]] = {}
        telemetry.gauge(metrics.WORK_WAITING, lambda: self._read(0))
        telemetry.gauge(metrics.WORK_LAG, lambda: self._read(1))

    def _read(self, position: int) -> Iterable[tuple[float, dict[str, str]]]:
        return [(stood[position], {"work": name}) for name, stood in self._stood.items()]

    async def look(self, sessions: Sessions) -> int:
        """Counts what waits, one transaction each. Returns 0: there is nothing to be done at once."""
        for backlog in self._all:
            async with sessions() as session:
                now = clock.now()
                arguments = {"now": now} if ":now" in backlog.query else {}
                waiting, oldest = (await session.execute(text(backlog.query), arguments)).one()
            lag = max(0.0, (now - oldest).total_seconds()) if oldest is not None else 0.0
            self._stood[backlog.name] = (waiting, lag)
        return 0

    def timer(self) -> Timer:
        """The worker's timer."""
        return Timer("backlogs", self.look, every=EVERY)
