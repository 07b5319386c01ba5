"""What of an order can be given back in cash, and how much of it is tax: from its own numbers, without a row."""

from fractions import Fraction

import pytest
from billing.orders.models import Order
from billing.refunds.amounts import tax_of_refund
from hypothesis import given
from hypothesis import strategies as st


def order_of(net, tax, balance=0, *, credited=(0, 0), refunded=(0, 0), status="paid"):
    """An order with these amounts in minor units; a negative `balance` is credit that paid."""
    return Order(
        status=status, net_amount=net, tax_amount=tax, total_amount=net + tax, applied_balance_amount=balance,
        credited_amount=credited[0], credited_tax_amount=credited[1], refunded_amount=refunded[0],
        refunded_tax_amount=refunded[1],
    )  # fmt: skip


def given_back(order, amount):
    """Refunds `amount` before tax; returns the tax that goes with it."""
    tax = tax_of_refund(
        amount, net=order.net_amount, tax=order.tax_amount, refunded=order.refunded_amount,
        refunded_tax=order.refunded_tax_amount, refundable=order.refundable_amount,
        refundable_tax=order.refundable_tax_amount,
    )  # fmt: skip
    order.refunded_amount += amount
    order.refunded_tax_amount += tax
    return tax


@pytest.mark.parametrize(
    ("order", "refundable"),
    [
        (order_of(1001, 190), (1001, 190)),
        # By card 62 of 1191: 62 x 190/1191 = 9.89.
        (order_of(1001, 190, -1129), (52, 10)),
        # By card 627: 100.03.
        (order_of(1001, 190, -564), (527, 100)),
        # By card 4223 of 11900: 674.26.
        (order_of(10000, 1900, -7677), (3549, 674)),
        # By card 1152: 183.93.
        (order_of(10000, 1900, -10748), (968, 184)),
        # All of it by the balance.
        (order_of(10000, 1900, -11900), (0, 0)),
        # A debt of 400 was collected with it: it belongs to another order.
        (order_of(1001, 190, 400), (1001, 190)),
        # A credit note gives nothing back.
        (order_of(-2000, -380, 2380), (0, 0)),
        # JPY 1078, by card 578: 578 x 98/1078 = 52.5, half away from zero.
        (order_of(980, 98, -500), (525, 53)),
        # Tax inside the price: 29.00 at 19 %, by card 19.00: 303.34.
        (order_of(2437, 463, -1000), (1597, 303)),
        # Credit for later time is not given back in cash too: 1191 less 595 leaves 596, with 95.08 of tax.
        (order_of(1001, 190, credited=(500, 95)), (501, 95)),
        # Paid by card 627; not credited 596: the smaller counts.
        (order_of(1001, 190, -564, credited=(500, 95)), (501, 95)),
        # Paid by card 62; not credited 596.
        (order_of(1001, 190, -1129, credited=(500, 95)), (52, 10)),
        (order_of(1001, 190, credited=(1001, 190)), (0, 0)),
        # 300 + 57 refunded, 500 + 95 credited: 239 left; of 596 95 is tax.
        (order_of(1001, 190, credited=(500, 95), refunded=(300, 57)), (201, 38)),
        # An earlier release gave back all of the tax with a part of the cash: none is left.
        (order_of(1001, 190, -564, refunded=(37, 190)), (400, 0)),
        # Lines taxed at different rates: the tax of the order may be negative, or more than its total.
        (order_of(1000, -100), (900, 0)),
        (order_of(-10, 270), (1, 259)),
        (order_of(1001, 190, status="pending"), (0, 0)),
        (order_of(1001, 190, status="void"), (0, 0)),
    ],
)  # fmt: skip
def test_what_can_be_given_back(order, refundable):
    assert (order.refundable_amount, order.refundable_tax_amount) == refundable
    assert order.refundable_total == sum(refundable)


@given(st.data())
def test_pieces_end_in_the_whole_of_the_cash(data):
    """Whatever the balance paid and whatever was credited: pieces add up to the cash, and their tax to its share."""
    net = data.draw(st.integers(1, 10**7))
    tax = data.draw(st.integers(0, net // 2))
    total = net + tax
    balance = data.draw(st.integers(-total, total))
    credited = data.draw(st.integers(0, net))
    order = order_of(net, tax, balance, credited=(credited, int(Fraction(credited * tax, net))))
    cash = order.refundable_total
    assert cash == min(total, total + balance, total - order.credited_total)
    for _ in range(12):
        if not order.refundable_total:
            break
        left = order.refundable_amount
        given_back(order, data.draw(st.integers(1, left)))
        assert order.refunded_total + order.refundable_total == cash
        exact = Fraction(order.refunded_amount * tax, net)
        assert abs(order.refunded_tax_amount - exact) <= 2
        assert order.refunded_amount <= net
        assert order.refunded_tax_amount <= tax
    if order.refundable_total:
        given_back(order, order.refundable_amount)
    assert (order.refunded_total, order.refundable_amount, order.refundable_tax_amount) == (cash, 0, 0)
    assert abs(order.refunded_tax_amount - Fraction(cash * tax, total)) <= 1


@pytest.mark.parametrize(
    ("order", "given", "status"),
    [
        (order_of(1001, 190, -1129), 0, "paid"),
        (order_of(1001, 190, -1129), 61, "partially_refunded"),
        (order_of(1001, 190, -1129), 62, "refunded"),
        (order_of(1001, 190), 1190, "partially_refunded"),
        (order_of(1001, 190), 1191, "refunded"),
        (order_of(1001, 190, 400), 1191, "refunded"),
        # The rest was given as credit, not in cash.
        (order_of(1001, 190, credited=(500, 95)), 596, "partially_refunded"),
    ],
)
def test_the_status_goes_by_the_cash_that_left(order, given, status):
    order.mark_refunded(given)
    assert order.status == status
