"""What bounds a credit: the money of the period that is left, in pure arithmetic."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from billing.orders.explain import exact_of
from billing.orders.models import BillingEntry, Order, OrderItem
from billing.subscriptions.paid import paid_of
from billing.subscriptions.proration import Period, PeriodTerms, credit, of_product_change, of_quantity_change
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pricing.amounts import rounded
from servicekit import ids

START = datetime(2027, 1, 1, tzinfo=UTC)
JANUARY = Period(START, datetime(2027, 2, 1, tzinfo=UTC))
SECOND = START + timedelta(days=1)
PRICE = ids.uuid7()


def terms(amount):
    return PeriodTerms("Pro", PRICE, amount, "usd")


def row(kind, line, **fields):
    return kind(
        id=ids.uuid7(), label=line.label, amount=line.amount, proration=True, start_timestamp=line.start,
        end_timestamp=line.end, computation=line.computation, corrects=line.corrects, **fields,
    )  # fmt: skip


def order(*items, at=START, **fields):
    known = {
        "discount_amount": 0, "refunded_amount": 0, "refunded_tax_amount": 0, "credited_amount": 0,
        "credited_tax_amount": 0, "tax_amount": 0, "description": "Pro", "currency": "usd", **fields,
    }  # fmt: skip
    return Order(id=ids.uuid7(), created_at=at, period_start=None, items=list(items), **known)


def whole(amount, period=JANUARY, **fields):
    return OrderItem(
        amount=amount, discount_amount=0, tax_amount=0, proration=False, start_timestamp=period.start,
        end_timestamp=period.end, computation={"rule": "renewal", "inputs": {"amount": amount}}, **fields,
    )  # fmt: skip


def billed(lines, at):
    return order(*(row(OrderItem, line, discount_amount=0, tax_amount=0) for line in lines), at=at)


def bounded(paid, line, at, period=JANUARY):
    found = paid.bounded(line, period, at)
    return found.amount if found else 0


@pytest.mark.parametrize(
    ("amount", "refunded", "disputed", "expected"),
    [
        (3000, 0, 0, -2903),
        (3000, 3000, 0, 0),
        (10000, 6000, 0, -3871),
        (10000, 0, 10000, 0),
        (10000, 6000, 10000, 0),
        (10000, 1, 0, -9676),
    ],
)
def test_what_was_refunded_or_disputed_is_not_credited(amount, refunded, disputed, expected):
    first = order(whole(amount), refunded_amount=refunded)
    paid = paid_of(START, [first], [], {first.id: (disputed, 0)})
    assert bounded(paid, credit(terms(amount), JANUARY, SECOND), SECOND) == expected
    # fewer seats are a credit as well, of the same money
    (fewer,) = of_quantity_change(terms(amount), terms(0), JANUARY, SECOND)
    assert bounded(paid, fewer, SECOND) == expected


def test_a_credit_says_what_bounded_it_and_can_be_derived_again():
    first = order(whole(10000), refunded_amount=6000)
    line = paid_of(START, [first], [], {}).bounded(credit(terms(10000), JANUARY, SECOND), JANUARY, SECOND)
    assert line.computation["rule"] == "credit_within_payments"
    assert line.computation["nominal"] == "-300000/31"
    assert exact_of(line.computation) == Fraction(-4000 * 30, 31)
    (part,) = line.computation["inputs"]["orders"]
    assert (part["order_id"], part["billed"], part["lost"], part["left"]) == (
        str(first.id), 10000, "6000/1", "120000/31",
    )  # fmt: skip
    assert [(one["order_id"], one["amount"]) for one in line.corrects] == [(str(first.id), -3871)]


def test_an_upgrade_that_was_refunded_leaves_what_the_first_order_paid():
    """10.00 paid; at half, to 100.00: -5.00 and +50.00. The 45.00 are refunded: 5.00 are left for the rest."""
    middle = START + (JANUARY.end - START) / 2
    first = order(whole(1000))
    lines = of_product_change(terms(1000), JANUARY, terms(10000), JANUARY, middle)
    up, debit = paid_of(START, [first], [], {}).bounded(lines[0], JANUARY, middle), lines[1]
    second = billed([up, debit], middle)
    second.refunded_amount = 4500
    paid = paid_of(START, [first, second], [], {})
    assert bounded(paid, credit(terms(10000), JANUARY, middle), middle) == -500


def test_waiting_entries_count_in_full_and_come_on_the_same_order():
    first = order(whole(3000), refunded_amount=3000)
    lines = of_product_change(terms(3000), JANUARY, terms(99900), JANUARY, SECOND)
    kept = [line for line in (paid_of(START, [first], [], {}).bounded(one, JANUARY, SECOND) for one in lines) if line]
    assert [line.amount for line in kept] == [96677]
    entries = [row(BillingEntry, line, created_at=SECOND) for line in kept]
    back = paid_of(START, [first], entries, {}).bounded(credit(terms(99900), JANUARY, SECOND), JANUARY, SECOND)
    assert (back.amount, back.corrects) == (-96677, [{"order_id": None, "amount": -96677}])
    # the order that takes both: nothing of the debit is left, once
    both = billed([*kept, back], SECOND)
    assert bounded(paid_of(START, [first, both], [], {}), credit(terms(3000), JANUARY, SECOND), SECOND) == 0


def test_lines_of_another_period_do_not_count():
    """A reset, or another interval, begins a period: what the old one billed is no money of the new."""
    first = order(whole(3000))
    new = Period(SECOND, SECOND + timedelta(days=365))
    back = paid_of(START, [first], [], {}).bounded(credit(terms(3000), JANUARY, SECOND), JANUARY, SECOND)
    yearly = order(whole(30000, new), row(OrderItem, back, discount_amount=0, tax_amount=0), at=SECOND)
    yearly.refunded_amount = 27097
    later = SECOND + timedelta(days=73)
    paid = paid_of(SECOND, [yearly], [], {})
    assert bounded(paid, credit(terms(30000), new, later), later, new) == -rounded(Fraction(2903 * 4, 5))


def test_credits_of_an_earlier_release_are_those_of_the_latest_order_that_billed_their_time():
    first = order(whole(8000))
    lines = of_product_change(terms(8000), JANUARY, terms(2000), JANUARY, SECOND)
    second = billed(lines, SECOND)
    assert all(item.corrects is None for item in second.items)
    first.refunded_amount = 100
    paid = paid_of(START, [first, second], [], {})
    third = SECOND + timedelta(days=1)
    found = paid.bounded(credit(terms(2000), JANUARY, third), JANUARY, third)
    assert found.amount == -1871
    assert [part["order_id"] for part in found.corrects] == [str(second.id)]


def test_a_discount_that_only_the_order_knows_is_taken_off():
    first = order(whole(3000), discount_amount=1500)
    (one,) = paid_of(START, [first], [], {}).orders
    assert one.left(START, JANUARY.end) == 1500


def test_a_period_that_ends_at_another_time_keeps_its_money():
    first = order(whole(3000))
    longer = Period(START, datetime(2027, 3, 4, tzinfo=UTC))
    half = START + (longer.end - START) / 2
    assert bounded(paid_of(START, [first], [], {}), credit(terms(3000), longer, half), half, longer) == -1500
    first.refunded_amount = 1000
    assert bounded(paid_of(START, [first], [], {}), credit(terms(3000), longer, half), half, longer) == -1000


FEW = settings(max_examples=50, suppress_health_check=[HealthCheck.too_slow])
CHAINS = st.lists(
    st.tuples(st.integers(0, 997), st.integers(0, 10**7), st.booleans(), st.booleans()),
    min_size=1, max_size=6,
)  # fmt: skip


def changed(first, chain, refunds):
    """Applies changes that are billed at once or wait. Yields the nominal and the bounded lines of each."""
    old, orders, entries = first, [order(whole(first.net_amount))], []
    for position, (share, amount, waits, is_quantity) in enumerate(sorted(chain)):
        at = JANUARY.start + (JANUARY.end - JANUARY.start) * share / 997
        new = terms(amount)
        for one, part in zip(orders, refunds, strict=False):
            # No more is refunded than was billed, less what is credited already.
            gone = sum(-p["amount"] for o in orders for i in o.items for p in i.corrects or []
                       if p["order_id"] == str(one.id))  # fmt: skip
            sold = sum(item.amount for item in one.items)
            one.refunded_amount = max(one.refunded_amount, max(0, sold - gone) * part // 7)
        paid = paid_of(START, orders, entries, {})
        change = of_quantity_change if is_quantity else None
        nominal = change(old, new, JANUARY, at) if change else of_product_change(old, JANUARY, new, JANUARY, at)
        lines = [line for line in (paid.bounded(one, JANUARY, at) for one in nominal) if line is not None]
        yield nominal, lines, orders, entries
        if waits:
            entries += [row(BillingEntry, line, created_at=at) for line in lines]
        elif lines or entries:
            swept = [row(OrderItem, entry_line, discount_amount=0, tax_amount=0) for entry_line in lines]
            for entry in entries:
                swept.append(
                    OrderItem(amount=entry.amount, discount_amount=0, tax_amount=0, proration=True,
                              start_timestamp=entry.start_timestamp, end_timestamp=entry.end_timestamp,
                              computation=entry.computation, corrects=entry.corrects)
                )  # fmt: skip
            orders.append(order(*swept, at=at + timedelta(microseconds=position)))
            entries = []
        old = new


@FEW
@given(st.integers(0, 10**7), CHAINS)
def test_without_refunds_every_amount_is_that_of_the_terms(amount, chain):
    for nominal, lines, _, _ in changed(terms(amount), chain, []):
        assert [line.amount for line in lines] == [line.amount for line in nominal]
        for line in lines:
            assert sum(part["amount"] for part in line.corrects or []) == min(0, line.amount)


@FEW
@given(st.integers(0, 10**7), CHAINS, st.lists(st.integers(0, 7), max_size=6))
def test_credits_never_exceed_the_money_that_was_paid(amount, chain, refunds):
    """All that was billed, less all refunds and all credits, is never below nothing but for the roundings of lines."""
    total = 0
    for nominal, lines, orders, entries in changed(terms(amount), chain, refunds):
        for line in lines:
            assert min(0, min(one.amount for one in nominal)) <= min(0, line.amount)
            if line.amount < 0:
                assert rounded(exact_of(line.computation)) == line.amount
        kept = [item for one in orders for item in one.items] + [*entries, *lines]
        total = sum(one.amount for one in kept) - sum(one.refunded_amount for one in orders)
        assert total >= -len(kept)


def test_a_reset_at_the_first_instant_of_a_period_forfeits_what_it_was_paid_with():
    """Both periods begin at one instant: the money of the first is not that of the second."""
    first, anew = order(whole(2599)), order(whole(20001))
    assert [one.order_id for one in paid_of(START, [first, anew], [], {}).orders] == [anew.id]
