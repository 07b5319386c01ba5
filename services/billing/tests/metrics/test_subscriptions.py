"""Subscriptions by bucket, computed by hand: what they were worth then, whatever they are worth now."""

from datetime import timedelta

import pytest
from billing.subscriptions.models import Subscription
from servicekit import clock

FEBRUARY = "2026-02-01/2026-02-05"


async def change(client, sale, **wish):
    answer = await client.patch(f"/v1/subscriptions/{sale.subscription_id}", json=wish)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize(
    ("amount", "interval", "count", "monthly"),
    [
        (2900, "month", 1, 2900),
        (12000, "year", 1, 1000),
        (9999, "year", 1, 833),  # 833.25
        (100, "year", 1, 8),  # 8.33
        (90, "year", 1, 8),  # 7.5: halves go away from zero
        (9000, "month", 3, 3000),
        (24000, "year", 2, 1000),
        (1000, "week", 1, 4333),  # × 52 / 12 = 4333.33
        (1000, "week", 2, 2167),  # 2166.67
        (100, "day", 1, 3042),  # × 365 / 12 = 3041.67
        (0, "month", 1, 0),
    ],
)
async def test_a_period_s_amount_is_normalized_to_a_month(sell, ask, bus, purchased, amount, interval, count, monthly):
    await sell("2026-02-01T12:00:00Z", amount, interval, count=count)
    (period,) = (await ask("2026-02-01"))["periods"]
    assert period["monthly_recurring_revenue"] == monthly
    assert period["committed_monthly_recurring_revenue"] == monthly
    assert (period["active_subscriptions"], period["trial_monthly_recurring_revenue"]) == (1, 0)


async def test_rounding_comes_last(sell, ask):
    """Six times 1.00 a year is 0.5 a month each, and 50 cents together; a year of it is 6.00."""
    for number in range(6):
        await sell("2026-02-01T12:00:00Z", 100, "year", email=f"buyer{number}@example.com")
    (period,) = (await ask("2026-02-01"))["periods"]
    assert (period["monthly_recurring_revenue"], period["annual_recurring_revenue"]) == (50, 600)
    assert period["average_revenue_per_user"] == 8  # 50 / 6 = 8.33


async def test_it_counts_from_its_start_to_its_end(sell, values, client):
    sale = await sell("2026-02-02T00:00:00Z", 3000, "month")
    await sell("2026-02-02T12:00:00Z", 6000, "year", email="bob@example.com")
    clock.move(timedelta(days=1))
    await change(client, sale, revoke=True, customer_cancellation_reason="unused")
    assert await values("active_subscriptions", FEBRUARY) == [0, 2, 1, 1, 1, 1]
    assert await values("monthly_recurring_revenue", FEBRUARY) == [0, 3500, 500, 500, 500, 500]
    assert await values("annual_recurring_revenue", FEBRUARY) == [0, 42000, 6000, 6000, 6000, 6000]
    assert await values("churned_subscriptions", FEBRUARY) == [0, 0, 1, 0, 0, 1]
    assert await values("canceled_subscriptions", FEBRUARY) == [0, 0, 1, 0, 0, 1]
    assert await values("canceled_subscriptions_unused", FEBRUARY) == [0, 0, 1, 0, 0, 1]
    assert await values("canceled_subscriptions_other", FEBRUARY) == [0, 0, 0, 0, 0, 0]
    assert await values("average_revenue_per_user", FEBRUARY) == [0, 1750, 500, 500, 500, 500]
    assert await values("active_subscriptions", "2026-01-01/2026-03-31", "month") == [0, 1, 1, 1]


async def test_a_cancellation_in_the_middle_of_a_bucket(sell, work, values, ask, client, sandbox):
    """Canceled on 10 February for the end of its period on 5 March: active until then, committed no more."""
    sale = await sell("2026-02-05T12:00:00Z", 3000, "month", card=sandbox.card())
    await work("2026-02-10T12:00:00Z")
    await change(client, sale, cancel_at_period_end=True, customer_cancellation_reason="too_expensive")
    await work("2026-03-05T12:00:01Z")
    clock.move(timedelta(days=30))
    totals = await ask("2026-02-01/2026-04-02", "month")
    february, march, _ = totals["periods"]
    assert (february["active_subscriptions"], february["committed_subscriptions"]) == (1, 0)
    assert (february["monthly_recurring_revenue"], february["committed_monthly_recurring_revenue"]) == (3000, 0)
    assert (february["canceled_subscriptions"], february["churned_subscriptions"]) == (1, 0)
    assert february["canceled_subscriptions_too_expensive"] == 1
    assert (march["active_subscriptions"], march["canceled_subscriptions"], march["churned_subscriptions"]) == (0, 0, 1)
    days = "2026-02-09/2026-02-11"
    assert await values("committed_subscriptions", days) == [1, 0, 0, 0]
    assert await values("committed_annual_recurring_revenue", days) == [36000, 0, 0, 0]


async def test_a_cancellation_that_was_taken_back_is_none(sell, values, client):
    sale = await sell("2026-02-01T12:00:00Z", 3000, "month")
    await change(client, sale, cancel_at_period_end=True)
    assert await values("canceled_subscriptions_other", "2026-02-01") == [1, 1]
    clock.move(timedelta(days=1))
    await change(client, sale, cancel_at_period_end=False)
    assert await values("canceled_subscriptions", FEBRUARY) == [0, 0, 0, 0, 0, 0]
    assert await values("committed_subscriptions", FEBRUARY) == [0, 1, 1, 1, 1, 1]


