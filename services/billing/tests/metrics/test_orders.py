"""Orders and revenue by bucket, computed by hand, and what the ledger says of the same sales."""

from datetime import timedelta

import pytest
from contracts.checkout import CheckoutSucceededV1
from servicekit import clock
from sqlalchemy import text

BOUNDARY = [
    # an instant of the sale, the zone, and the days among which it must count
    ("2026-03-28T23:59:59.999999Z", "UTC", [1, 0, 0]),
    ("2026-03-29T00:00:00Z", "UTC", [0, 1, 0]),
    ("2026-03-28T22:59:59.999999Z", "Europe/Berlin", [1, 0, 0]),
    ("2026-03-28T23:00:00Z", "Europe/Berlin", [0, 1, 0]),
    ("2026-03-29T21:59:59.999999Z", "Europe/Berlin", [0, 1, 0]),  # the day has 23 hours
    ("2026-03-29T22:00:00Z", "Europe/Berlin", [0, 0, 1]),
    ("2026-03-28T18:14:59.999999Z", "Asia/Kathmandu", [1, 0, 0]),
    ("2026-03-28T18:15:00Z", "Asia/Kathmandu", [0, 1, 0]),
    ("2026-03-27T23:00:00Z", "Europe/Berlin", [1, 0, 0]),
    ("2026-03-27T22:59:59.999999Z", "Europe/Berlin", [0, 0, 0]),
    ("2026-03-30T22:00:00Z", "Europe/Berlin", [0, 0, 0]),
]


@pytest.mark.parametrize(("instant", "zone", "days"), BOUNDARY)
async def test_an_instant_counts_on_its_day_of_the_zone(sell, values, instant, zone, days):
    await sell(instant)
    assert await values("orders", "2026-03-28/2026-03-30", timezone=zone) == [*days, sum(days)]
    assert await values("revenue", "2026-03-28/2026-03-30", timezone=zone) == [
        *(10000 * day for day in days), 10000 * sum(days),
    ]  # fmt: skip


async def test_the_hour_that_is_there_twice(sell, ask):
    """In Berlin it is half past two twice on 25 October 2026: once at 00:30 UTC, once at 01:30."""
    await sell("2026-10-25T00:30:00Z")
    await sell("2026-10-25T01:30:00Z", email="bob@example.com")
    answer = await ask("2026-10-25", "hour", "orders", timezone="Europe/Berlin")
    assert len(answer["periods"]) == 25
    counted = {period["timestamp"]: period["orders"] for period in answer["periods"] if period["orders"]}
    assert counted == {"2026-10-25T00:00:00Z": 1, "2026-10-25T01:00:00Z": 1}
    assert answer["periods"][0]["timestamp"] == "2026-10-24T22:00:00Z"


async def test_a_month_and_a_week_count_only_what_is_in_the_range(sell, values, ask):
    for instant in ("2026-01-30T12:00:00Z", "2026-01-31T12:00:00Z", "2026-03-31T23:59:59Z", "2026-04-01T00:00:00Z"):
        await sell(instant)
    assert await values("orders", "2026-01-31/2026-03-31", "month") == [1, 0, 1, 2]
    answer = await ask("2026-01-31/2026-02-14", "week", "orders")
    assert [period["timestamp"] for period in answer["periods"]] == [
        "2026-01-26T00:00:00Z", "2026-02-02T00:00:00Z", "2026-02-09T00:00:00Z",
    ]  # fmt: skip
    assert [period["orders"] for period in answer["periods"]] == [1, 0, 0]


async def test_an_empty_range_has_every_bucket_and_every_metric(ask):
    answer = await ask("2026-02-01/2026-02-03")
    assert [period["timestamp"] for period in answer["periods"]] == [
        "2026-02-01T00:00:00Z", "2026-02-02T00:00:00Z", "2026-02-03T00:00:00Z",
    ]  # fmt: skip
    unknown = {"seats_claimed", "seats_pending", "seat_utilization_rate"}
    for shown in (*answer["periods"], answer["totals"]):
        values = {slug: value for slug, value in shown.items() if slug != "timestamp"}
        assert {slug for slug, value in values.items() if value is None} == unknown
        assert all(value == 0 for slug, value in values.items() if slug not in unknown)
    assert set(answer["metrics"]) == set(answer["totals"])
    assert (answer["currency"], answer["other_currencies"]) == ("usd", [])


async def test_revenue_is_before_tax_and_fees_and_after_discounts(sell, ask, sandbox):
    paid = sandbox.pay(9900 - 900 + 1710, "pm_card_visa")
    await sell("2026-02-01T10:00:00Z", 9900, off=900, tax=1710, processor_id=paid)
    await sell("2026-02-01T11:00:00Z", 0, email="bob@example.com")
    await sell("2026-02-02T10:00:00Z", 1001, "month", email="cleo@example.com")
    answer = await ask("2026-02-01/2026-02-02")
    first, second = answer["periods"]
    assert (first["orders"], first["revenue"], first["average_order_value"]) == (2, 9000, 4500)
    assert (second["orders"], second["revenue"], second["cumulative_revenue"]) == (1, 1001, 10001)
    assert (first["one_time_products"], first["one_time_products_revenue"]) == (2, 9000)
    assert (first["new_subscriptions"], second["new_subscriptions"]) == (0, 1)
    assert (second["new_subscriptions_revenue"], second["renewed_subscriptions_revenue"]) == (1001, 0)
    totals = answer["totals"]
    assert (totals["orders"], totals["revenue"], totals["cumulative_revenue"]) == (3, 10001, 10001)
    assert totals["average_order_value"] == 3334  # 10001 / 3 = 3333.67


