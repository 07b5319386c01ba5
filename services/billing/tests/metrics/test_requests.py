"""What is asked wrongly, the limits, the table, and dashboards."""

import asyncio
import csv
import io

import pytest
from servicekit.testing.harness import signed_headers

RANGE = {"start_date": "2026-02-01", "end_date": "2026-02-03", "interval": "day"}


@pytest.mark.parametrize("path", ["/v1/metrics/", "/v1/metrics/export"])
@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"start_date": None}, "start_date"),
        ({"end_date": None}, "end_date"),
        ({"interval": None}, "interval"),
        ({"interval": "quarter"}, "interval"),
        ({"start_date": "yesterday"}, "start_date"),
        ({"start_date": "2026-02-30"}, "start_date"),
        ({"start_date": "0001-01-01"}, "start_date"),
        ({"end_date": "9999-12-31"}, "end_date"),
        ({"start_date": "2026-02-04"}, "end_date"),
        ({"end_date": "2027-02-03"}, "end_date"),
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"timezone": "../etc/passwd"}, "timezone"),
        ({"timezone": ""}, "timezone"),
        ({"metrics": ["revenue", "happiness"]}, "metrics"),
        ({"billing_type": "yearly"}, "billing_type"),
        ({"product_id": "7"}, "product_id"),
        ({"customer_id": "x"}, "customer_id"),
        ({"organization_id": "x"}, "organization_id"),
        ({"currency": "dollars"}, "currency"),
    ],
)
async def test_what_is_wrong_is_named(client, path, changes, field):
    query = {name: value for name, value in {**RANGE, **changes}.items() if value is not None}
    answer = await client.get(path, params=query)
    assert answer.status_code == 422, answer.text
    assert answer.json()["detail"][0]["loc"][:2] == ["query", field]


async def test_a_nul_is_refused(client):
    answer = await client.get("/v1/metrics/?start_date=2026-02-01&end_date=2026-02-01&interval=day&timezone=UTC%00")
    assert answer.status_code == 422


async def test_the_scope_is_needed(client, organization_id):
    for scopes, status in (((), 403), (("metrics:write",), 200), (("metrics:read",), 200)):
        headers = signed_headers(organization_id, "orders:read", *scopes)
        answer = await client.get("/v1/metrics/", params=RANGE, headers=headers)
        assert answer.status_code == status
    headers = signed_headers(organization_id, "metrics:read")
    assert (await client.post("/v1/metrics/dashboards", json={"name": "Mine"}, headers=headers)).status_code == 403


async def test_the_limits(client):
    limits = (await client.get("/v1/metrics/limits")).json()
    assert limits["min_date"] == "2023-01-01"
    assert {name: (one["min_days"], one["max_days"]) for name, one in limits["intervals"].items()} == {
        "hour": (0, 7), "day": (0, 366), "week": (14, 371), "month": (60, 1460), "year": (366, 3650),
    }  # fmt: skip
    for interval, (first, last) in {"hour": ("2026-02-01", "2026-02-09"), "year": ("2023-01-01", "2032-12-30")}.items():
        answer = await client.get("/v1/metrics/", params={"start_date": first, "end_date": last, "interval": interval})
        (problem,) = answer.json()["detail"]
        assert problem["loc"] == ["query", "end_date"]
        assert str(limits["intervals"][interval]["max_days"]) in problem["msg"]


async def test_only_what_is_asked_for_comes(ask):
    answer = await ask("2026-02-01", "day", "net_revenue", "orders", "net_revenue")
    assert set(answer["totals"]) == set(answer["metrics"]) == {"net_revenue", "orders"}
    assert set(answer["periods"][0]) == {"timestamp", "net_revenue", "orders"}
    assert answer["metrics"]["orders"] == {"slug": "orders", "display_name": "Orders", "type": "scalar"}
    assert answer["metrics"]["net_revenue"]["type"] == "currency"


async def test_both_dialects_have_one_shape(client):
    spoken = [
        (await client.get("/v1/metrics/", params=RANGE, headers=headers)).json()
        for headers in ({}, {"Polar-Version": "2026-04"}, {"Polar-Version": "2027-01"})
    ]
    assert spoken[0] == spoken[1] == spoken[2]


