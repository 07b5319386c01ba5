"""The model against examples that others published, and right values that were worked out by hand.

No value here comes from the product. Each example names its source.
"""

from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest

from tests.model.reference.billing import Billing
from tests.model.reference.books import Customer
from tests.model.reference.terms import Discount, Price, Product, Tax, apportion, end_of, rounded, share_left

GERMANY, HUNGARY, REVERSE = Tax("DE", Fraction(19, 100)), Tax("HU", Fraction(27, 100)), Tax("DE reverse charge")


def at(text, **more):
    return datetime.fromisoformat(text).replace(tzinfo=UTC) + timedelta(**more)


def plan(amount, name=None, interval="month", count=1, currency="usd", trial=None):
    return Product(name or f"{amount} {interval}", ((currency, Price("fixed", amount)),), interval, count, trial)


def seats(name, unit):
    return Product(name, (("usd", Price("seat_based", tiers=((None, Fraction(unit)),))),))


def shop(start, card="good", tax=None):
    billing = Billing(at(start))
    customer = Customer("Ada", card, tax or Tax())
    return billing, customer


def bought(start, product, *, currency="usd", tax=None, **more):
    billing, customer = shop(start, tax=tax)
    subscription = billing.buy(at(start), customer, product, currency, **more).made
    return billing, customer, subscription


def turned(billing, when, customer, **facts):
    """From then on the card declines, or the customer is taxed otherwise."""
    billing.advance(when)
    vars(customer).update(facts)


def amounts(order):
    return [line.amount for line in order.lines]


class TestPolar:
    """docs/features/subscriptions/proration.mdx, "How the prorated amount is calculated": a month of 30 days."""

    @pytest.mark.parametrize(
        ("old", "new", "lines", "total"),
        [(500, 2000, [-483, 1933], 1450), (2000, 500, [-1933, 483], -1450)],
        ids=["upgrade", "downgrade"],
    )
    def test_after_one_of_thirty_days(self, old, new, lines, total):
        billing, customer, subscription = bought("2027-04-01", plan(old))
        effects = billing.change(at("2027-04-02"), subscription, "invoice", product=plan(new))
        (order,) = effects.orders
        assert (amounts(order), order.total, order.charged) == (lines, total, max(0, total))
        assert customer.balances["usd"] == max(0, -total)

    def test_prorate_is_added_to_the_next_invoice(self):
        billing, _, subscription = bought("2027-04-01", plan(500))
        assert billing.change(at("2027-04-02"), subscription, "prorate", product=plan(2000)).orders == []
        billing.advance(at("2027-05-01"))
        assert sorted(amounts(billing.orders[-1])) == [-483, 1933, 2000]
        assert billing.orders[-1].charged == 3450

    def test_next_period_bills_no_difference(self):
        billing, _, subscription = bought("2027-04-01", plan(2000))
        billing.change(at("2027-04-02"), subscription, "next_period", product=plan(500))
        billing.advance(at("2027-05-01"))
        assert [order.total for order in billing.orders] == [2000, 500]

    def test_reset_bills_in_full_and_restarts_the_cycle(self):
        billing, _, subscription = bought("2027-04-01", plan(500))
        (order,) = billing.change(at("2027-04-12"), subscription, "reset", product=plan(2000)).orders
        assert (amounts(order), subscription.end, subscription.anchor) == ([2000], at("2027-05-12"), 12)

    def test_prorate_of_another_interval_is_billed_at_once(self):
        billing, _, subscription = bought("2027-04-01", plan(500))
        (order,) = billing.change(at("2027-04-02"), subscription, "prorate", product=plan(5000, interval="year")).orders
        assert (amounts(order), subscription.end) == ([-483, 5000], at("2028-04-02"))

    def test_the_schedule_of_retries(self):
        """docs/features/subscriptions/failed-payments.mdx: 2, 7, 14 and 21 days, then revoked."""
        billing, customer, subscription = bought("2027-04-01", plan(500))
        turned(billing, at("2027-04-02"), customer, card="insufficient_funds")
        for days in (2, 7, 14, 21):
            billing.advance(at("2027-05-01", days=days) - timedelta(seconds=1))
            assert (subscription.status, subscription.past_due_at) == ("past_due", at("2027-05-01"))
            assert (billing.access(subscription, days), billing.access(subscription)) == (True, False)
        billing.advance(at("2027-05-22"))
        assert (subscription.status, billing.orders[-1].status) == ("canceled", "void")
        assert [one.trigger for one in billing.orders[-1].payments] == ["subscription_cycle", *["retry_dunning"] * 4]

    def test_a_new_card_recovers(self):
        billing, customer, subscription = bought("2027-04-01", plan(500))
        turned(billing, at("2027-04-02"), customer, card="insufficient_funds")
        billing.add_card(at("2027-05-04"), customer, "good")
        assert (subscription.status, subscription.end) == ("active", at("2027-06-01"))


