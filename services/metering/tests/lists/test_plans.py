"""Lists over 100,000 rows."""

from servicekit.testing.plans import check_lists


async def test_lists_walk_no_table(client, database, database_url, app):
    used = {"name": "call", "external_customer_id": "user-1", "metadata": {"tokens": 1}}
    assert (await client.post("/v1/events/ingest", json={"events": [used]})).status_code == 200
    meter = {"name": "Calls", "filter": {"conjunction": "and", "clauses": []}, "aggregation": {"func": "count"}}
    assert (await client.post("/v1/meters/", json=meter)).status_code == 201
    tables = {
        "events": {"external_id": "'e' || n"},
        "event_types": {"name": "'t' || n"},
        "event_tallies": {"id": "n + 1000", "name": "'t' || n"},
        "meters": {},
    }
    paths = [
        "/v1/events/", "/v1/events/?name=call&start_timestamp=2020-01-01T00:00:00Z&limit=100",
        "/v1/events/?external_customer_id=user-1", "/v1/events/names", "/v1/event-types/", "/v1/meters/",
    ]  # fmt: skip
    await check_lists(client, database, database_url, app, tables, paths)
