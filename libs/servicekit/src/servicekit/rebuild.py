"""`python -m <service>.worker rebuild [--empty]`: has a service's copies told again, beside its worker."""

import asyncio
import sys

from servicekit.database import Database
from servicekit.projections import SETTLING, Projections
from servicekit.settings import Settings

ASK_SECONDS = 1.0
STUCK_SECONDS = 300.0


async def run(service: str, settings: Settings, projections: Projections, *, empty: bool) -> int:
    """Returns 0 when every copy is as its owner says; 1 when nothing came back for five minutes.

    The copies go on serving while they are told again; with `empty` they are removed first, and what they stand for is
    not found until it is back. The workers of the service and of the owners have to run.
    """
    if not projections.kept:
        _say(f"{service} keeps no copies")
        return 0
    database = Database(settings.database_url, name=f"{service}.rebuild", pool_size=2)
    try:
        since = await projections.rebuild(database.transaction, empty=empty)
        before: dict[str, int | None] = {}
        unmoved = 0.0
        while unmoved < STUCK_SECONDS:
            has_stopped = unmoved > 0 and unmoved % SETTLING.total_seconds() == 0
            missing = await projections.missing(database.transaction, since, has_stopped=has_stopped)
            if missing != before:
                before, unmoved = missing, 0.0
                _say(", ".join(f"{resource}: {_standing(count)}" for resource, count in missing.items()))
            if all(count == 0 for count in missing.values()):
                return 0
            await asyncio.sleep(ASK_SECONDS)
            unmoved += ASK_SECONDS
    finally:
        await database.close()
    _say("nothing came back: are the workers of this service and of the owners running?")
    return 1


def _standing(count: int | None) -> str:
    if count is None:
        return "waiting for a digest"
    return "equal" if count == 0 else f"{count} still to come"


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
