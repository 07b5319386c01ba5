"""The one source of instants: every moment in the suite is asked for here, in UTC, so that time can be moved.

`now()` is the present of whoever is worked for: the machine's, or that of an organization's test clock while the work
stands at one (`standing_at`). `wall()` is always the machine's: for leases on what the outside does, for credentials,
and for what the suite keeps for itself.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

_offset = timedelta(0)


@dataclass(frozen=True)
class Standing:
    """The instant at which an organization's test clock stands."""

    organization_id: UUID
    instant: datetime


_standing: ContextVar[Standing | None] = ContextVar("standing", default=None)


def now() -> datetime:
    """The present moment in UTC, with microseconds: of the test clock that the work stands at, else the machine's."""
    standing = _standing.get()
    return wall() if standing is None else standing.instant


def wall() -> datetime:
    """The machine's present moment in UTC, moved by what `move` added, whatever test clock the work stands at."""
    return datetime.now(UTC) + _offset


def standing() -> Standing | None:
    """The test clock that the present work stands at; None by the machine's clock."""
    return _standing.get()


def instant_of(organization_id: UUID) -> datetime | None:
    """Where the test clock stands at which the present work is, if it is this organization's."""
    standing = _standing.get()
    return standing.instant if standing is not None and standing.organization_id == organization_id else None


def stand(at: Standing) -> None:
    """Lets the rest of the present request or task stand at a test clock."""
    _standing.set(at)


@contextmanager
def standing_at(at: Standing | None) -> Iterator[None]:
    """Lets the work inside stand at a test clock, or with None at the machine's."""
    mark = _standing.set(at)
    try:
        yield
    finally:
        _standing.reset(mark)


def move(by: timedelta) -> None:
    """Moves this process's clock forward (or back, when negative)."""
    global _offset
    _offset += by


def reset() -> None:
    """Returns to the machine's own clock."""
    global _offset
    _offset = timedelta(0)


def rfc3339(instant: datetime) -> str:
    """An instant as the API writes it: `2026-01-31T10:30:00.000001Z`."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")
