"""How a range of dates is cut: by the calendar of the time zone, with its days of 23 and 25 hours."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from billing.metrics.buckets import MOST, cut
from servicekit.errors import InvalidInput

BERLIN, HOWE = "Europe/Berlin", "Australia/Lord_Howe"


def hours(buckets):
    return [(end - start) / timedelta(hours=1) for start, end in zip(buckets.starts, buckets.ends, strict=True)]


def utc(*fields):
    return datetime(*fields, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "first", "last", "lengths"),
    [
        ("UTC", date(2026, 3, 28), date(2026, 3, 30), [24, 24, 24]),
        (BERLIN, date(2026, 3, 28), date(2026, 3, 30), [24, 23, 24]),
        (BERLIN, date(2026, 10, 24), date(2026, 10, 26), [24, 25, 24]),
        ("America/New_York", date(2026, 11, 1), date(2026, 11, 1), [25]),
        (HOWE, date(2026, 4, 5), date(2026, 4, 5), [24.5]),
        ("Africa/Cairo", date(2026, 4, 24), date(2026, 4, 24), [23]),  # its clocks jump over midnight
        ("America/Havana", date(2026, 11, 1), date(2026, 11, 1), [25]),  # it has midnight twice
    ],
)
def test_days_are_as_long_as_the_zone_makes_them(zone, first, last, lengths):
    assert hours(cut(first, last, "day", zone)) == lengths


@pytest.mark.parametrize(
    ("zone", "day", "count", "short"),
    [
        (BERLIN, date(2026, 3, 29), 23, []),
        (BERLIN, date(2026, 10, 25), 25, []),
        ("Asia/Kathmandu", date(2026, 3, 29), 24, []),
        (HOWE, date(2026, 10, 4), 24, [0.5]),
        (HOWE, date(2026, 4, 5), 25, [0.5]),
    ],
)
def test_hours_begin_as_the_clocks_show_them(zone, day, count, short):
    buckets = cut(day, day, "hour", zone)
    assert len(buckets) == count
    assert [length for length in hours(buckets) if length != 1] == short
    shown = [start.astimezone(ZoneInfo(zone)) for start in buckets.starts]
    assert [at.minute for at in shown if at.minute] == ([30] if short else [])


@pytest.mark.parametrize(
    ("interval", "first", "last", "starts"),
    [
        ("week", date(2026, 1, 1), date(2026, 1, 14), [(2025, 12, 29), (2026, 1, 5), (2026, 1, 12)]),
        ("month", date(2026, 1, 31), date(2026, 4, 1), [(2026, 1, 1), (2026, 2, 1), (2026, 3, 1), (2026, 4, 1)]),
        ("year", date(2024, 2, 29), date(2026, 1, 1), [(2024, 1, 1), (2025, 1, 1), (2026, 1, 1)]),
        ("month", date(2024, 12, 31), date(2025, 1, 1), [(2024, 12, 1), (2025, 1, 1)]),
    ],
)
def test_longer_buckets_begin_with_their_unit_and_count_from_the_range(interval, first, last, starts):
    buckets = cut(first, last, interval, "UTC")
    assert list(buckets.starts) == [utc(*start) for start in starts]
    assert buckets.begin == utc(first.year, first.month, first.day)
    assert buckets.end == utc(last.year, last.month, last.day) + timedelta(days=1)
    assert list(buckets.ends[:-1]) == list(buckets.starts[1:])


def test_every_zone_s_days_follow_each_other_through_years():
    for zone in ("Europe/Berlin", "America/Sao_Paulo", "Asia/Tehran", "Africa/Casablanca", "Pacific/Apia", HOWE):
        for year in range(2023, 2031):
            buckets = cut(date(year, 1, 1), date(year, 12, 31), "day", zone)
            assert len(buckets) == (366 if year % 4 == 0 else 365)
            assert all(20 <= length <= 28 for length in hours(buckets))


@pytest.mark.parametrize("interval", MOST)
def test_the_longest_range_is_taken_and_a_day_more_is_refused(interval):
    first = date(2024, 1, 1)
    cut(first, first + timedelta(days=MOST[interval]), interval, BERLIN)
    with pytest.raises(InvalidInput) as refused:
        cut(first, first + timedelta(days=MOST[interval] + 1), interval, BERLIN)
    (problem,) = refused.value.problems
    assert problem["loc"] == ["query", "end_date"]
    assert str(MOST[interval]) in problem["msg"]


@pytest.mark.parametrize(
    ("first", "last", "field"),
    [
        (date(1, 1, 1), date(1, 1, 2), "start_date"),
        (date(2022, 12, 31), date(2023, 1, 1), "start_date"),
        (date(2026, 1, 2), date(2026, 1, 1), "end_date"),
        (date(9999, 12, 31), date(9999, 12, 31), "end_date"),
        (date(2026, 1, 1), date(9999, 12, 31), "end_date"),
    ],
)
@pytest.mark.parametrize("interval", MOST)
def test_dates_that_have_no_metrics_are_refused_by_name(first, last, field, interval):
    with pytest.raises(InvalidInput) as refused:
        cut(first, last, interval, "Pacific/Kiritimati")
    assert refused.value.problems[0]["loc"] == ["query", field]
