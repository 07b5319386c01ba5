"""Lists over 100,000 rows."""

from servicekit.testing.plans import check_lists


async def test_lists_walk_no_table(client, bus, purchased, database, database_url, app):
    event = purchased()
    await bus.deliver(event)
    tables = {
        "customers": {"email": "n || '@example.com'", "external_id": "'e' || n"},
        "orders": {"checkout_id": "gen_random_uuid()", "invoice_number": "'i' || n", "period_start": "null"},
        "subscriptions": {},
        "payments": {"processor_id": "'pi' || n", "order_id": "gen_random_uuid()"},
    }
    product = event.data.product.id
    paths = [
        "/v1/orders/", f"/v1/orders/?product_id={product}&status=paid&product_billing_type=recurring&limit=100",
        "/v1/orders/?external_customer_id=e50", "/v1/subscriptions/", "/v1/subscriptions/?active=true&limit=100",
        "/v1/customers/", "/v1/customers/?query=50@&metadata[source]=website", "/v1/payments/",
    ]  # fmt: skip
    await check_lists(client, database, database_url, app, tables, paths)
