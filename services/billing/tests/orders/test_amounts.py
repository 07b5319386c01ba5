"""What of an order is charged, and what is left to the customer's balance; in minor units."""

import pytest
from billing.orders.amounts import applied_balance
from billing.refunds.amounts import tax_of_refund


@pytest.mark.parametrize(
    ("total", "balance", "currency", "applied"),
    [
        (49, 0, "usd", -49),  # below the minimum: a debt, which the next order collects
        (50, 0, "usd", 0),
        (69, 0, "aud", -69), (70, 0, "aud", 0),
        (799, 0, "krw", -799), (800, 0, "krw", 0),
        (17_499, 0, "huf", -17_499), (17_500, 0, "huf", 0),
        (50, -49, "usd", 49),  # the debt is paid along
        (1000, 980, "usd", -1000),  # 20 cents would remain
        (12_345, 0, "isk", -45),  # Stripe charges 123.00 ISK; the rest waits
        (12_345, -55, "isk", 55), (12_345, 50, "isk", -145),
        (250_050, 0, "ugx", -50), (-300, 0, "ugx", 300), (0, -500, "usd", 0),
        (12_345, 0, "kwd", -5),
    ],
)  # fmt: skip
def test_what_cannot_be_charged_is_left_as_a_debt(total, balance, currency, applied):
    assert applied_balance(total, balance, currency) == applied


def test_the_tax_of_a_refund_is_whole_in_isk():
    """100.00 of 200.00 ISK net at 11 % (22.00): half of 22.00 is 11.00; of 50.00 it is 5.50, refunded as 6.00."""
    fields = {
        "net": 20_000,
        "tax": 2200,
        "refunded": 0,
        "refunded_tax": 0,
        "refundable": 20_000,
        "refundable_tax": 2200,
        "step": 100,
    }
    assert tax_of_refund(10_000, **fields) == 1100
    assert tax_of_refund(5_000, **fields) == 600
