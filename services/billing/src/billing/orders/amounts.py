"""What of an order a customer's balance pays, and what is too little to charge; in integer minor units.

Discounts and rounding are those of `pricing`, which checkout computes with, too.
"""

from fractions import Fraction

from pricing.amounts import rounded
from pricing.currencies import minimum, step


def applied_balance(total: int, balance: int, currency: str) -> int:
    """By how much an order of `total` changes the customer's `balance` (credit positive), in minor units.

    Credit pays what it can, and a debt is paid along; a negative total becomes credit; what then remains below the
    currency's minimum charge is left as a debt, and so is the part below the currency's step (fractions of ISK and
    UGX, which Stripe does not charge). An order of nothing collects nothing. What is to be charged is the total and
    the result.
    """
    if total <= 0:
        return -total
    applied = -min(balance, total)
    due = total + applied
    uncharged = due if due < minimum(currency) else due % step(currency)
    return applied - uncharged


def tax_of_part(part: int, *, total: int, tax: int, step: int = 1) -> int:
    """The tax in `part` of an order of `total`, of which `tax` is tax; all in integer minor units, tax included.

    In proportion, rounded half away from zero to a multiple of `step`, the currency's least charge (Directive
    2006/112/EC art. 90(1): a price that is reduced reduces the taxable amount accordingly). Never below 0, nor above
    `part` or `tax`, also where lines of an order have taxes of different signs.
    """
    if part <= 0 or tax <= 0 or total <= 0:
        return 0
    return min(part, tax if part >= total else rounded(Fraction(part * tax, total), step))
