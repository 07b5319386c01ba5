"""The period for withdrawing, and the share of an order that is for the time after the declaration."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from billing.orders.models import Order, OrderItem
from billing.withdrawals.amounts import given_back
from billing.withdrawals.periods import _SEVERAL, _ZONES, ends_at
from contracts.identity import EEA_AND_UK


def utc(*parts):
    return datetime(*parts, tzinfo=UTC)


@pytest.mark.parametrize(
    ("concluded", "country", "ends"),
    [
        # 1 June 00:10 in Berlin: day 14 is Tuesday, 15 June, and Berlin is two hours ahead.
        (utc(2027, 5, 31, 22, 10), "DE", utc(2027, 6, 15, 22)),
        (utc(2027, 5, 31, 21, 50), "DE", utc(2027, 6, 14, 22)),
        # Day 14 is a Saturday, and a Sunday: the Monday after it.
        (utc(2027, 6, 5, 12), "DE", utc(2027, 6, 21, 22)),
        (utc(2027, 6, 6, 12), "DE", utc(2027, 6, 21, 22)),
        # Over the change of the clocks on 31 October 2027.
        (utc(2027, 10, 20, 12), "AT", utc(2027, 11, 3, 23)),
        # Begun by the clock of Madrid (31 May in the Canaries), ended by that of the Canaries.
        (utc(2027, 5, 31, 22, 30), "ES", utc(2027, 6, 15, 23)),
        # Nobody knows where: the first and the last time zone on earth.
        (utc(2027, 6, 1, 10), None, utc(2027, 6, 17, 12)),
        (utc(2027, 6, 1, 9), "US", utc(2027, 6, 16, 12)),
    ],
)
def test_when_the_period_ends(concluded, country, ends):
    assert ends_at(concluded, country) == ends


def test_every_country_that_has_the_right_by_law_has_its_time():
    assert set(_ZONES) | set(_SEVERAL) == EEA_AND_UK
    for country in EEA_AND_UK:
        assert timedelta(days=14) <= ends_at(utc(2027, 3, 1, 12), country) - utc(2027, 3, 1, 12)


START = utc(2027, 6, 1)


def order_of(*items, tax=0, refunded=0, currency="eur", paid=None):
    """A paid order of lines (amount, days of its period or None), in minor units."""
    net = sum(amount for amount, _ in items)
    lines = [
        OrderItem(
            amount=amount, discount_amount=0, tax_amount=0, start_timestamp=START if days else None,
            end_timestamp=START + timedelta(days=days) if days else None,
        )
        for amount, days in items
    ]  # fmt: skip
    return Order(
        status="paid", currency=currency, net_amount=net, tax_amount=tax, total_amount=net + tax,
        applied_balance_amount=0, credited_amount=0, credited_tax_amount=0, refunded_amount=refunded,
        refunded_tax_amount=0, items=lines,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("order", "after", "is_pro_rata", "owed"),
    [
        (order_of((3000, 30)), 6, False, 3000),
        (order_of((3000, 30)), 6, True, 2400),
        (order_of((3000, 30)), 0, True, 3000),
        (order_of((3000, 30)), 31, True, 0),
        # 2400 for the time after; 1000 of it was refunded before.
        (order_of((3000, 30), refunded=1000), 6, True, 1400),
        (order_of((3000, 30), refunded=2500), 6, True, 0),
        (order_of((3000, 30), refunded=2500), 6, False, 500),
        # 1000 for 7 days and 2000 for 30: 1000/7 x 1 + 2000/30 x 24 = 1742.86.
        (order_of((1000, 7), (2000, 30)), 6, True, 1743),
        # A line without a period is for no time: it goes back.
        (order_of((3000, 30), (500, None)), 6, True, 2900),
        # Steps of 100 in ISK, against rounding up what was used: 100 x (24/30 of 101) = 8080.
        (order_of((10_100, 30), currency="isk"), 6, True, 8000),
        (order_of((0, 30)), 6, True, 0),
        # Tax beside it is given back by the refund.
        (order_of((3000, 30), tax=570), 6, True, 2400),
    ],
)
def test_how_much_is_given_back(order, after, is_pro_rata, owed):
    assert given_back(order, START + timedelta(days=after), is_pro_rata=is_pro_rata) == owed
    assert owed <= order.refundable_amount


def test_the_share_is_exact():
    at = START + timedelta(seconds=1)
    order = order_of((10**10, 30))
    seconds = 30 * 86_400
    exact = Fraction(10**10 * (seconds - 1), seconds)
    assert abs(given_back(order, at, is_pro_rata=True) - exact) <= Fraction(1, 2)