class TestKillBill:
    """invoice/src/test/java/org/killbill/billing/invoice/proRations/inAdvance/{monthly,quarterly,annual}:
    the share of the first period that was used when a plan changed or was canceled."""

    @pytest.mark.parametrize(
        ("start", "change", "interval", "count", "used"),
        [
            ("2011-02-10", "2011-02-24", "month", 1, Fraction(1, 2)),
            ("2011-02-01", "2011-02-14", "month", 1, Fraction(13, 28)),
            ("2011-02-07", "2011-02-15", "month", 1, Fraction(8, 28)),
            ("2012-02-01", "2012-02-15", "month", 1, Fraction(14, 29)),
            ("2011-01-01", "2011-01-15", "year", 1, Fraction(14, 365)),
            ("2012-02-01", "2012-02-15", "year", 1, Fraction(14, 366)),
            ("2011-02-10", "2011-02-24", "month", 3, Fraction(14, 89)),
            ("2012-02-01", "2012-02-15", "month", 3, Fraction(14, 90)),
        ],
    )
    def test_the_share_of_a_period(self, start, change, interval, count, used):
        end = end_of(at(start), interval, count, at(start).day)
        assert share_left(at(start), end, at(change)) == 1 - used

    def test_moving_forward_from_the_last_day(self):
        """GenericProRationTestBase.testSinglePlan_MovingForwardThroughTime: from 31 January, each last of a month."""
        instant = at("2011-01-31")
        ends = [instant := end_of(instant, "month", 1, 31) for _ in range(12)]
        assert [(end + timedelta(days=1)).day for end in ends] == [1] * 12


class TestLago:
    """spec/scenarios/credit_notes/credit_note_rounding_spec.rb: 29 of 30 days are left, taxed with 25 %."""

    @pytest.mark.parametrize(("amount", "net", "tax"), [(20000, 19333, 4833), (16000, 15467, 3867)])
    def test_the_credit_of_what_is_left(self, amount, net, tax):
        billing, _, subscription = bought("2025-09-18", plan(amount), tax=Tax("", Fraction(25, 100)))
        (order,) = billing.change(at("2025-09-19"), subscription, "invoice", product=plan(0)).orders
        assert (order.net, order.tax, order.total) == (-net, -tax, -net - tax)

    def test_a_week(self):
        """The third example: 2999 a week with 23.33 %, six of seven days are left."""
        week = plan(2999, interval="week")
        billing, _, subscription = bought("2025-10-06", week, tax=Tax("", Fraction(2333, 10000)))
        (order,) = billing.change(at("2025-10-07"), subscription, "invoice", product=plan(0, interval="week")).orders
        assert (billing.orders[0].tax, order.net, order.tax) == (700, -2571, -600)


