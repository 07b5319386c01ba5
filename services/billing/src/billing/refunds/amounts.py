"""How much tax goes back with a refund, and how much is in a disputed payment."""

from fractions import Fraction

from pricing.amounts import rounded


def tax_of_refund(
    amount: int,
    *,
    net: int,
    tax: int,
    refunded: int,
    refunded_tax: int,
    refundable: int,
    refundable_tax: int,
    step: int = 1,
) -> int:
    """The tax that is given back with `amount` (before tax); all in integer minor units.

    Of all that was refunded so far, with this, the tax is its share of the order's, rounded half away from zero; what
    earlier refunds gave is taken off, so that their roundings never add up. The last refund, which takes all of
    `refundable`, takes all of `refundable_tax`. `step` is that of the currency's charges, to whose multiples the tax is
    rounded.
    """
    if amount >= refundable:
        return refundable_tax
    share = rounded(Fraction((refunded + amount) * tax, net), step) - refunded_tax
    return max(0, min(share, refundable_tax))


def tax_of_dispute(total: int, *, left: int, left_tax: int) -> int:
    """The tax in a disputed `total` (tax included), of the `left` that was paid and not refunded; in minor units."""
    if left <= 0:
        return 0
    return max(0, min(total, rounded(Fraction(total * left_tax, left))))
