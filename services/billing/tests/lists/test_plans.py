"""Lists over 100,000 rows."""

from billing.disputes import operations as disputes
from servicekit.testing.plans import check_lists


async def test_lists_walk_no_table(client, bus, purchased, database, database_url, app, sandbox):
    event = purchased(processor_id=sandbox.pay(9900, "pm_card_createDisputeInquiry"))
    await bus.deliver(event)
    async with database.transaction() as session:
        assert await disputes.hear(session, sandbox.objects("charge.dispute.created")[0])
    body = {"order_id": str(event.data.order_id), "amount": 1, "reason": "other"}
    assert (await client.post("/v1/refunds/", json=body)).status_code == 201
    tables = {
        "customers": {"email": "n || '@example.com'", "external_id": "'e' || n"},
        "orders": {"checkout_id": "gen_random_uuid()", "invoice_number": "'i' || n", "period_start": "null"},
        "subscriptions": {},
        "disputes": {"processor_id": "'dp' || n"},
        "refunds": {"processor_id": "'re' || n"},
        "payments": {"processor_id": "'pi' || n", "order_id": "gen_random_uuid()"},
    }
    product = event.data.product.id
    paths = [
        "/v1/orders/", f"/v1/orders/?product_id={product}&status=paid&product_billing_type=recurring&limit=100",
        "/v1/orders/?external_customer_id=e50", "/v1/subscriptions/", "/v1/subscriptions/?active=true&limit=100",
        "/v1/customers/", "/v1/customers/?query=50@&metadata[source]=website", "/v1/payments/",
        "/v1/payments/?customer_email=50@example.com", "/v1/refunds/", "/v1/refunds/?succeeded=true&limit=100",
        "/v1/orders/?created_after=2026-01-01T00:00:00Z&created_before=2027-01-01T00:00:00Z&limit=100",
        "/v1/subscriptions/?started_after=2026-01-01T00:00:00Z&sorting=-created_at",
        "/v1/subscriptions/?customer_cancellation_reason=too_expensive&canceled_at_after=2026-01-01T00:00:00Z",
        "/v1/customers/?active=true", "/v1/customers/?active=false",
        "/v1/disputes/", "/v1/disputes/?status=early_warning&limit=100",
    ]  # fmt: skip
    await check_lists(client, database, database_url, app, tables, paths)
