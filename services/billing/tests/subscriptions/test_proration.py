"""Proration: Polar's published examples, and what must hold of every change."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest
from billing.subscriptions import discounts
from billing.subscriptions.models import next_period_end
from billing.subscriptions.proration import (
    Period,
    PeriodTerms,
    credit,
    debit,
    of_product_change,
    of_quantity_change,
)
from hypothesis import given
from hypothesis import strategies as st
from pricing.discounts import Snapshot
from servicekit import ids


def at(*date):
    return datetime(*date, tzinfo=UTC)


def terms(amount, label="Pro", *, percent=None, fixed=None):
    discount = None
    if percent is not None:
        discount = Snapshot("percentage", percent * 100, None)
    elif fixed is not None:
        discount = Snapshot("fixed", None, {"usd": fixed})
    return PeriodTerms(label, ids.uuid7(), amount, "usd", discount)


APRIL = Period(at(2026, 4, 1), at(2026, 5, 1))
"""Thirty days: 2,592,000 seconds, as in Polar's examples."""


@pytest.mark.parametrize(
    ("old", "new", "when", "given_back", "charged"),
    [
        # docs/features/subscriptions/proration: $5 to $20 after one day of thirty, and the way back
        (terms(500), terms(2000), at(2026, 4, 2), -483, 1933),
        (terms(2000), terms(500), at(2026, 4, 2), -1933, 483),
        # at once, in the last second, and once the period is over
        (terms(500), terms(2000), at(2026, 4, 1), -500, 2000),
        (terms(500), terms(2_592_000), at(2026, 4, 30, 23, 59, 59), 0, 1),
        (terms(500), terms(2000), at(2026, 5, 1), 0, 0),
        # noon differs from midnight
        (terms(500), terms(2000), at(2026, 4, 1, 12), -492, 1967),
        # a free plan on either side makes one line
        (terms(0), terms(3000), at(2026, 4, 16), 0, 1500),
        (terms(3000), terms(0), at(2026, 4, 16), -1500, 0),
        # halves go away from zero in both directions
        (terms(1), terms(3), at(2026, 4, 16), -1, 2),
        # the discount is taken off inside the lines
        (terms(2000, percent=50), terms(4000, percent=50), at(2026, 4, 16), -500, 1000),
        (terms(2000, fixed=1500), terms(4000, fixed=1500), at(2026, 4, 16), -250, 1250),
        (terms(1000, fixed=1500), terms(4000, fixed=1500), at(2026, 4, 16), 0, 1250),
        # the discount does not cover the new product
        (terms(2000, percent=100), terms(4000), at(2026, 4, 16), 0, 2000),
    ],
)
def test_published_and_border_cases(old, new, when, given_back, charged):
    back, charge = credit(old, APRIL, when), debit(new, APRIL, when)
    assert (back.amount if back else 0, charge.amount if charge else 0) == (given_back, charged)
    assert sum(line.amount for line in of_product_change(old, APRIL, new, APRIL, when)) == given_back + charged


def test_the_published_difference_and_how_it_is_explained():
    lines = of_product_change(terms(500, "Basic"), APRIL, terms(2000, "Pro"), APRIL, at(2026, 4, 2))
    assert sum(line.amount for line in lines) == 1450
    assert [line.label for line in lines] == ["Unused time on Basic", "Remaining time on Pro"]
    assert lines[0].computation == {
        "rule": "credit_for_time_left",
        "inputs": {
            "old": {"amount": 500, "discount_amount": 0, "currency": "usd"},
            "at": "2026-04-02T00:00:00+00:00",
            "period_start": "2026-04-01T00:00:00+00:00",
            "period_end": "2026-05-01T00:00:00+00:00",
            "seconds_left": "2505600/1",
            "seconds_total": "2592000/1",
        },
        "fraction": "29/30",
        "exact": "-1450/3",
    }
    assert (lines[1].start, lines[1].end) == (at(2026, 4, 2), at(2026, 5, 1))


def test_two_hundred_over_thirty_days_for_twenty_nine_and_a_quarter_more():
    """200 / 30 * 29 with 25 % on top is 241.67: rounding 193.33 first would give 241.66."""
    line = debit(terms(200_00 * 125 // 100), APRIL, at(2026, 4, 2))
    assert line is not None
    assert line.amount == 241_67


@pytest.mark.parametrize(
    ("days", "left", "fraction"),
    [(28, 14, "1/2"), (29, 1, "1/29"), (30, 29, "29/30"), (31, 30, "30/31"), (365, 73, "1/5"), (366, 61, "1/6")],
)
def test_the_real_length_of_the_period_counts(days, left, fraction):
    start = at(2026, 1, 1)
    period = Period(start, start + timedelta(days=days))
    line = debit(terms(10**6), period, period.end - timedelta(days=left))
    assert line is not None
    assert line.computation["fraction"] == fraction


def test_a_change_of_interval_begins_a_new_period_and_is_charged_in_full():
    """Monthly to yearly and back: the old period gives back what is left, the new one has all of it left."""
    when = at(2026, 4, 16)
    year = Period(when, next_period_end(when, "year", 1, when.day))
    up = of_product_change(terms(3000), APRIL, terms(30_000), year, when)
    assert [line.amount for line in up] == [-1500, 30_000]
    assert (up[1].start, up[1].end) == (when, at(2027, 4, 16))
    later = at(2026, 10, 16)
    month = Period(later, next_period_end(later, "month", 1, later.day))
    down = of_product_change(terms(30_000), year, terms(3000), month, later)
    assert [line.amount for line in down] == [-round(30_000 * 182 / 365), 3000]


def test_from_seats_to_a_fixed_price_gives_a_credit():
    ten_seats, flat = terms(10 * 1000, "Team"), terms(2500, "Flat")
    lines = of_product_change(ten_seats, APRIL, flat, APRIL, at(2026, 4, 16))
    assert [line.amount for line in lines] == [-5000, 1250]


@pytest.mark.parametrize(
    ("old", "new", "amount"),
    [
        (terms(2000), terms(3000), 500),
        (terms(3000), terms(2000), -500),
        # ten off is off the whole once: not off the ten that are added
        (terms(2000, fixed=1000), terms(3000, fixed=1000), 500),
        (terms(2000, fixed=2500), terms(3000, fixed=2500), 250),
        (terms(2000, percent=25), terms(3000, percent=25), 375),
        (terms(2000), terms(2000), None),
    ],
)
def test_quantities_pay_the_difference_of_discounted_totals(old, new, amount):
    lines = of_quantity_change(old, new, APRIL, at(2026, 4, 16))
    assert [line.amount for line in lines] == ([] if amount is None else [amount])


AMOUNTS = st.integers(0, 10**10)
INSTANTS = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1)).map(lambda value: value.replace(tzinfo=UTC))
PERIODS = st.builds(lambda start, length: Period(start, start + length), INSTANTS, st.timedeltas(
    timedelta(hours=1), timedelta(days=400)))  # fmt: skip
