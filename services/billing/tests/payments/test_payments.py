"""Payments as the API shows them: those that succeeded, that are open, and that were declined, with the reason."""

from sqlalchemy import text


async def test_attempts_that_were_declined_are_listed(client, stranger, bus, purchased, database):
    event = purchased()
    await bus.deliver(event)
    await bus.deliver(purchased(email="bob@example.com"))
    async with database.transaction() as session:
        for attempt, status, code in ((2, "failed", "insufficient_funds"), (3, "open", None), (4, "duplicate", None)):
            await session.execute(
                text("insert into payments (id, organization_id, created_at, customer_id, order_id, processor, "
                     "processor_id, status, trigger, attempt, amount, currency, method, method_metadata, "
                     "processor_fee_amount, decline_code, decline_message) select gen_random_uuid(), organization_id, "
                     "created_at + make_interval(secs => :attempt), customer_id, order_id, processor, "
                     "'pi_' || cast(:attempt as int), :status, 'retry_dunning', cast(:attempt as int), amount, "
                     "currency, method, method_metadata, 0, :code, :message from payments "
                     "where order_id = :order and attempt = 1"),
                {"attempt": attempt, "status": status, "code": code, "order": event.data.order_id,
                 "message": "Your card has insufficient funds." if code else None},
            )  # fmt: skip

    async def listed(**query):
        answer = await client.get("/v1/payments/", params=query)
        assert answer.status_code == 200, answer.text
        return [(one["status"], one["trigger"], one["decline_reason"]) for one in answer.json()["items"]]

    order = {"order_id": str(event.data.order_id), "sorting": "created_at"}
    assert await listed(**order) == [
        ("succeeded", "purchase", None), ("failed", "retry_dunning", "insufficient_funds"),
        ("pending", "retry_dunning", None), ("succeeded", "retry_dunning", None),
    ]  # fmt: skip
    assert await listed(status="failed") == [("failed", "retry_dunning", "insufficient_funds")]
    assert len(await listed(status="succeeded")) == 3
    assert len(await listed(status="pending")) == 1
    assert await listed(customer_email="BOB@example.com") == [("succeeded", "purchase", None)]
    assert await listed(customer_email="nobody@example.com") == []
    assert len(await listed(method="card", limit=2, page=2)) == 2
    assert (await client.get("/v1/payments/", params={"status": "odd"})).status_code == 422
    failed = (await client.get("/v1/payments/", params={"status": "failed"})).json()["items"][0]
    one = (await client.get(f"/v1/payments/{failed['id']}")).json()
    assert one["decline_message"] == "Your card has insufficient funds."
    assert (await stranger.get(f"/v1/payments/{failed['id']}")).status_code == 404
