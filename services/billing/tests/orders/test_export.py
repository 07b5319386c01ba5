"""CSV exports: the documented columns, the SDK's, what a spreadsheet must not run, and more rows than a page."""

import csv
import io
from datetime import timedelta

from pricing.currencies import major_units
from servicekit import clock, exports

SDK = {"Polar-Version": "2026-10"}


def rows(answer):
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/csv")
    return list(csv.reader(io.StringIO(answer.text)))


async def test_orders_in_the_documented_columns_and_in_the_sdks(client, stranger, bus, purchased):
    event = purchased(tax=990)
    await bus.deliver(event)
    header, line = rows(await client.get("/v1/orders/export"))
    assert header == [
        "Order ID", "Created At", "Amount", "Tax Amount", "Currency", "Customer Email", "Customer Name", "Product Name",
        "Subscription ID", "Discount Code",
    ]  # fmt: skip
    assert line[0] == str(event.data.order_id)
    assert line[2:] == [
        "99.00", "9.90", "usd", "ada@example.com", "Ada", "Pro Plan", str(event.data.subscription_id), "",
    ]  # fmt: skip
    header, line = rows(await client.get("/v1/orders/export", headers=SDK))
    assert header == ["Email", "Created At", "Product", "Net Amount", "Currency", "Status", "Invoice number"]
    assert (line[0], line[3], line[5]) == ("ada@example.com", "99.00", "paid")
    chosen = await client.get("/v1/orders/export", params={"columns": ["total_amount", "billing_country"]})
    assert rows(chosen) == [["Total Amount", "Billing Country"], ["108.90", "US"]]
    assert rows(await stranger.get("/v1/orders/export"))[1:] == []


async def test_filters_and_time_zones(client, bus, purchased):
    first, second = purchased(), purchased(email="bob@example.com")
    await bus.deliver(first)
    await bus.deliver(second)
    by_product = await client.get("/v1/orders/export", params={"product_id": str(first.data.product.id)})
    assert len(rows(by_product)) == 2
    later = (clock.now() + timedelta(hours=1)).isoformat()
    assert len(rows(await client.get("/v1/orders/export", params={"created_after": later}))) == 1
    tokyo = rows(await client.get("/v1/orders/export", params={"timezone": "Asia/Tokyo", "columns": "created_at"}))
    assert tokyo[1][0].endswith("+09:00")
    for name, value in (("timezone", "Mars/Phobos"), ("columns", "secret"), ("created_after", "2026-01-01T00:00:00")):
        refused = await client.get("/v1/orders/export", params={name: value})
        assert refused.status_code == 422
        assert name in refused.json()["detail"][0]["loc"]


async def test_formulas_are_disarmed_and_pages_joined(client, bus, purchased, monkeypatch):
    monkeypatch.setattr(exports, "ROWS_AT_ONCE", 2)
    for number in range(5):
        await bus.deliver(purchased(email=f"c{number}@example.com", customer={"name": "=cmd|' /C calc'!A0"}))
    found = rows(await client.get("/v1/orders/export"))
    assert [line[5] for line in found[1:]] == [f"c{number}@example.com" for number in (4, 3, 2, 1, 0)]
    assert {line[6] for line in found[1:]} == {"'=cmd|' /C calc'!A0"}


async def test_one_export_too_many_is_refused_with_when_to_come_back(client, monkeypatch):
    for name, status, error in (
        ("OF_ONE_OWNER", 429, "RateLimitExceeded"),
        ("EXPORTS_AT_ONCE", 503, "ServiceUnavailable"),
    ):
        with monkeypatch.context() as patched:
            patched.setattr(exports, name, 0)
            for resource in ("orders", "customers", "subscriptions"):
                refused = await client.get(f"/v1/{resource}/export")
                assert (refused.status_code, refused.json()["error"]) == (status, error)
                assert int(refused.headers["Retry-After"]) > 0
    assert rows(await client.get("/v1/orders/export"))


async def test_subscriptions_and_customers(client, bus, purchased):
    event = purchased(customer={"external_id": "user-1", "metadata": {"plan": "a,b"}})
    await bus.deliver(event)
    header, line = rows(await client.get("/v1/subscriptions/export"))
    assert header == ["Email", "Started At", "Product", "Amount", "Currency", "Status", "Recurring Interval"]
    assert (line[0], line[3], line[6]) == ("ada@example.com", "99.00", "month")
    chosen = {"columns": ["net_amount", "cancel_at_period_end"]}
    assert rows(await client.get("/v1/subscriptions/export", params=chosen))[1] == ["99.00", "false"]
    header, line = rows(await client.get("/v1/customers/export"))
    assert header == [
        "ID", "External ID", "Created At", "Email", "Name", "Tax ID", "Billing Address Line 1",
        "Billing Address Line 2", "Billing Address City", "Billing Address State", "Billing Address Zip",
        "Billing Address Country", "Metadata",
    ]  # fmt: skip
    assert (line[1], line[3], line[9], line[12]) == ("user-1", "ada@example.com", "US-CA", '{"plan": "a,b"}')


def test_amounts_are_written_with_the_places_of_their_currency():
    written = [str(major_units(20050, currency)) for currency in ("usd", "jpy", "kwd", "ugx", "isk")]
    assert written == ["200.50", "20050", "20.050", "200.50", "200.50"]
