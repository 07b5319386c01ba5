"""What must always be true of a service's own data: looked at every few minutes, in the worker.

An invariant is a query for what breaks it: no rows means that it holds. Whatever is found is logged as an error with a
sample, counted, and shown at the worker's `/internal/invariants`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import text

from servicekit import clock, metrics, telemetry
from servicekit.database import Sessions
from servicekit.timers import Timer

log = structlog.get_logger()

EVERY = timedelta(minutes=2)
SAMPLE = 5


@dataclass(frozen=True)
class Invariant:
    """`broken_by` selects what breaks it; it may use `:now` (the instant of the check)."""

    name: str
    broken_by: str


OF_EVERY_SERVICE = (
    Invariant(
        "events are numbered without gaps",
        "select subject from outbox where created_at > cast(:now as timestamptz) - interval '1 hour' group by subject "
        "having count(distinct sequence) <> count(*) or max(sequence) - min(sequence) <> count(*) - 1",
    ),
    Invariant(
        "events are published within five minutes",
        "select event_id, routing_key from outbox "
        "where published_at is null and created_at < cast(:now as timestamptz) - interval '5 minutes'",
    ),
    Invariant(
        "copies are as their owners' digests say",
        "select resource, differing, rounds, compared_at from projection_checks where rounds > 1",
    ),
    Invariant(
        "messages do not wait for more than an hour",
        "select id, routing_key, reason from retries "
        "where attempts > 0 and due_at < cast(:now as timestamptz) - interval '1 hour' or attempts > 40",
    ),
)


@dataclass
class State:
    """How one invariant stood at the last check."""

    name: str
    holds: bool
    checked_at: datetime
    broken_by: list[dict[str, Any]]


class Invariants:
    """The invariants of one service, and how they stood when they were last looked at."""

    def __init__(self, own: Sequence[Invariant] = ()) -> None:
        self._all = (*OF_EVERY_SERVICE, *own)
        self.states: dict[str, State] = {}
        telemetry.gauge(metrics.INVARIANT_BROKEN, self._standing)

    def _standing(self) -> Iterable[tuple[float, dict[str, str]]]:
        return [(0.0 if state.holds else 1.0, {"invariant": state.name}) for state in self.states.values()]

    async def check(self, sessions: Sessions) -> int:
        """Looks at each invariant, in a transaction of its own. Returns 0: there is nothing to be done at once."""
        for invariant in self._all:
            async with sessions() as session:
                now = clock.wall()
                statement = text(f"select * from ({invariant.broken_by}) broken limit {SAMPLE}")
                arguments = {"now": now} if ":now" in invariant.broken_by else {}
                rows = (await session.execute(statement, arguments)).mappings().all()
            sample = [{name: str(value) for name, value in row.items()} for row in rows]
            self.states[invariant.name] = State(invariant.name, not rows, now, sample)
            if rows:
                log.error("invariant.broken", invariant=invariant.name, sample=sample)
        return 0

    def timer(self) -> Timer:
        """The worker's timer."""
        return Timer("invariants", self.check, every=EVERY)

    def shown(self) -> dict[str, Any]:
        """For `/internal/invariants`."""
        return {
            "status": "ok" if all(state.holds for state in self.states.values()) else "broken",
            "invariants": [
                {
                    "name": state.name,
                    "holds": state.holds,
                    "checked_at": clock.rfc3339(state.checked_at),
                    "broken_by": state.broken_by,
                }
                for state in self.states.values()
            ],
        }
