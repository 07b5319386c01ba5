"""What of an order a customer's balance pays, and what is too little to charge; in integer minor units.

Discounts and rounding are those of `pricing`, which checkout computes with, too.
"""

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
