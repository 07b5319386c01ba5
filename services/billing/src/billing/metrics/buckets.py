"""The hours, days, weeks, months and years of a time zone that a range of dates is cut into.

A bucket begins with its calendar unit where people live by that zone: a day with a change of the clock has 23 or 25
hours, and an instant on a boundary belongs to the bucket that begins there. Weeks begin on Monday (ISO 8601).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from servicekit.errors import InvalidInput

Interval = Literal["year", "month", "week", "day", "hour"]
FIRST = date(2023, 1, 1)
LAST = date(2199, 12, 31)
"""Beyond it no calendar is known: rules of time zones change."""
FEWEST: dict[Interval, int] = {"hour": 0, "day": 0, "week": 14, "month": 60, "year": 366}
MOST: dict[Interval, int] = {"hour": 7, "day": 366, "week": 371, "month": 1460, "year": 3650}
"""In days from the first to the last date. Fewer than `FEWEST` show little, and are answered; more are refused (Polar's
rule).
"""


@dataclass(frozen=True)
class Buckets:
    """A range of instants, from `begin` to the last of `ends` (not included), and where each bucket ends.

    `starts` are the instants that the buckets are named by: the first may lie before `begin`, since a week or a month
    need not begin with the range. All are in UTC.
    """

    begin: datetime
    starts: tuple[datetime, ...]
    ends: tuple[datetime, ...]

    @property
    def end(self) -> datetime:
        """Where the range ends; not included."""
        return self.ends[-1]

    def __len__(self) -> int:
        return len(self.ends)


def cut(first: date, last: date, interval: Interval, zone: str) -> Buckets:
    """The buckets of the dates from `first` to `last` (included). Raises `InvalidInput` naming the date at fault."""
    _ensure(first, last, interval)
    local = ZoneInfo(zone)
    begin, end = _midnight(first, local), _midnight(last + timedelta(days=1), local)
    starts: list[datetime] = []
    for start in _hours(begin, end, local) if interval == "hour" else _days(first, last, interval, local):
        if not starts or start > starts[-1]:  # a date that a zone skipped has no instant of its own
            starts.append(start)
    return Buckets(begin, tuple(starts), (*starts[1:], end))


def _ensure(first: date, last: date, interval: Interval) -> None:
    if first < FIRST:
        raise InvalidInput(("query", "start_date"), f"should be {FIRST} or later")
    if last > LAST:
        raise InvalidInput(("query", "end_date"), f"should be {LAST} or earlier")
    if last < first:
        raise InvalidInput(("query", "end_date"), "should not be before start_date")
    days = (last - first).days
    if days > MOST[interval]:
        message = f"{days} days are too many for the interval {interval}, which covers {MOST[interval]} days at most"
        raise InvalidInput(("query", "end_date"), message)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    """When a date begins: the first of two midnights, or the instant to which a clock jumps over midnight."""
    return datetime.combine(day, time.min, zone).astimezone(UTC)


def _days(first: date, last: date, interval: Interval, zone: ZoneInfo) -> Iterator[datetime]:
    day = _floor(first, interval)
    while day <= last:
        yield _midnight(day, zone)
        day = _next(day, interval)


def _floor(day: date, interval: Interval) -> date:
    if interval == "week":
        return day - timedelta(days=day.weekday())
    if interval == "month":
        return day.replace(day=1)
    return day.replace(month=1, day=1) if interval == "year" else day


def _next(day: date, interval: Interval) -> date:
    if interval == "year":
        return day.replace(year=day.year + 1)
    if interval == "month":
        return (day + timedelta(days=31)).replace(day=1)
    return day + timedelta(days=7 if interval == "week" else 1)


def _hours(begin: datetime, end: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    """Each hour as the zone's clocks show it begin; one shift of half an hour makes a bucket as short."""
    start = begin
    while start < end:
        yield start
        past = start.astimezone(zone)
        start += timedelta(hours=1) - timedelta(minutes=past.minute, seconds=past.second)