async def test_a_trial_is_not_counted_until_it_is_over(sell, work, ask, sandbox):
    """Fourteen days from 1 February on, then 30.00 a month."""
    card = sandbox.card()
    setup = {
        "processor": "stripe", "processor_customer_id": card[0], "processor_payment_method_id": card[1],
        "method": "card", "method_metadata": {"brand": "visa", "last4": "4242"},
    }  # fmt: skip
    await sell("2026-02-01T12:00:00Z", 3000, "month", trial_end="2026-02-15T12:00:00Z", payment=None, setup=setup)
    await work("2026-02-15T12:00:01Z")
    answer = await ask("2026-02-14/2026-02-15")
    before, after = answer["periods"]
    assert (before["active_subscriptions"], after["active_subscriptions"]) == (1, 1)
    assert (before["monthly_recurring_revenue"], after["monthly_recurring_revenue"]) == (0, 3000)
    assert (before["trial_monthly_recurring_revenue"], after["trial_monthly_recurring_revenue"]) == (3000, 0)
    assert (before["trial_committed_monthly_recurring_revenue"], before["average_revenue_per_user"]) == (3000, 0)
    assert after["average_revenue_per_user"] == 3000
    assert (after["orders"], after["renewed_subscriptions"], after["revenue"]) == (1, 1, 3000)
    (first,) = (await ask("2026-02-01"))["periods"]
    assert (first["new_subscriptions"], first["new_subscriptions_revenue"], first["orders"]) == (1, 0, 1)


async def test_an_upgrade_leaves_the_months_before_as_they_were(sell, work, ask, client, sandbox, database):
    sale = await sell("2026-01-10T12:00:00Z", 3000, "month", card=sandbox.card())
    await work("2026-02-10T12:00:01Z")
    async with database.transaction() as session:
        subscription = await session.get(Subscription, sale.subscription_id)
        subscription.amount, subscription.modified_at = 5000, clock.now()
    answer = await ask("2026-01-01/2026-03-31", "month")
    assert [period["monthly_recurring_revenue"] for period in answer["periods"]] == [3000, 5000, 5000]
    assert [period["active_subscriptions"] for period in answer["periods"]] == [1, 1, 1]
    assert answer["totals"]["monthly_recurring_revenue"] == 5000


async def test_the_churn_rate_is_of_those_active_thirty_days_before(sell, ask, client):
    """Four begin on 1 January; one ends on 20 January, one on 10 February, and one that began on 9 February."""
    sales = [
        await sell("2026-01-01T12:00:00Z", 1000, "month", email=f"buyer{number}@example.com") for number in range(4)
    ]
    clock.move(timedelta(days=19))
    await change(client, sales[0], revoke=True)
    late = await sell("2026-02-09T12:00:00Z", 1000, "month", email="late@example.com")
    clock.move(timedelta(days=1))
    await change(client, sales[1], revoke=True)
    await change(client, late, revoke=True)
    answer = await ask("2026-01-20/2026-03-31")
    rates = {period["timestamp"][:10]: period["churn_rate"] for period in answer["periods"]}
    assert rates["2026-01-29"] == 0  # nobody was active thirty days before its end
    assert rates["2026-01-31"] == 0.25  # four were active at the end of 1 January, one ended since
    assert rates["2026-02-09"] == 0.25
    assert rates["2026-02-10"] == 0.5
    assert rates["2026-02-18"] == 0.5  # on 19 January there were four, one of which ended on the next day
    assert rates["2026-02-19"] == pytest.approx(1 / 3)  # at the end of 20 January there were three
    assert rates["2026-03-11"] == 0.5  # at the end of 9 February there were four, two of which ended on the next day
    assert rates["2026-03-12"] == 0
    assert answer["totals"]["churned_subscriptions"] == 3


async def test_a_customer_with_two_subscriptions_is_one_user(sell, values, client):
    first = await sell("2026-02-01T12:00:00Z", 1000, "month")
    await sell("2026-02-02T12:00:00Z", 3000, "month")
    await sell("2026-02-02T12:00:00Z", 2000, "month", email="bob@example.com")
    clock.move(timedelta(days=1))
    await change(client, first, revoke=True)
    assert await values("average_revenue_per_user", FEBRUARY) == [1000, 3000, 2500, 2500, 2500, 2500]


async def test_seats_and_those_who_have_them(sell, ask, client):
    await sell("2026-02-01T12:00:00Z", 1000, "month")
    first = await sell("2026-02-02T12:00:00Z", 5000, "month", seats=5, email="bob@example.com")
    await sell("2026-02-03T12:00:00Z", 3000, "month", seats=2, email="cleo@example.com")
    clock.move(timedelta(days=1))
    await change(client, first, revoke=True)
    answer = await ask(FEBRUARY)
    names = ("seats_total", "seat_customers", "new_seat_customers", "churned_seat_customers",
             "average_seats_per_customer", "seats_claimed")  # fmt: skip
    found = [tuple(period[name] for name in names) for period in answer["periods"]]
    assert found == [
        (0, 0, 0, 0, 0, None), (5, 1, 1, 0, 5, None), (7, 2, 1, 0, 3.5, None), (2, 1, 0, 1, 2, None),
        (2, 1, 0, 0, 2, None),
    ]  # fmt: skip
    assert tuple(answer["totals"][name] for name in names) == (2, 1, 2, 1, 2, None)
