"""Every amount of an order is derived again from what was kept of its making."""

from types import SimpleNamespace

import pytest
from billing.orders.explain import exact_of, explained
from sqlalchemy import text

THIRTY_DAYS = {"seconds_left": "2505600", "seconds_total": "2592000"}  # 29 of 30 days
OLD, NEW = {"amount": 500, "discount_amount": 0}, {"amount": 2000, "discount_amount": 0}


@pytest.mark.parametrize(
    ("rule", "inputs", "exact"),
    [
        # Polar's documented example: 5.00 to 20.00 after one of thirty days.
        ("credit_for_time_left", {"old": OLD, **THIRTY_DAYS}, "-1450/3"),
        ("debit_for_time_left", {"new": NEW, **THIRTY_DAYS}, "5800/3"),
        ("difference_for_time_left", {"old": OLD, "new": NEW, **THIRTY_DAYS}, "1450"),
        ("full_period", {"new": {"amount": 2000, "discount_amount": 500}}, "1500"),
        ("full_period", {"amount": 2000, "quantity": None}, "2000"),
        ("trial", {"amount": 2000}, "0"),
        ("debit_for_time_left", {"new": NEW, "seconds_left": "5", "seconds_total": "0"}, "0"),
        ("debit_for_time_left", {"new": NEW, "seconds_left": "-5", "seconds_total": "10"}, "0"),
    ],
)
def test_the_rules_give_exact_fractions(rule, inputs, exact):
    assert str(exact_of({"rule": rule, "inputs": inputs})) == exact


def order(**changes):
    item = SimpleNamespace(
        label="Pro", amount=10000, discount_amount=0, tax_amount=1900, computation={"rule": "price", "amount": 10000}
    )
    fields = {
        "id": "0190b6a0-0000-7000-8000-000000000000", "currency": "eur", "items": [item], "subtotal_amount": 10000,
        "discount_amount": 0, "tax_amount": 1900, "net_amount": 10000, "total_amount": 11900, "payable_amount": 11900,
        "applied_balance_amount": 0, "tax_behavior": "exclusive", "tax_calculation_id": None, "tax_computation": None,
        "tax_breakdown": [{"amount": 1900, "taxable_amount": 10000, "rate": "19", "country": "DE"}], **changes,
    }  # fmt: skip
    return SimpleNamespace(**fields)


def test_tax_that_is_added_and_tax_that_is_included():
    assert explained(order()).holds
    # 100.00 with 20 % and 9.975 % in it: each is a share of the price, and what is left is the net amount.
    state = {"amount": 1539, "taxable_amount": 7694, "rate": "20"}
    city = {"amount": 767, "taxable_amount": 7694, "rate": "9.975"}
    included = order(
        tax_behavior="inclusive", tax_breakdown=[state, city], tax_amount=2306, net_amount=7694, total_amount=10000,
        payable_amount=10000,
        items=[SimpleNamespace(label="Pro", amount=10000, discount_amount=0, tax_amount=2306, computation=None)],
    )  # fmt: skip
    shown = explained(included)
    assert shown.holds
    assert [one.derived for one in shown.tax] == [1539, 767]
    assert shown.lines[0].rule == "as sold"
    assert shown.lines[0].derived is None


def test_what_does_not_follow_is_said():
    wrong = order(tax_breakdown=[{"amount": 1901, "taxable_amount": 10000, "rate": "19"}])
    shown = explained(wrong)
    assert not shown.holds
    assert (shown.tax[0].amount, shown.tax[0].derived, shown.tax[0].exact) == (1901, 1900, "1900/1")


async def test_an_order_is_explained_to_its_owner(client, stranger, bus, purchased, database):
    event = purchased(amount=10000, off=1000, tax=900)
    await bus.deliver(event)
    path = f"/v1/orders/{event.data.order_id}/explain"
    shown = (await client.get(path)).json()
    assert shown["holds"] is True
    (line,) = shown["lines"]
    assert (line["amount"], line["derived"], line["rule"], line["holds"]) == (10000, 10000, "price", True)
    totals = {one["name"]: one["amount"] for one in shown["totals"]}
    assert totals == {
        "subtotal": 10000, "discount": 1000, "tax": 900, "net": 9000, "total": 9900, "payable": 9900,
    }  # fmt: skip
    assert (await stranger.get(path)).status_code == 404
    async with database.transaction() as session:
        await session.execute(text("update order_items set discount_amount = 999"))
    bent = (await client.get(path)).json()
    assert bent["holds"] is False
    assert [one["name"] for one in bent["totals"] if not one["holds"]] == ["discount"]