class TestWhatWaits:
    """Money cases 1, 2, 4; field reports F1, F2."""

    def test_an_end_with_the_period_bills_it(self):
        billing, _, subscription = bought("2027-10-01", plan(3000))
        billing.change(at("2027-10-02"), subscription, "prorate", product=plan(99900))
        billing.cancel(at("2027-10-02"), subscription)
        billing.advance(at("2027-11-01"))
        assert (amounts(billing.orders[-1]), billing.orders[-1].charged) == ([-2903, 96677], 93774)
        assert (subscription.status, subscription.waiting) == ("canceled", [])

    def test_an_end_after_a_third_of_the_period(self):
        billing, _, subscription = bought("2027-03-01", plan(3000))
        billing.change(at("2027-03-11"), subscription, "prorate", product=plan(9999))
        billing.cancel(at("2027-03-11"), subscription)
        billing.advance(at("2027-04-01"))
        assert billing.orders[-1].total == 4742

    def test_an_end_gives_the_credit_that_waits(self):
        billing, customer, subscription = bought("2027-04-01", plan(5000))
        billing.change(at("2027-04-11"), subscription, "prorate", product=plan(4000))
        billing.cancel(at("2027-04-12"), subscription)
        billing.advance(at("2027-05-01"))
        assert (amounts(billing.orders[-1]), customer.balances["usd"]) == ([-3333, 2667], 666)

    def test_a_pause_bills_it(self):
        billing, _, subscription = bought("2027-03-01", plan(3000))
        billing.change(at("2027-03-11"), subscription, "prorate", product=plan(9999))
        billing.pause(at("2027-03-12"), subscription)
        billing.advance(at("2027-04-01"))
        assert (subscription.status, billing.orders[-1].total) == ("paused", 4742)

    def test_a_revoke_drops_it(self):
        billing, customer, subscription = bought("2027-03-01", plan(3000))
        billing.change(at("2027-03-11"), subscription, "prorate", product=plan(9999))
        billing.revoke(at("2027-03-12"), subscription)
        assert (len(billing.orders), subscription.waiting, customer.balances["usd"]) == (1, [], 0)

    def test_a_free_plan_without_a_card_is_not_raised(self):
        billing, customer = shop("2027-03-01", card=None)
        subscription = billing.buy(at("2027-03-01"), customer, plan(0), "usd").made
        for behavior in ("invoice", "prorate", "next_period", "reset"):
            refused = billing.change(at("2027-03-02"), subscription, behavior, product=plan(99900))
            assert (refused.refusal, refused.orders) == ("PaymentMethodRequired", [])
        assert (subscription.cost(), subscription.pending) == (0, {})

    def test_there_and_back_at_one_instant_costs_nothing(self):
        small, large = plan(3000), plan(99900)
        billing, customer, subscription = bought("2027-10-01", small)
        billing.change(at("2027-10-01"), subscription, "prorate", product=large)
        (order,) = billing.change(at("2027-10-01"), subscription, "invoice", product=small).orders
        assert (sorted(amounts(order)), order.total) == ([-99900, -3000, 3000, 99900], 0)
        billing.revoke(at("2027-10-01"), subscription)
        assert customer.balances["usd"] == 0

    def test_a_year_after_an_upgrade_that_waits(self):
        billing, customer, subscription = bought("2027-10-01", plan(3000))
        billing.change(at("2027-10-02"), subscription, "prorate", product=plan(99900))
        year = plan(30000, interval="year")
        (order,) = billing.change(at("2027-10-02", seconds=10), subscription, "prorate", product=year).orders
        assert (sorted(amounts(order)), order.charged) == ([-96677, -2903, 30000, 96677], 27097)
        assert customer.balances["usd"] == 0

    def test_a_year_after_an_upgrade_at_one_instant(self):
        billing, _, subscription = bought("2026-01-01", plan(1000))
        billing.change(at("2026-01-01"), subscription, "prorate", product=plan(30000))
        (order,) = billing.change(
            at("2026-01-01"), subscription, "invoice", product=plan(12000, interval="year")
        ).orders
        assert order.charged == 11000

    def test_a_declined_charge_gives_it_back(self):
        billing, customer, subscription = bought("2027-10-01", plan(3000))
        billing.change(at("2027-10-02"), subscription, "prorate", product=plan(99900))
        turned(billing, at("2027-10-03"), customer, card="insufficient_funds")
        declined = billing.change(at("2027-10-04"), subscription, "invoice", product=plan(12000, interval="year"))
        assert (declined.refusal, declined.orders[0].status) == ("PaymentFailed", "void")
        assert sorted(line.amount for line in subscription.waiting) == [-2903, 96677]
        assert (subscription.cost(), subscription.end) == (99900, at("2027-11-01"))

    def test_seats_keep_a_scheduled_product(self):
        billing, _, subscription = bought("2027-09-01", seats("A", 1500), quantity=5)
        billing.change(at("2027-09-02"), subscription, "next_period", product=seats("B", 2500))
        billing.change(at("2027-09-02"), subscription, "prorate", quantity=8)
        billing.advance(at("2027-10-01"))
        assert (sorted(amounts(billing.orders[-1])), billing.orders[-1].total) == ([4350, 20000], 24350)

    def test_scheduled_seats_join_a_scheduled_product(self):
        billing, _, subscription = bought("2027-09-01", seats("A", 1500), quantity=5)
        billing.change(at("2027-09-02"), subscription, "next_period", product=seats("B", 2500))
        billing.change(at("2027-09-03"), subscription, "next_period", quantity=8)
        billing.advance(at("2027-10-01"))
        assert billing.orders[-1].total == 20000


