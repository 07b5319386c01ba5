"""The one source of instants: every moment in the suite is asked for here, in UTC, so that tests can move time."""

from datetime import UTC, datetime, timedelta

_offset = timedelta(0)


def now() -> datetime:
    """The present moment in UTC, with microseconds; moved by what `move` added."""
    return datetime.now(UTC) + _offset


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
