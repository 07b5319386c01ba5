"""What holds for every sale: parts add up, nothing is negative, both behaviours agree, and no float is near."""

from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tax import Address, Line, TaxId, TaxRequest
from tax.builtin import calculated
from tax.money import apportioned, rounded

PLACES = [
    ("DE", None),
    ("FI", None),
    ("CH", None),
    ("CA", "QC"),
    ("CA", "BC"),
    ("NG", None),
    ("US", "TX"),
    ("BR", None),
]
places = st.sampled_from(PLACES)
prices = st.lists(st.integers(0, 99_999_999), min_size=1, max_size=8)
signed = st.lists(st.integers(-99_999_999, 99_999_999), min_size=1, max_size=8)
behaviors = st.sampled_from(["inclusive", "exclusive"])


def request(place: Any, amounts: list[int], behavior: Any) -> TaxRequest:
    lines = tuple(Line(str(index), amount) for index, amount in enumerate(amounts))
    return TaxRequest("x", "eur", behavior, lines, date(2026, 11, 24), "US", Address(*place))


@given(places, signed, behaviors)
def test_parts_sum_to_the_whole(place, amounts, behavior):
    result = calculated(request(place, amounts, behavior))
    assert result.amount == sum(item.amount for item in result.items) == sum(result.line_amounts)
    for item in result.items:
        assert item.taxable_amount == sum(amounts) - (result.amount if behavior == "inclusive" else 0)


@given(places, prices, behaviors)
def test_prices_have_no_negative_tax_and_no_more_than_themselves(place, amounts, behavior):
    result = calculated(request(place, amounts, behavior))
    assert all(tax >= 0 for tax in result.line_amounts)
    if behavior == "inclusive":
        assert all(tax <= amount for tax, amount in zip(result.line_amounts, amounts, strict=True))


@given(places, signed, behaviors)
def test_a_credit_has_the_tax_of_the_charge_negated(place, amounts, behavior):
    charge = calculated(request(place, amounts, behavior))
    credit = calculated(request(place, [-amount for amount in amounts], behavior))
    assert credit.amount == -charge.amount
    assert [item.amount for item in credit.items] == [-item.amount for item in charge.items]


@given(places, st.integers(0, 99_999_999))
def test_what_was_added_is_what_is_contained(place, net):
    """Adding the tax to a net amount and taking it out of the total again leads back, up to a unit a jurisdiction."""
    added = calculated(request(place, [net], "exclusive"))
    contained = calculated(request(place, [net + added.amount], "inclusive"))
    assert abs(contained.amount - added.amount) <= len(added.items)
    if len(added.items) == 1:
        assert abs(contained.amount - added.amount) <= 1


@given(st.lists(st.fractions(-1000, 1000, max_denominator=997), min_size=1, max_size=20))
def test_apportioning_stays_within_one_of_the_exact_part(parts):
    total = rounded(sum(parts, Fraction(0)))
    shares = apportioned(total, parts)
    assert sum(shares) == total
    assert all(abs(share - part) < 1 for share, part in zip(shares, parts, strict=True)) or len(parts) == 1


def leaves(value: Any) -> Any:
    if isinstance(value, dict):
        for inner in value.values():
            yield from leaves(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from leaves(inner)
    else:
        yield value


@given(places, signed, behaviors)
def test_no_float_and_the_computation_says_it_all(place, amounts, behavior):
    result = calculated(request(place, amounts, behavior))
    told = [result.amount, result.breakdown(), result.computation, result.line_amounts]
    assert not any(isinstance(leaf, float) for leaf in leaves(told))
    for step in result.computation["jurisdictions"]:
        assert rounded(Fraction(step["exact"])) == step["amount"]
        rate = Fraction(Decimal(step["rate"])) / 100
        together = (
            sum((Fraction(Decimal(one["rate"])) for one in result.computation["jurisdictions"]), Fraction(0)) / 100
        )
        whole = sum(line["amount"] for line in result.computation["inputs"]["lines"])
        assert Fraction(step["exact"]) == whole * rate / (1 + together if behavior == "inclusive" else 1)


@given(st.text(max_size=40), st.sampled_from(["DE", "GR", "GB", "CA", "TW", "JP", "US", "BR", "AQ"]))
def test_anything_may_be_typed_as_a_tax_id(typed, country):
    from tax import TaxIdInvalid, tax_id_of

    try:
        found = tax_id_of(typed, country)
    except TaxIdInvalid:
        return
    assert isinstance(found, TaxId)
    assert tax_id_of(found.value, country) == found