class TestCredits:
    """Money cases 5, 7; field reports F4, F6."""

    def test_a_credit_keeps_the_tax_of_what_was_paid(self):
        """A German consumer adds a VAT id, then takes a smaller plan with 20 of 30 days left."""
        billing, customer, subscription = bought("2027-04-01", plan(4000, currency="eur"), currency="eur", tax=GERMANY)
        turned(billing, at("2027-04-02"), customer, tax=REVERSE)
        smaller = plan(1000, currency="eur")
        (order,) = billing.change(at("2027-04-11"), subscription, "invoice", product=smaller).orders
        assert [(line.amount, line.tax) for line in order.lines] == [(-2667, -507), (667, 0)]
        assert order.total == -2507

    def test_a_credit_keeps_the_rate_of_the_place(self):
        billing, customer, subscription = bought("2027-05-01", plan(3333, currency="eur"), currency="eur", tax=GERMANY)
        turned(billing, at("2027-05-02"), customer, tax=HUNGARY)
        smaller = plan(1001, currency="eur")
        (order,) = billing.change(at("2027-05-16"), subscription, "invoice", product=smaller).orders
        assert (order.net, order.total) == (-1203, -1390)

    @pytest.mark.parametrize(("paid", "refunded", "credit"), [(3000, 3000, 0), (10000, 6000, 3871)])
    def test_what_was_refunded_is_not_credited(self, paid, refunded, credit):
        billing, _, subscription = bought("2027-01-01", plan(paid))
        billing.refund(at("2027-01-02"), billing.orders[0], refunded)
        (order,) = billing.change(at("2027-01-02"), subscription, "invoice", product=plan(1000)).orders
        assert [line.amount for line in order.lines if line.amount < 0] == ([-credit] if credit else [])

    def test_what_is_disputed_is_not_credited_until_it_is_won(self):
        billing, _, subscription = bought("2027-01-01", plan(10000))
        billing.dispute(at("2027-01-02"), billing.orders[0])
        (order,) = billing.change(at("2027-01-02"), subscription, "invoice", product=plan(1000)).orders
        assert amounts(order) == [968]
        billing.decide(at("2027-01-03"), billing.orders[0], won=True)
        (order,) = billing.change(at("2027-01-03"), subscription, "invoice", product=plan(900)).orders
        assert min(amounts(order)) < 0

    def test_what_was_credited_is_not_refunded(self):
        billing, _, subscription = bought("2027-04-01", plan(5000))
        billing.change(at("2027-04-16"), subscription, "invoice", product=plan(3000))
        assert billing.refundable(billing.orders[0]) == (2500, 0)

    def test_a_trial_over_a_paid_period_gives_the_rest_back(self):
        billing, _, subscription = bought("2026-01-01", plan(3000))
        billing.set_trial(at("2026-01-02"), subscription, at("2026-02-15"))
        (order,) = billing.change(at("2026-01-03"), subscription, "invoice", product=plan(10000)).orders
        assert sorted(amounts(order)) == [-2806, 10000]

    def test_quantities_up_and_down_come_out_even(self):
        billing, customer, subscription = bought("2027-04-01", seats("A", 1000), quantity=2)
        billing.change(at("2027-04-16"), subscription, "invoice", quantity=4)
        billing.change(at("2027-04-16"), subscription, "invoice", quantity=1)
        assert customer.balances["usd"] == 1500