async def test_the_table_is_the_answer_with_money_as_people_write_it(client, sell):
    await sell("2026-02-01T23:30:00Z", 2900)
    query = {**RANGE, "timezone": "Europe/Berlin", "metrics": ["orders", "revenue", "checkouts_conversion"]}
    answer = await client.get("/v1/metrics/export", params=query)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/csv; charset=utf-8")
    assert answer.headers["content-disposition"] == 'attachment; filename="metrics.csv"'
    header, *lines = csv.reader(io.StringIO(answer.text))
    assert header == ["timestamp", "currency", "orders", "revenue", "checkouts_conversion"]
    assert lines == [
        ["2026-02-01T00:00:00+01:00", "usd", "0", "0.00", "0.0"],
        ["2026-02-02T00:00:00+01:00", "usd", "1", "29.00", "1.0"],
        ["2026-02-03T00:00:00+01:00", "usd", "0", "0.00", "0.0"],
    ]
    whole = (await client.get("/v1/metrics/export", params=RANGE)).text
    metrics = (await client.get("/v1/metrics/", params=RANGE)).json()["metrics"]
    assert whole.splitlines()[0].split(",") == ["timestamp", "currency", *metrics]


async def test_dashboards_are_made_listed_changed_and_deleted(client, stranger, organization_id):
    first = await client.post("/v1/metrics/dashboards", json={"name": " Money ", "metrics": ["revenue", "orders"]})
    assert first.status_code == 201, first.text
    made = first.json()
    assert (made["name"], made["metrics"], made["modified_at"]) == ("Money", ["revenue", "orders"], None)
    assert made["organization_id"] == str(organization_id)
    second = (await client.post("/v1/metrics/dashboards", json={"name": "Empty"})).json()
    assert [one["id"] for one in (await client.get("/v1/metrics/dashboards")).json()] == [second["id"], made["id"]]
    own = {"organization_id": str(organization_id)}
    assert len((await client.get("/v1/metrics/dashboards", params=own)).json()) == 2
    path = f"/v1/metrics/dashboards/{made['id']}"
    assert (await client.get(path)).json() == made
    changed = (await client.patch(path, json={"metrics": ["ltv"], "name": None})).json()
    assert (changed["name"], changed["metrics"]) == ("Money", ["ltv"])
    assert changed["modified_at"] is not None
    assert (await client.patch(path, json={"name": "Worth"})).json()["metrics"] == ["ltv"]
    assert (await stranger.get("/v1/metrics/dashboards")).json() == []
    assert (await stranger.get("/v1/metrics/dashboards", params=own)).json() == []
    for call in (stranger.get(path), stranger.patch(path, json={"name": "x"}), stranger.delete(path)):
        assert (await call).status_code == 404
    assert (await client.delete(path)).status_code == 204
    assert [(await client.get(path)).status_code, (await client.delete(path)).status_code] == [404, 404]


@pytest.mark.parametrize(
    ("body", "loc"),
    [
        ({}, ["body", "name"]),
        ({"name": ""}, ["body", "name"]),
        ({"name": "   "}, ["body", "name"]),
        ({"name": "x" * 256}, ["body", "name"]),
        ({"name": "x", "metrics": ["happiness"]}, ["body", "metrics", 0]),
        ({"name": "x", "metrics": ["orders"] * 11}, ["body", "metrics"]),
        ({"name": "x", "organization_id": "00000000-0000-4000-8000-000000000000"}, ["body", "organization_id"]),
    ],
)
async def test_a_wrong_dashboard_is_refused(client, body, loc):
    answer = await client.post("/v1/metrics/dashboards", json=body)
    assert answer.status_code == 422, answer.text
    assert answer.json()["detail"][0]["loc"] == loc


async def test_a_repeated_key_makes_one_dashboard(client):
    key = {"Idempotency-Key": "once"}
    answers = [await client.post("/v1/metrics/dashboards", json={"name": "One"}, headers=key) for _ in range(3)]
    assert {answer.json()["id"] for answer in answers} == {answers[0].json()["id"]}
    assert len((await client.get("/v1/metrics/dashboards")).json()) == 1


async def test_there_are_a_hundred_at_most_however_many_come_at_once(client):
    async def make(number):
        return (await client.post("/v1/metrics/dashboards", json={"name": f"Number {number}"})).status_code

    for start in range(0, 98, 14):
        assert set(await asyncio.gather(*(make(start + number) for number in range(14)))) == {201}
    assert sorted(await asyncio.gather(*(make(number) for number in range(6)))) == [201, 201, 409, 409, 409, 409]
    refused = await client.post("/v1/metrics/dashboards", json={"name": "More"})
    assert refused.json()["error"] == "TooManyDashboards"
