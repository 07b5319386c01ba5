"""The tax of refunds: in proportion, whatever the parts, and all of it in the end."""

import pytest
from billing.refunds.amounts import tax_of_dispute, tax_of_refund
from hypothesis import given
from hypothesis import strategies as st


def parts_of(net, tax, amounts):
    """The tax of each refund in turn."""
    refunded, refunded_tax, taxes = 0, 0, []
    for amount in amounts:
        share = tax_of_refund(
            amount, net=net, tax=tax, refunded=refunded, refunded_tax=refunded_tax, refundable=net - refunded,
            refundable_tax=tax - refunded_tax,
        )  # fmt: skip
        taxes.append(share)
        refunded, refunded_tax = refunded + amount, refunded_tax + share
    return taxes


@pytest.mark.parametrize(
    ("net", "tax", "amounts", "taxes"),
    [
        (1000, 190, [1000], [190]),
        (1000, 190, [500, 500], [95, 95]),
        (1000, 190, [333, 333, 334], [63, 64, 63]),  # 63.27, then 126.54 in all, then the rest
        (3, 1, [1, 1, 1], [0, 1, 0]),  # 0.33, then 0.67 in all
        (1, 1, [1], [1]),
        (9900, 0, [100, 9800], [0, 0]),
        (10, 5, [1, 9], [1, 4]),  # half a cent is rounded away from zero
    ],
)
def test_the_tax_of_parts(net, tax, amounts, taxes):
    assert parts_of(net, tax, amounts) == taxes


@given(st.data())
def test_parts_never_exceed_and_end_in_the_whole(data):
    net = data.draw(st.integers(1, 10**8))
    tax = data.draw(st.integers(0, net))
    amounts, left = [], net
    while left:
        amounts.append(data.draw(st.integers(1, left)) if len(amounts) < 12 else left)
        left -= amounts[-1]
    taxes = parts_of(net, tax, amounts)
    assert sum(taxes) == tax
    assert min(taxes) >= 0
    given_back = 0
    for position, share in enumerate(taxes):
        given_back += share
        exact = sum(amounts[: position + 1]) * tax / net
        assert abs(given_back - exact) <= 1


@pytest.mark.parametrize(
    ("total", "left", "left_tax", "tax"),
    [(1190, 1190, 190, 190), (595, 1190, 190, 95), (10, 0, 0, 0), (1, 3, 1, 0), (260, 260, 270, 260)],
)
def test_the_tax_of_a_dispute(total, left, left_tax, tax):
    assert tax_of_dispute(total, left=left, left_tax=left_tax) == tax