class TestRefunds:
    """Money case 6; field report F5: refunds of orders that credit paid in part."""

    @pytest.mark.parametrize(
        ("net", "balance", "cash", "given"),
        [(1001, 1129, 62, (52, 10)), (1001, 564, 627, (527, 100)), (10000, 7677, 4223, (3549, 674))],
    )
    def test_the_cash_with_its_share_of_the_tax(self, net, balance, cash, given):
        billing, customer = shop("2027-01-01", tax=GERMANY)
        customer.balances["eur"] = balance
        once = plan(net, interval=None, currency="eur")
        order = billing.buy(at("2027-01-01"), customer, once, "eur", draft=True).made
        billing.finalize(at("2027-01-01"), order)
        assert (order.applied, order.charged, billing.refundable(order)) == (-balance, cash, given)
        billing.refund(at("2027-01-02"), order, given[0])
        assert (order.refunded, billing.refund(at("2027-01-02"), order, 1).refusal) == (cash, "RefundedAlready")

    def test_pieces_add_up(self):
        billing, _, _ = bought("2027-01-01", plan(29385, currency="eur"), currency="eur", tax=GERMANY)
        order = billing.orders[0]
        given = [billing.refund(at("2027-01-02"), order, part).made.tax for part in (7195, 6053, 8942, 7195)]
        assert (given, sum(given), order.status) == ([1367, 1150, 1699, 1367], 5583, "refunded")

    def test_a_refund_that_fails_can_be_made_again(self):
        billing, _, _ = bought("2027-01-01", plan(5000))
        refund = billing.refund(at("2027-01-02"), billing.orders[0], 5000, "pending").made
        assert billing.refund(at("2027-01-02"), billing.orders[0], 1).refusal == "RefundedAlready"
        billing.end_refund(at("2027-01-03"), refund, "failed")
        assert (billing.orders[0].status, billing.refundable(billing.orders[0])) == ("paid", (5000, 0))

    def test_a_disputed_payment_is_not_refunded_and_a_lost_one_ends_the_subscription(self):
        billing, _, subscription = bought("2027-01-01", plan(5000))
        billing.dispute(at("2027-01-02"), billing.orders[0])
        assert billing.refund(at("2027-01-02"), billing.orders[0], 1).refusal == "DisputedOrder"
        billing.decide(at("2027-01-03"), billing.orders[0], won=False)
        assert subscription.status == "canceled"


