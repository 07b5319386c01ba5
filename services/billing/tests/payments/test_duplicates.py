"""A payment that nobody owed: the API says so, and shows its return as a refund that the order does not count."""

from datetime import timedelta

import pytest
from billing.audit.run import audit
from billing.invariants import INVARIANTS
from billing.orders.models import Order
from billing.payment_methods.models import PaymentMethod
from billing.payments.collect import settle
from billing.payments.models import Payment
from billing.payments.requests import write_request
from billing.payments.timers import ask_waiting, collect_due, refund_duplicates
from billing.refunds.callbacks import follow_refund
from billing.subscriptions.renewals import renew_due
from contracts.billing import RefundCreatedV1, RefundUpdatedV1
from processor import Outcome
from servicekit import clock
from servicekit.clock import Standing
from servicekit.invariants import Invariants
from servicekit.testing import signed_headers
from sqlalchemy import text


@pytest.fixture
def doubled(bus, purchased, sandbox, database):
    """An order of 99.00 that was paid, and a second payment of it. Returns the ids of both."""

    async def pay(card="pm_card_visa", **changes):
        event = purchased(processor_id=sandbox.pay(9900), **changes)
        await bus.deliver(event)
        async with database.transaction() as session:
            order = await session.get_one(Order, event.data.order_id, with_for_update=True)
            method = PaymentMethod(type="card", method_metadata={}, processor_customer_id="cus", processor_id="pm")
            payment = write_request(session, order, method, "retry_customer", 2, at=clock.now())
        facts = {"method": "card", "method_metadata": {"brand": "visa", "last4": "4242"}, "fee": 317}
        async with database.transaction() as session:
            await settle(session, payment.id, Outcome("succeeded", sandbox.pay(9900, card), facts=facts))
        return event.data, payment.id

    return pay


async def returned(database, processor):
    """All that came twice is given back, as far as Stripe does it at once."""
    clock.move(timedelta(seconds=1))
    while await refund_duplicates(database.transaction, processor):
        pass


async def clock_at(database, owner, instant):
    """The organization has a test clock, which stands."""
    async with database.transaction() as session:
        await session.execute(
            text("insert into clocks (organization_id, clock_id, instant, round, answered, seen, recorded_after, "
                 "recorded_until, is_deleted) values (:id, :id, :instant, 1, 1, '[]', 0, 0, false)"),
            {"id": owner, "instant": instant},
        )  # fmt: skip


async def payment_of(client, id):
    return (await client.get(f"/v1/payments/{id}")).json()


async def refunds_of(client, **query):
    answer = await client.get("/v1/refunds/", params={name: str(value) for name, value in query.items()})
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


async def test_its_return_is_a_refund_of_the_payment_and_not_of_the_order(
    client, stranger, bus, doubled, database, processor
):
    purchase, payment_id = await doubled()
    shown = await payment_of(client, payment_id)
    assert (shown["status"], shown["is_duplicate"], shown["refunded_amount"]) == ("succeeded", True, 0)
    first = await payment_of(client, purchase.payment.id)
    assert (first["status"], first["is_duplicate"], first["refunded_amount"]) == ("succeeded", False, 0)
    (refund,) = await refunds_of(client, order_id=purchase.order_id)
    assert (refund["status"], refund["reason"]) == ("pending", "duplicate")
    assert (refund["amount"], refund["tax_amount"], refund["currency"]) == (9900, 0, "usd")
    assert refund["id"] == refund["payment_id"] == str(payment_id)
    await returned(database, processor)
    shown = await payment_of(client, payment_id)
    assert (shown["status"], shown["is_duplicate"], shown["refunded_amount"]) == ("succeeded", True, 9900)
    for query in (
        {"id": payment_id}, {"order_id": purchase.order_id}, {"subscription_id": purchase.subscription_id},
        {"customer_id": purchase.customer.id}, {"succeeded": "true"}, {"sorting": "-amount"},
    ):  # fmt: skip
        (refund,) = await refunds_of(client, **query)
        assert (refund["id"], refund["status"]) == (str(payment_id), "succeeded")
        assert refund["subscription_id"] == str(purchase.subscription_id)
    assert await refunds_of(client, succeeded="false") == []
    assert (await stranger.get("/v1/refunds/")).json()["pagination"]["total_count"] == 0
    (created,) = await bus.recorded(RefundCreatedV1)
    assert (created.subject, created.data.model_dump(mode="json")) == (payment_id, refund)
    order = (await client.get(f"/v1/orders/{purchase.order_id}")).json()
    assert (order["status"], order["refunded_amount"], order["refundable_amount"]) == ("paid", 0, 9900)


