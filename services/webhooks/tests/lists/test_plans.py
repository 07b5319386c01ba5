"""Lists over 100,000 rows."""

from servicekit.testing.plans import check_lists


async def test_lists_walk_no_table(client, endpoint, tell, deliver, database, database_url, app):
    await tell()
    assert await deliver() == 1
    assert (await client.post("/v1/webhooks/redeliveries", json={})).status_code == 202
    tables = {
        "webhook_endpoints": {},
        "webhook_redeliveries": {},
        "webhook_events": {"event_id": "gen_random_uuid()"},
        "webhook_deliveries": {},
    }
    events, deliveries = "/v1/webhooks/events/", "/v1/webhooks/deliveries/"
    since = "start_timestamp=2026-01-01T00:00:00Z&end_timestamp=2099-01-01T00:00:00Z"
    paths = [
        "/v1/webhooks/endpoints/", "/v1/webhooks/redeliveries/",
        events, f"{events}?webhook_endpoint_id={endpoint['id']}", f"{events}?event_type=benefit.created",
        f"{events}?succeeded=false", f"{events}?held=true", f"{events}?skipped=true", f"{events}?{since}",
        deliveries, f"{deliveries}?endpoint_id={endpoint['id']}&limit=100", f"{deliveries}?event_type=benefit.created",
        f"{deliveries}?succeeded=false", f"{deliveries}?http_code_class=5xx", f"{deliveries}?{since}",
        f"{deliveries}?query=created",
        f"{deliveries}?endpoint_id={endpoint['id']}&succeeded=false&http_code_class=4xx&event_type=order.paid&{since}",
    ]  # fmt: skip
    await check_lists(client, database, database_url, app, tables, paths)