class TestTrialsAndDiscounts:
    """Money cases 11, 12; the table of scenarios."""

    @pytest.mark.parametrize("early", [False, True])
    def test_a_discounted_trial_ends_with_the_same_order(self, early):
        half = Discount("half", Fraction(1, 2), duration="once")
        billing, _, subscription = bought("2027-04-01", plan(3000, trial=("day", 14)), discount=half)
        billing.set_trial(at("2027-04-08"), subscription, None if early else at("2027-04-20"))
        billing.advance(at("2027-04-20"))
        order = billing.orders[-1]
        assert (order.subtotal, order.discount, order.total, order.reason) == (3000, 1500, 1500, "subscription_cycle")
        assert [line.proration for line in order.lines] == [False]

    def test_a_discount_of_one_product_comes_back(self):
        half = Discount("half", Fraction(1, 2), products=("A",))
        first, other = plan(3000, "A"), plan(5000, "B")
        billing, _, subscription = bought("2027-04-01", first, discount=half)
        billing.change(at("2027-04-16"), subscription, "invoice", product=other)
        (order,) = billing.change(at("2027-04-16"), subscription, "invoice", product=first).orders
        assert amounts(order) == [-2500, 750]

    def test_three_months_from_the_last_day(self):
        fifth = Discount("fifth", Fraction(1, 5), duration="repeating", months=3)
        billing, _, _ = bought("2027-01-31", plan(1000), discount=fifth)
        billing.advance(at("2027-05-31"))
        assert [order.discount for order in billing.orders] == [200, 200, 200, 0, 0]
        assert [order.at.day for order in billing.orders] == [31, 28, 31, 30, 31]

    @pytest.mark.parametrize(("share", "cost", "off"), [(1, 2900, 0), (1, 5000, 1), (3333, 2900, 967)])
    def test_basis_points(self, share, cost, off):
        discount = Discount("some", Fraction(share, 10000))
        assert discount.off(plan(cost), "usd", cost) == off

    def test_less_than_the_minimum_charge_is_kept_as_debt(self):
        billing, customer, subscription = bought("2027-04-01", plan(1000))
        (order,) = billing.change(at("2027-04-16"), subscription, "invoice", product=plan(1062)).orders
        assert (order.total, order.status, order.charged, customer.balances["usd"]) == (31, "paid", 0, -31)
        billing.advance(at("2027-05-01"))
        assert (billing.orders[-1].charged, customer.balances["usd"]) == (1093, 0)

    def test_weekly_orders_are_void_after_three_weeks(self):
        billing, customer, subscription = bought("2027-04-01", plan(1000, interval="week"))
        turned(billing, at("2027-04-02"), customer, card="insufficient_funds")
        billing.advance(at("2027-06-01"))
        assert (subscription.status, subscription.ended_at) == ("canceled", at("2027-04-29"))
        assert [order.status for order in billing.orders[1:]] == ["void"] * 4

    def test_credit_pays_the_next_order_of_any_subscription(self):
        billing, customer, first = bought("2027-04-01", plan(5000))
        billing.buy(at("2027-04-10"), customer, plan(2000), "usd")
        billing.change(at("2027-04-16"), first, "invoice", product=plan(1000))
        assert customer.balances["usd"] == 2000
        billing.advance(at("2027-05-01"))
        assert (billing.orders[-1].applied, customer.balances["usd"]) == (-1000, 1000)
        billing.advance(at("2027-05-10"))
        assert (billing.orders[-1].charged, customer.balances["usd"]) == (1000, 0)

    def test_graduated_tiers_in_parts_of_a_cent(self):
        price = Price("unit_based", mode="graduated", tiers=((10, Fraction("12.345")), (None, Fraction(5))))
        assert [price.cost(units, None) for units in (1, 10, 15)] == [12, 123, 148]


class TestAmounts:
    def test_parts_add_up(self):
        assert apportion(100, [Fraction(100, 3)] * 3) == [34, 33, 33]

    @pytest.mark.parametrize(("value", "whole"), [("0.5", 1), ("-0.5", -1), ("1.5", 2), ("2.5", 3), ("-2.4", -2)])
    def test_half_is_rounded_away_from_zero(self, value, whole):
        assert rounded(Fraction(value)) == whole

    def test_tax_within_a_price(self):
        assert GERMANY.on(11900, True) == 1900
