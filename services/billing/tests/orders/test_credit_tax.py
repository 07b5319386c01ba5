"""The tax of parts that correct earlier orders, in pure arithmetic."""

from fractions import Fraction
from types import SimpleNamespace

import pytest
from billing.orders.corrections import Supply, taxed
from billing.orders.tax import Tax
from billing.tax_transactions.operations import keep_sale
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pricing.amounts import rounded
from servicekit import ids

X = str(ids.uuid7())


def item(rate, country="DE", name="VAT", reason="standard_rated"):
    return {
        "amount": 0, "taxable_amount": 0, "taxability_reason": reason, "rate": rate, "display_name": name,
        "country": country, "state": None,
    }  # fmt: skip


def supply(amount, tax, *breakdown, behavior="exclusive", **fields):
    return Supply(amount, tax, behavior, breakdown or [item("19")], **fields)


def part(source, amount):
    return {"order_id": X, "amount": -amount, "tax": source.given_back(amount)}


def today(rate, country, behavior="exclusive"):
    """Asks as if all were taxed at one rate now; with None, the buyer accounts for it."""

    def ask(amounts):
        percent = int(rate or 0)
        taxes = [round(a * percent / (100 + percent if behavior == "inclusive" else 100)) for a in amounts]
        found = item(rate, country, reason="standard_rated" if rate else "reverse_charge")
        found |= {"amount": sum(taxes), "taxable_amount": sum(amounts)}
        return Tax(sum(taxes), behavior, [found], taxes, computation={"rule": "test"})

    return ask


@pytest.mark.parametrize(
    ("source", "amount", "net", "tax"),
    [
        (supply(4000, 760), 2667, -2667, -507),
        (supply(3333, 633), 1720, -1720, -327),
        (supply(4760, 760, behavior="inclusive"), 2380, -2000, -380),
        (supply(4000, 0, item(None, reason="reverse_charge")), 2667, -2667, 0),
        (supply(4000, 0), 100, -100, 0),
        # a calculation that keeps no rate, or lines of which one is exempt: the share of the tax that was paid
        (supply(1000, 70, item(None)), 500, -500, -35),
        (supply(2000, 190), 1000, -1000, -95),
        # kronur are charged in hundreds: so is their tax
        (supply(10000, 2400, item("24", "IS"), step=100), 5100, -5100, -1200),
        (supply(10000, 1498, item("5", "CA", "GST"), item("9.975", "CA", "QST")), 5000, -5000, -749),
    ],
)
def test_the_tax_of_a_credit_is_that_of_what_was_paid(source, amount, net, tax):
    given_back = source.given_back(amount)
    assert (given_back["net"], given_back["amount"]) == (net, tax)
    assert sum(one["amount"] for one in given_back["breakdown"]) == tax
    assert all(one["taxable_amount"] == net for one in given_back["breakdown"])


@settings(max_examples=50, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(1, 10**6), st.lists(st.integers(0, 10**6), max_size=6), st.sampled_from(["exclusive", "inclusive"]))
def test_credits_in_pieces_give_back_the_tax_that_was_paid_and_no_more(amount, cuts, behavior):
    paid = rounded(Fraction(amount * 19, 119 if behavior == "inclusive" else 100))
    credited = tax = 0
    for cut in [*sorted(min(cut, amount) for cut in cuts), amount]:
        source = supply(amount, paid, behavior=behavior, credited=credited, credited_tax=tax)
        back = source.given_back(cut - credited)
        credited, tax = cut, tax - back["amount"]
        assert 0 <= tax <= paid
    assert tax == paid


def test_a_part_with_today_s_tax_is_part_of_one_calculation():
    calls = []

    def ask(amounts):
        calls.append(list(amounts))
        return today("19", "DE")(amounts)

    found, moved = taxed([1000, -500], [None, [part(supply(4000, 760), 500)]], ask)
    assert (found.amount, found.computation, moved, calls) == (95, {"rule": "test"}, {}, [[1000, -500]])


def test_places_stay_apart_and_each_has_one_item():
    parts = [part(supply(4000, 760), 300), part(supply(4000, 760), 200), {"order_id": None, "amount": -100}]
    found, moved = taxed([1000, -600], [None, parts], today("27", "HU"))
    assert moved == {}
    assert (found.amount, list(found.lines)) == (243 - 95, [270, -27 - 57 - 38])
    shown = [(one["country"], one["amount"], one["taxable_amount"]) for one in found.breakdown]
    assert shown == [("HU", 243, 900), ("DE", -95, -500)]
    assert found.computation["own"]["amount"] == 900
    assert [one["line"] for one in found.computation["corrections"]] == [1, 1]


@pytest.mark.parametrize(
    ("source", "amount", "behavior", "line", "tax"),
    [
        # paid 1190 with the tax in it; the order adds its tax: 1000 and 190 are given back
        (supply(1190, 190, behavior="inclusive"), 1190, "exclusive", -1000, -190),
        # paid 1000 and 190; in the order's prices the tax is contained: 1190
        (supply(1000, 190), 1000, "inclusive", -1190, -190),
    ],
)
def test_what_was_paid_is_given_back_whether_or_not_prices_contain_the_tax(source, amount, behavior, line, tax):
    found, moved = taxed([500, -amount], [None, [part(source, amount)]], today("27", "HU", behavior))
    assert (found.behavior, found.lines[1]) == (behavior, tax)
    assert -amount + moved[1].amount == line
    assert [one["amount"] for one in moved[1].corrects] == [line]
    assert line + (tax if behavior == "exclusive" else 0) == -1190
    assert source.units_of(moved[1].corrects[0]) == amount


def test_a_credit_alone_needs_no_calculation_of_today():
    source = supply(4000, 760, tax_id=["DE136695976", "eu_vat"])
    found, _ = taxed([-2667], [[part(source, 2667)]], today("27", "HU"))
    assert (found.amount, found.behavior, found.calculation_id) == (-507, "exclusive", None)
    assert found.tax_id == ["DE136695976", "eu_vat"]
    assert [one["country"] for one in found.breakdown] == ["DE"]


def test_a_provider_takes_back_what_it_calculated_and_keeps_the_rest():
    calculation = {"provider": "stripe", "id": "taxcalc_old"}
    found, _ = taxed(
        [1000, -500], [None, [part(supply(4000, 760, calculation=calculation), 500)]], today("27", "HU")
    )  # fmt: skip
    kept = []
    order = SimpleNamespace(
        id=ids.uuid7(), organization_id=ids.uuid7(), total_amount=500 + found.amount, tax_calculation_id="taxcalc_new",
        tax_computation={**found.computation, "provider": "stripe"},
    )  # fmt: skip
    keep_sale(SimpleNamespace(add=kept.append), order)
    rows = [(str(row.order_id), row.refund_id is None, row.calculation_id, row.amount) for row in kept]
    assert rows == [(str(order.id), True, "taxcalc_new", 1270), (X, False, "taxcalc_old", 595)]
