"""`/v1/meters/`: what counts, how, and in which periods."""

from datetime import datetime, timedelta
from sys import float_info

import pytest
from contracts.metering import MeterCreatedV1, MeterUpdatedV1

METERS = "/v1/meters/"
ALL = {"conjunction": "and", "clauses": []}


async def made(client, **fields):
    body = {"name": "Tokens", "filter": ALL, "aggregation": {"func": "sum", "property": "tokens"}, **fields}
    answer = await client.post(METERS, json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def counted(client, meter, **query):
    span = {"start_timestamp": "2026-01-01T00:00:00Z", "end_timestamp": "2026-01-04T00:00:00Z", "interval": "day"}
    answer = await client.get(f"{METERS}{meter['id']}/quantities", params={**span, **query})
    assert answer.status_code == 200, answer.text
    found = answer.json()
    return [period["quantity"] for period in found["quantities"]], found["total"]


@pytest.fixture
async def usage(client):
    """Three days of two customers, and a value that is no number."""
    rows = [
        ("user-1", "2026-01-01T12:00:00Z", 10), ("user-1", "2026-01-01T23:30:00Z", 20),
        ("user-2", "2026-01-03T00:00:00Z", 5), ("user-2", "2026-01-03T01:00:00Z", "many"),
        ("user-2", "2026-01-04T00:00:00Z", 1000),
    ]  # fmt: skip
    events = [
        {"name": "call", "external_customer_id": who, "timestamp": at, "metadata": {"tokens": tokens}}
        for who, at, tokens in rows
    ]
    assert (await client.post("/v1/events/ingest", json={"events": events})).status_code == 200


async def test_create_get_list_change_archive(client, stranger, bus):
    meter = await made(client, unit="custom", custom_label="words", metadata={"a": 1})
    path = METERS + meter["id"]
    assert (await client.get(path)).json() == meter
    changed = (await client.patch(path, json={"name": "Words", "is_archived": True})).json()
    assert changed["name"] == "Words"
    assert changed["archived_at"] is not None
    assert (await client.get(METERS, params={"is_archived": False})).json()["items"] == []
    assert (await client.patch(path, json={"is_archived": False})).json()["archived_at"] is None
    assert len(await bus.recorded(MeterCreatedV1)) == 1
    assert (await bus.recorded(MeterUpdatedV1))[-1].data.name == "Words"
    for method, where in (("GET", path), ("PATCH", path), ("GET", f"{path}/quantities")):
        span = {"start_timestamp": "2026-01-01T00:00:00Z", "end_timestamp": "2026-01-02T00:00:00Z", "interval": "day"}
        params = span if where.endswith("quantities") else None
        assert (await stranger.request(method, where, json={}, params=params)).status_code == 404


async def test_what_is_no_meter_is_named(client):
    nested = ALL
    for _ in range(6):
        nested = {"conjunction": "and", "clauses": [nested]}
    for fields in (
        {"filter": nested}, {"aggregation": {"func": "median", "property": "a"}}, {"aggregation": {"func": "sum"}},
        {"unit": "custom"}, {"custom_label": "words"}, {"name": "ab"},
        {"filter": {"conjunction": "and", "clauses": [{"property": "a", "operator": "in", "value": 1}]}},
    ):  # fmt: skip
        body = {"name": "Tokens", "filter": ALL, "aggregation": {"func": "count"}, **fields}
        assert (await client.post(METERS, json=body)).status_code == 422, fields


@pytest.mark.usefixtures("usage")
@pytest.mark.parametrize(
    ("aggregation", "days", "total"),
    [
        ({"func": "count"}, [2, 0, 2], 4),
        ({"func": "sum", "property": "tokens"}, [30, 0, 5], 35),
        ({"func": "max", "property": "metadata.tokens"}, [20, 0, 5], 20),
        ({"func": "min", "property": "tokens"}, [10, 0, 5], 5),
        ({"func": "avg", "property": "tokens"}, [15, 0, 5], 35 / 3),
        ({"func": "unique", "property": "tokens"}, [2, 0, 2], 4),
    ],
)
async def test_periods_and_totals(client, aggregation, days, total):
    meter = await made(client, aggregation=aggregation)
    found = await counted(client, meter)
    assert found[0] == days
    assert found[1] == pytest.approx(total)


@pytest.mark.usefixtures("usage")
async def test_time_zones_customers_and_limits(client):
    meter = await made(client)
    assert await counted(client, meter, timezone="Europe/Berlin") == ([10, 20, 5, 0], 35)
    assert await counted(client, meter, external_customer_id="user-1") == ([30, 0, 0], 30)
    assert await counted(client, meter, customer_aggregation_function="max") == ([30, 0, 5], 30)
    assert await counted(client, meter, interval="year") == ([35], 35)
    span = {"start_timestamp": "2026-01-01T00:00:00Z", "end_timestamp": "2026-02-01T00:00:00Z", "interval": "hour"}
    refused = await client.get(f"{METERS}{meter['id']}/quantities", params=span)
    assert refused.json()["detail"][0]["loc"] == ["query", "interval"]
    backwards = {**span, "end_timestamp": "2025-01-01T00:00:00Z"}
    refused = await client.get(f"{METERS}{meter['id']}/quantities", params=backwards)
    assert refused.json()["detail"][0]["loc"] == ["query", "end_timestamp"]


@pytest.mark.parametrize(
    ("zone", "first", "hours"),
    [
        ("Europe/Berlin", "2026-03-28T23:00:00Z", 23), ("Europe/Berlin", "2026-10-24T22:00:00Z", 25),
        ("America/New_York", "2026-11-01T04:00:00Z", 25), ("Asia/Kathmandu", "2026-10-24T18:15:00Z", 24),
        ("Australia/Lord_Howe", "2026-10-03T13:30:00Z", 24),  # its clock is moved by half an hour
        ("UTC", "2026-03-29T00:00:00Z", 24),
    ],
)  # fmt: skip
async def test_every_hour_is_counted_once_on_the_day_of_a_clock_change(client, zone, first, hours):
    """An event in each quarter of an hour, the n-th of them n: nothing is counted twice or left out."""
    begin = datetime.fromisoformat(first)
    at = [begin + timedelta(minutes=15 * number) for number in range(hours * 4)]
    events = [
        {"name": "call", "external_customer_id": "ada", "timestamp": one.isoformat(), "metadata": {"tokens": number}}
        for number, one in enumerate(at)
    ]
    assert (await client.post("/v1/events/ingest", json={"events": events})).status_code == 200
    meter = await made(client)
    span = {"start_timestamp": first, "end_timestamp": (at[-1] + timedelta(minutes=15)).isoformat(), "interval": "hour"}
    quantities, total = await counted(client, meter, timezone=zone, **span)
    assert total == sum(range(len(at)))
    assert sum(quantities) == total
    if zone != "Australia/Lord_Howe":
        assert quantities == [sum(range(4 * hour, 4 * hour + 4)) for hour in range(hours)]


async def test_a_sum_beyond_all_numbers_of_json_is_a_number(client):
    events = [
        {"name": "call", "external_customer_id": "ada", "timestamp": f"2026-01-01T0{hour}:00:00Z",
         "metadata": {"tokens": 1e308}} for hour in range(2)
    ]  # fmt: skip
    assert (await client.post("/v1/events/ingest", json={"events": events})).status_code == 200
    quantities, total = await counted(client, await made(client))
    assert quantities == [float_info.max, 0, 0]
    assert total == float_info.max


@pytest.mark.usefixtures("usage")
async def test_a_meters_events_are_listed(client):
    clauses = [{"property": "tokens", "operator": "gt", "value": 5}]
    meter = await made(client, filter={"conjunction": "and", "clauses": clauses})
    items = (await client.get("/v1/events/", params={"meter_id": meter["id"]})).json()["items"]
    assert [item["metadata"]["tokens"] for item in items] == [1000, 20, 10]
