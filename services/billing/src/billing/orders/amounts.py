"""What of an order a customer's balance pays, and what is too little to charge; in integer minor units.

Discounts and rounding are those of `pricing`, which checkout computes with, too.
"""

MINIMUM_CHARGES = {
    "aed": 200, "aud": 50, "bgn": 100, "brl": 50, "cad": 50, "chf": 50, "czk": 1500, "dkk": 250, "eur": 50, "gbp": 30,
    "hkd": 400, "huf": 17500, "inr": 50, "jpy": 50, "mxn": 1000, "myr": 200, "nok": 300, "nzd": 50, "pln": 200,
    "ron": 200, "sek": 300, "sgd": 50, "thb": 1000, "usd": 50,
}  # fmt: skip
"""The least that Stripe charges, in minor units (its documentation, "Minimum and maximum charge amounts")."""
DEFAULT_MINIMUM = 50


def minimum_charge(currency: str) -> int:
    """The least that can be charged in a currency, in minor units."""
    return MINIMUM_CHARGES.get(currency, DEFAULT_MINIMUM)


def applied_balance(total: int, balance: int, currency: str) -> int:
    """By how much an order of `total` changes the customer's `balance` (credit positive), in minor units.

    Credit pays what it can, and a debt is paid along; a negative total becomes credit; what then remains below the
    currency's minimum charge is left as a debt. An order of nothing collects nothing. What is to be charged is the
    total and the result.
    """
    if total <= 0:
        return -total
    applied = -min(balance, total)
    due = total + applied
    return applied - due if 0 < due < minimum_charge(currency) else applied
