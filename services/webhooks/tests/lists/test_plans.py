"""Lists over 100,000 rows."""

from servicekit.testing.plans import check_lists


async def test_lists_walk_no_table(client, endpoint, tell, deliver, database, database_url, app):
    await tell()
    assert await deliver() == 1
    tables = {
        "webhook_endpoints": {},
        "webhook_events": {"event_id": "gen_random_uuid()"},
        "webhook_deliveries": {},
    }
    paths = [
        "/v1/webhooks/endpoints/", "/v1/webhooks/events/", f"/v1/webhooks/events/?webhook_endpoint_id={endpoint['id']}",
        "/v1/webhooks/deliveries/", f"/v1/webhooks/deliveries/?endpoint_id={endpoint['id']}&limit=100",
    ]  # fmt: skip
    await check_lists(client, database, database_url, app, tables, paths)
