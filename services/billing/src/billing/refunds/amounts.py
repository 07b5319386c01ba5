"""How much of an order can be given back, and how much of it is tax."""

from fractions import Fraction

from pricing.amounts import rounded


def tax_of_refund(
    amount: int, *, net: int, tax: int, refunded: int, refunded_tax: int, refundable: int, step: int = 1
) -> int:
    """The tax that is given back with `amount` (before tax); all in integer minor units.

    Of all that was refunded so far, with this, the tax is its share of the order's, rounded half away from zero; what
    earlier refunds gave is taken off, so that their roundings never add up. The last refund gives all the rest. `step`
    is that of the currency's charges, to whose multiples the tax is rounded.
    """
    if amount == refundable:
        return tax - refunded_tax
    share = rounded(Fraction((refunded + amount) * tax, net), step)
    return max(0, min(share, tax) - refunded_tax)


def tax_of_dispute(total: int, *, left: int, left_tax: int) -> int:
    """The tax in a disputed `total` (tax included), of the `left` that was paid and not refunded; in minor units."""
    if left <= 0:
        return 0
    return rounded(Fraction(total * left_tax, left))