async def test_a_refund_counts_when_it_is_made_and_the_ledger_agrees(sell, work, ask, client, sandbox, database):
    card = sandbox.card()
    sale = await sell("2026-01-15T12:00:00Z", 10000, "month", tax=1900, card=card,
                      processor_id=sandbox.pay(11900, "pm_card_visa"))  # fmt: skip
    await work("2026-02-15T12:00:01Z")
    body = {"order_id": str(sale.order_id), "amount": 4000, "reason": "customer_request"}
    refunded = await client.post("/v1/refunds/", json=body)
    assert (refunded.status_code, refunded.json()["status"]) == (201, "succeeded")
    clock.move(timedelta(days=40))
    answer = await ask("2026-01-01/2026-03-31", "month")
    january, february, march = answer["periods"]
    fee = 320  # 2.9 % of 100.00 and 30 cents: the renewal's; that of the first payment was not told
    assert (january["revenue"], january["net_revenue"]) == (10000, 10000)
    assert (february["revenue"], february["net_revenue"]) == (10000, 10000 - 4000 - fee)
    assert (march["revenue"], march["net_revenue"], march["net_cumulative_revenue"]) == (0, 0, 20000 - 4000 - fee)
    assert (february["new_subscriptions_net_revenue"], february["renewed_subscriptions_net_revenue"]) == (
        -4000,
        10000 - fee,
    )
    assert (february["renewed_subscriptions"], february["renewed_subscriptions_revenue"]) == (1, 10000)
    async with database.transaction() as session:
        owed = await session.scalar(
            text("select -sum(amount) from ledger_entries where account in ('merchant_balance', 'processor_fees')")
        )
    assert answer["totals"]["net_revenue"] == owed


async def test_an_order_counts_when_it_is_paid(sell, work, values, sandbox):
    """A renewal of 1 March is declined, and paid on 3 March with the first retry."""
    await sell("2026-02-01T12:00:00Z", 5000, "month", card=sandbox.card())
    sandbox.faults(decline="card_declined")
    await work("2026-03-01T12:00:01Z")
    assert await values("orders", "2026-02-01/2026-03-01") == [1, *[0] * 28, 1]
    sandbox.faults(decline="")
    await work("2026-03-03T12:05:00Z")
    assert await values("revenue", "2026-02-28/2026-03-04") == [0, 0, 0, 5000, 0, 5000]


async def test_currencies_are_never_added_up(bus, purchased, ask, client, sell):
    await sell("2026-02-01T10:00:00Z", 1000)
    event = purchased(amount=5000, interval="month", email="eva@example.com")
    data = event.data.model_dump()
    data["currency"] = data["payment"]["currency"] = data["price"]["price_currency"] = "eur"
    data["product"]["prices"][0]["price_currency"] = "eur"
    told = CheckoutSucceededV1(subject=event.subject, organization_id=event.organization_id, time=event.time, data=data)
    await bus.deliver(told)
    answer = await ask("2026-02-01")
    (period,) = answer["periods"]
    assert (answer["currency"], answer["other_currencies"]) == ("usd", ["eur"])
    assert (period["orders"], period["revenue"], period["average_order_value"]) == (2, 1000, 1000)
    assert (period["monthly_recurring_revenue"], period["active_subscriptions"]) == (0, 1)
    answer = await ask("2026-02-01", currency="EUR")
    (period,) = answer["periods"]
    assert (answer["currency"], answer["other_currencies"]) == ("eur", ["usd"])
    assert (period["revenue"], period["monthly_recurring_revenue"], period["average_revenue_per_user"]) == (5000,) * 3
    answer = await ask("2026-02-01", billing_type="recurring")
    assert (answer["currency"], answer["other_currencies"], answer["totals"]["revenue"]) == ("eur", [], 5000)


async def test_filters_narrow_everything(sell, ask):
    once = await sell("2026-02-01T10:00:00Z", 1000)
    monthly = await sell("2026-02-01T11:00:00Z", 2000, "month", email="bob@example.com")
    other = await sell("2026-02-01T12:00:00Z", 4000, "year", email="cleo@example.com")

    async def found(**narrowed):
        totals = (await ask("2026-02-01", **narrowed))["totals"]
        return tuple(totals[name] for name in ("orders", "revenue", "active_subscriptions", "succeeded_checkouts"))

    assert await found() == (3, 7000, 2, 3)
    assert await found(product_id=str(monthly.product.id)) == (1, 2000, 1, 1)
    assert await found(product_id=[str(monthly.product.id), str(once.product.id)]) == (2, 3000, 1, 2)
    assert await found(billing_type="one_time") == (1, 1000, 0, 1)
    assert await found(billing_type="recurring") == (2, 6000, 2, 2)
    assert await found(billing_type=["recurring", "one_time"]) == (3, 7000, 2, 3)
    assert await found(customer_id=str(other.customer.id)) == (1, 4000, 1, 1)
    assert await found(organization_id=str(other.organization_id)) == (3, 7000, 2, 3)
    assert await found(organization_id="00000000-0000-4000-8000-000000000000") == (0, 0, 0, 0)


async def test_another_organization_sees_nothing(sell, stranger, client, bus, purchased):
    sale = await sell("2026-02-01T10:00:00Z", 1000, "month")
    query = {"start_date": "2026-02-01", "end_date": "2026-02-01", "interval": "day"}
    for narrowed in ({}, {"organization_id": str(sale.organization_id)}, {"customer_id": str(sale.customer.id)}):
        answer = await stranger.get("/v1/metrics/", params={**query, **narrowed})
        assert set(answer.json()["totals"].values()) <= {0, None}
    assert (await client.get("/v1/metrics/", params=query)).json()["totals"]["revenue"] == 1000