async def test_it_stands_among_the_refunds_of_its_order(client, doubled, database, processor):
    purchase, payment_id = await doubled()
    await returned(database, processor)
    clock.move(timedelta(seconds=1))
    body = {"order_id": str(purchase.order_id), "amount": 900, "reason": "other"}
    made = (await client.post("/v1/refunds/", json=body)).json()
    assert made["payment_id"] == str(purchase.payment.id)
    assert [one["id"] for one in await refunds_of(client, limit=1)] == [made["id"]]
    assert [one["id"] for one in await refunds_of(client, limit=1, page=2)] == [str(payment_id)]
    assert [one["amount"] for one in await refunds_of(client, sorting="-amount")] == [9900, 900]
    assert (await payment_of(client, purchase.payment.id))["refunded_amount"] == 900
    async with database.transaction() as session:
        await session.execute(text("update outbox set published_at = created_at"))
    assert (await audit(database, None)).differences == {}
    invariants = Invariants(INVARIANTS)
    await invariants.check(database.transaction)
    assert [state.name for state in invariants.states.values() if not state.holds] == []


async def test_a_return_that_stripe_has_not_made_yet_is_published_once_and_then_when_it_is_made(
    client, bus, doubled, database, processor, sandbox
):
    _, payment_id = await doubled("pm_card_pendingRefund")
    await returned(database, processor)
    assert [one["status"] for one in await refunds_of(client)] == ["pending"]
    clock.move(timedelta(hours=2))
    await returned(database, processor)
    assert [one.data.status for one in await bus.recorded(RefundCreatedV1)] == ["pending"]
    sandbox.control(f"refunds/{sandbox.objects('refund.created')[-1]['id']}/settle")
    for _ in range(2):
        async with database.transaction() as session:
            await follow_refund(session, sandbox.objects("refund.updated")[-1], "refund.updated")
    assert [one.data.status for one in await bus.recorded(RefundUpdatedV1)] == ["succeeded"]
    assert (await payment_of(client, payment_id))["refunded_amount"] == 9900


async def test_a_return_that_the_customers_bank_sends_back_has_failed(
    client, bus, doubled, database, processor, sandbox
):
    _, payment_id = await doubled("pm_card_refundFail")
    await returned(database, processor)
    sandbox.control(f"refunds/{sandbox.objects('refund.created')[-1]['id']}/settle")
    async with database.transaction() as session:
        await follow_refund(session, sandbox.objects("refund.failed")[-1], "refund.failed")
    shown = await payment_of(client, payment_id)
    assert (shown["status"], shown["is_duplicate"], shown["refunded_amount"]) == ("succeeded", True, 0)
    assert [one["status"] for one in await refunds_of(client, succeeded="false")] == ["failed"]
    said = [one.data.status for kind in (RefundCreatedV1, RefundUpdatedV1) for one in await bus.recorded(kind)]
    assert said == ["succeeded", "failed"]


