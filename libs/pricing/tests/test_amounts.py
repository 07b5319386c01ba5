"""Rounding, sharing, and what discounts take off."""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pricing.amounts import rounded, shared, written
from pricing.discounts import amount_off, amounts_off


@dataclass
class Terms:
    type: str
    basis_points: int | None = None
    amounts: dict[str, int] | None = None


AMOUNTS = st.integers(0, 10**12)
TERMS = st.one_of(
    st.builds(lambda points: Terms("percentage", points), st.integers(1, 10_000)),
    st.builds(lambda amount: Terms("fixed", amounts={"usd": amount}), AMOUNTS),
)


@pytest.mark.parametrize(
    ("exact", "whole"),
    [
        (Fraction(1, 2), 1), (Fraction(-1, 2), -1), (Fraction(3, 2), 2), (Fraction(5, 2), 3), (Fraction(-5, 2), -3),
        (Decimal("0.49"), 0), (Decimal("483.333"), 483), (7, 7), (Fraction(-1, 3), 0),
    ],
)  # fmt: skip
def test_halves_go_away_from_zero(exact, whole):
    assert rounded(exact) == whole


@given(st.fractions())
def test_rounding_is_symmetric_and_never_off_by_more_than_a_half(exact):
    assert rounded(-exact) == -rounded(exact)
    assert abs(rounded(exact) - exact) <= Fraction(1, 2)


@pytest.mark.parametrize(
    ("total", "weights", "parts"),
    [(100, [1, 1, 1], [34, 33, 33]), (1, [1, 1], [1, 0]), (10, [0, 5, 0], [0, 10, 0]), (0, [0, 0], [0, 0])],
)
def test_parts_by_largest_remainder(total, weights, parts):
    assert shared(total, weights) == parts


def test_nothing_to_share_by_is_refused():
    for weights in ([0, 0], [], [2, -1]):
        with pytest.raises(ValueError, match="nothing to share by"):
            shared(1, weights)


@given(AMOUNTS, st.lists(AMOUNTS, min_size=1, max_size=20).filter(any))
def test_parts_add_up_and_stay_within_one_of_their_share(total, weights):
    parts = shared(total, weights)
    assert sum(parts) == total
    assert all(
        abs(part - Fraction(total * weight, sum(weights))) < 1 for part, weight in zip(parts, weights, strict=True)
    )


@given(AMOUNTS, TERMS)
def test_a_discount_never_takes_more_than_all(amount, terms):
    assert 0 <= amount_off(terms, amount, "usd") <= amount
    if terms.type == "fixed":
        assert amount_off(terms, amount, "usd") == min(terms.amounts["usd"], amount)
        assert amount_off(terms, amount, "eur") == 0
    else:
        assert abs(amount_off(terms, amount, "usd") * 10_000 - amount * terms.basis_points) <= 5_000


@given(st.lists(AMOUNTS, max_size=10), TERMS)
def test_lines_share_a_discount_and_none_goes_below_zero(amounts, terms):
    parts = amounts_off(terms, amounts, "usd")
    assert sum(parts) == amount_off(terms, sum(amounts), "usd")
    assert all(0 <= part <= amount for part, amount in zip(parts, amounts, strict=True))


def test_no_discount_takes_nothing_off():
    assert amount_off(None, 100, "usd") == 0
    assert amounts_off(None, [100, 0], "usd") == [0, 0]
    assert written(Fraction(58, 60)) == "29/30"