TERMS = st.builds(
    lambda amount, kind, size: terms(amount, **({kind: size} if kind else {})),
    AMOUNTS,
    st.sampled_from(["percent", "fixed", None]),
    st.integers(0, 100),
)


def moment(period, share):
    return period.start + (period.end - period.start) * share


@given(TERMS, TERMS, PERIODS, st.fractions(0, 1))
def test_a_credit_never_exceeds_what_the_period_cost_nor_a_debit_its_price(old, new, period, share):
    when = moment(period, float(share))
    for line in of_product_change(old, period, new, period, when):
        assert -old.net_amount <= line.amount <= new.net_amount
        assert isinstance(line.amount, int)


@given(TERMS, PERIODS, st.fractions(0, 1))
def test_changing_to_the_same_terms_costs_nothing(same, period, share):
    when = moment(period, float(share))
    assert sum(line.amount for line in of_product_change(same, period, same, period, when)) == 0
    assert of_quantity_change(same, same, period, when) == []


@given(TERMS, PERIODS, st.lists(st.fractions(0, 1), min_size=1, max_size=8), st.lists(TERMS, min_size=8, max_size=8))
def test_a_chain_of_changes_never_gives_back_more_than_was_charged(first, period, shares, others):
    """What a customer paid for a period, all changes counted, is never below nothing."""
    paid, old = first.net_amount, first
    for share, new in zip(sorted(shares), others, strict=False):
        paid += sum(line.amount for line in of_product_change(old, period, new, period, moment(period, float(share))))
        left = period.share_left(moment(period, float(share)))
        assert paid >= new.net_amount * left - len(shares)
        old = new
    assert paid >= -len(shares)


@given(TERMS, TERMS, PERIODS, st.fractions(0, 1))
def test_the_way_there_and_back_in_one_moment_costs_nothing(one, other, period, share):
    when = moment(period, float(share))
    there = of_product_change(one, period, other, period, when)
    back = of_product_change(other, period, one, period, when)
    assert sum(line.amount for line in [*there, *back]) == 0


@given(TERMS, TERMS, PERIODS, st.fractions(0, 1))
def test_every_amount_follows_from_its_computation(old, new, period, share):
    when = moment(period, float(share))
    lines = [*of_product_change(old, period, new, period, when), *of_quantity_change(old, new, period, when)]
    for line in lines:
        assert abs(Fraction(line.computation["exact"]) - line.amount) <= Fraction(1, 2)
        assert not _floats(line.computation)
        assert 0 <= Fraction(line.computation["fraction"]) <= 1


def _floats(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_floats(inner) for inner in value.values())
    return isinstance(value, float)


def lasting(duration, months=None):
    return {"type": "percentage", "basis_points": 1000, "duration": duration, "duration_in_months": months}


@pytest.mark.parametrize(
    ("terms", "interval", "reduced"),
    [
        (lasting("once"), "month", 1),
        (lasting("repeating", 1), "month", 1),
        (lasting("repeating", 3), "month", 3),
        (lasting("repeating", 12), "year", 1),
        (lasting("repeating", 13), "year", 2),
        (lasting("repeating", 1), "week", 5),
        (lasting("repeating", 3), "week", 14),
        (lasting("forever"), "month", 40),
    ],
)
@pytest.mark.parametrize("day", [1, 28, 29, 30, 31])
def test_discounts_end_by_calendar_months(terms, interval, reduced, day):
    first = start = at(2026, 5, day) if day < 31 else at(2026, 5, 31)
    seen = 0
    for period in range(40):
        seen += discounts.applies(terms, first if period else None, start)
        start = next_period_end(start, interval, 1, day)
    assert seen == reduced


def test_a_discount_given_in_february_to_an_anchor_of_the_31st_is_not_counted_a_month_longer():
    terms, first = lasting("repeating", 1), at(2026, 2, 28)
    assert discounts.applies(terms, None, first)
    assert not discounts.applies(terms, first, at(2026, 3, 31))


def test_what_a_discount_covers():
    product = str(ids.uuid7())
    limited = lasting("forever") | {"products": [{"id": product}]}
    assert discounts.covers(limited, product, "usd")
    assert not discounts.covers(limited, str(ids.uuid7()), "usd")
    fixed = {"type": "fixed", "amounts": {"eur": 100}, "products": []}
    assert discounts.covers(fixed, product, "eur")
    assert not discounts.covers(fixed, product, "usd")
    assert not discounts.covers(None, product, "usd")
    assert not discounts.applies(None, None, at(2026, 1, 1))