async def test_a_customer_whose_order_ends_while_they_pay_is_told_that_it_comes_back(
    client, app, bus, purchased, database, processor, sandbox, organization_id, monkeypatch
):
    event = purchased(card=sandbox.card())
    await bus.deliver(event)
    sandbox.faults(decline="insufficient_funds")
    clock.move(timedelta(days=32))
    while await renew_due(database.transaction) + await collect_due(database.transaction, processor):
        pass
    sandbox.faults(decline="")
    (order,) = (await client.get("/v1/orders/", params={"status": "pending"})).json()["items"]
    charge = app.state.processor.charge

    async def revoked_meanwhile(wish):
        assert (await client.delete(f"/v1/subscriptions/{event.data.subscription_id}")).status_code == 200
        return await charge(wish)

    monkeypatch.setattr(app.state.processor, "charge", revoked_meanwhile)
    answer = await client.post(
        f"/v1/customer-portal/orders/{order['id']}/confirm-payment",
        json={"confirmation_token_id": "pm_card_visa"},
        headers=signed_headers(organization_id, "customer_portal:write", customer_id=event.data.customer.id),
    )
    assert answer.json()["status"] == "failed", answer.text
    assert "given back" in answer.json()["error"]
    await returned(database, processor)
    (refund,) = await refunds_of(client)
    assert (refund["order_id"], refund["status"], refund["amount"]) == (order["id"], "succeeded", 9900)


async def test_those_of_an_earlier_release_are_listed_too(client, doubled, database):
    """It wrote neither since when a payment is a duplicate, nor whether its return was published."""
    _, payment_id = await doubled()
    async with database.transaction() as session:
        forget = "update payments set status = 'refunded', due_at = null, duplicate_at = null where id = :id"
        await session.execute(text(forget), {"id": payment_id})
    (refund,) = await refunds_of(client)
    assert (refund["id"], refund["status"]) == (str(payment_id), "succeeded")
    assert (await payment_of(client, payment_id))["refunded_amount"] == 9900


async def test_a_return_waits_by_the_machine_and_is_dated_by_the_test_clock(
    client, doubled, database, processor, sandbox, organization_id
):
    """The clock stands: Stripe's answers come all the same."""
    instant = clock.now() + timedelta(days=400)
    await clock_at(database, organization_id, instant)
    _, payment_id = await doubled("pm_card_pendingRefund")
    for wait, status in ((timedelta(seconds=1), "pending"), (timedelta(hours=2), "succeeded")):
        clock.move(wait)
        with clock.standing_at(None):
            assert await refund_duplicates(database.transaction, processor) == 1
            assert await refund_duplicates(database.transaction, processor) == 0
        (refund,) = await refunds_of(client, id=payment_id)
        assert (refund["status"], refund["created_at"][:19]) == (status, f"{instant:%Y-%m-%dT%H:%M:%S}")
        (made,) = sandbox.objects("refund.created")
        if status == "pending":
            sandbox.control(f"refunds/{made['id']}/settle")


async def test_a_payment_in_hand_waits_by_the_machine_while_the_test_clock_stands(
    bus, purchased, sandbox, database, processor, organization_id
):
    """Whoever took it in hand has crashed: it is asked about a minute later, and the clock has not moved."""
    event = purchased(card=sandbox.card())
    await bus.deliver(event)
    standing = Standing(organization_id, clock.now() + timedelta(days=400))
    await clock_at(database, organization_id, standing.instant)
    async with database.transaction() as session:
        order = await session.get_one(Order, event.data.order_id, with_for_update=True)
        customer, card = event.data.payment.processor_customer_id, event.data.payment.processor_payment_method_id
        method = PaymentMethod(type="card", method_metadata={}, processor_customer_id=customer, processor_id=card)
        with clock.standing_at(standing):
            payment = write_request(session, order, method, "retry_customer", 2, in_hand=True, at=clock.now())
    assert payment.due_at is None
    for wait, charged in ((timedelta(seconds=50), 0), (timedelta(seconds=20), 1)):
        clock.move(wait)
        assert await ask_waiting(database.transaction) == charged
        assert await collect_due(database.transaction, processor) == 0
        with clock.standing_at(standing):
            assert await collect_due(database.transaction, processor) == charged
    async with database.transaction() as session:
        assert (await session.get_one(Payment, payment.id)).status == "duplicate"
