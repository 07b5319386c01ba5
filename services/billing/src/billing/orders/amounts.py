"""Arithmetic of orders: pure, in integer minor units; fractions are exact and rounded once, half away from zero."""

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

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


def rounded(exact: Decimal | Fraction) -> int:
    """The nearest integer; halves go away from zero."""
    if isinstance(exact, Fraction):
        whole, rest = divmod(abs(exact.numerator), exact.denominator)
        whole += 2 * rest >= exact.denominator
        return whole if exact >= 0 else -whole
    return int(exact.quantize(Decimal(1), ROUND_HALF_UP))


def shared(amount: int, weights: Sequence[int]) -> list[int]:
    """`amount` (not negative) in parts by weights (not negative), by largest remainder: the parts add up to it.

    Equal remainders go to the earlier. Without weight there is nothing to share: all parts are 0.
    """
    total = sum(weights)
    if total <= 0:
        return [0] * len(weights)
    parts = [amount * weight // total for weight in weights]
    rests = sorted(range(len(weights)), key=lambda place: (-(amount * weights[place] % total), place))
    for place in rests[: amount - sum(parts)]:
        parts[place] += 1
    return parts


def discount_of(discount: dict[str, Any] | None, amount: int, currency: str) -> int:
    """What a discount (its public shape) takes off `amount`, in minor units: between 0 and the amount."""
    if discount is None or amount <= 0:
        return 0
    if discount["type"] == "percentage":
        return min(rounded(Decimal(amount) * discount["basis_points"] / 10_000), amount)
    amounts = discount.get("amounts") or {}
    return max(0, min(int(amounts.get(currency, 0)), amount))


def discounts_of(discount: dict[str, Any] | None, amounts: Sequence[int], currency: str) -> list[int]:
    """What a discount takes off each of several amounts: off their sum, shared by largest remainder."""
    positive = [max(0, amount) for amount in amounts]
    return shared(discount_of(discount, sum(positive), currency), positive)


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
