"""A renewal that is not paid: the retries, how they end, and what becomes of a charge that nobody answered."""

from datetime import timedelta

import pytest
from billing.orders.dunning import retry_due
from billing.payments.requests import IN_HAND
from billing.payments.timers import collect_due, refund_duplicates
from billing.subscriptions.renewals import renew_due
from processor import ProcessorUnavailable
from servicekit import clock
from servicekit.testing import signed_headers
from sqlalchemy import text

from services.billing.tests.renewals.steps import DAY, go_to, instant, orders_of, renewed, subscription_of


async def failing(bus, purchased, database, processor, sandbox, decline="insufficient_funds"):
    """A subscription whose card was good and now is declined."""
    event = purchased(card=sandbox.card())
    await bus.deliver(event)
    sandbox.faults(decline=decline)
    clock.move(32 * DAY)
    await renewed(database, processor)
    return event


async def retried(database, processor):
    await retry_due(database.transaction)
    await collect_due(database.transaction, processor)


async def test_dunning_asks_four_times_and_then_ends(client, bus, purchased, database, processor, sandbox):
    event = await failing(bus, purchased, database, processor, sandbox)
    assert (await bus.names())[-6:] == [
        "order.created", "customer.state_changed", "order.updated", "subscription.updated", "subscription.past_due",
        "customer.state_changed",
    ]  # fmt: skip
    failed_at = clock.now()
    waits = []
    for number in range(4):
        subscription = await subscription_of(client, event)
        order = (await orders_of(client))[1]
        assert (subscription["status"], order["status"]) == ("past_due", "pending")
        waits.append(round((instant(order["next_payment_attempt_at"]) - failed_at) / DAY))
        await retried(database, processor)
        payments = (await client.get("/v1/payments/", params={"order_id": order["id"]})).json()["items"]
        assert len(payments) == number + 1, "nothing is asked before it is due"
        await go_to(instant(order["next_payment_attempt_at"]))
        await retried(database, processor)
    assert waits == [2, 7, 14, 21]
    subscription, order = await subscription_of(client, event), (await orders_of(client))[1]
    assert (subscription["status"], order["status"]) == ("canceled", "void")
    assert order["next_payment_attempt_at"] is None
    payments = (await client.get("/v1/payments/", params={"order_id": order["id"]})).json()["items"]
    assert [one["decline_reason"] for one in payments] == ["insufficient_funds"] * 5
    *names, last = (await bus.names())[-5:]
    assert names == ["subscription.updated", "subscription.canceled", "subscription.revoked", "order.updated"]
    assert last == "customer.state_changed"
    clock.move(40 * DAY)
    await renewed(database, processor)
    assert len(await orders_of(client)) == 2


async def test_a_hopeless_decline_skips_to_the_end(client, bus, purchased, database, processor, sandbox):
    event = await failing(bus, purchased, database, processor, sandbox, "lost_card")
    order = (await orders_of(client))[1]
    assert round((instant(order["next_payment_attempt_at"]) - clock.now()) / DAY) == 21
    await go_to(instant(order["next_payment_attempt_at"]))
    await retried(database, processor)
    assert (await subscription_of(client, event))["status"] == "canceled"
    assert len((await client.get("/v1/payments/", params={"order_id": order["id"]})).json()["items"]) == 1


async def test_a_hopeless_decline_between_two_retries_leaves_time_until_the_end(
    client, bus, purchased, database, processor, sandbox, organization_id
):
    event = await failing(bus, purchased, database, processor, sandbox)
    failed_at, order = clock.now(), (await orders_of(client))[1]
    sandbox.faults(decline="lost_card")
    (card,) = (await client.get(f"/v1/customers/{event.data.customer.id}/payment-methods")).json()["items"]
    headers = signed_headers(organization_id, "customer_portal:write", customer_id=event.data.customer.id)
    path = f"/v1/customer-portal/orders/{order['id']}/confirm-payment"
    answer = await client.post(path, json={"payment_method_id": card["id"]}, headers=headers)
    assert answer.json()["status"] == "failed"
    await go_to(instant(order["next_payment_attempt_at"]))
    await retried(database, processor)
    order = (await orders_of(client))[1]
    assert round((instant(order["next_payment_attempt_at"]) - failed_at) / DAY) == 21
    assert (await subscription_of(client, event))["status"] == "past_due"
    await go_to(instant(order["next_payment_attempt_at"]))
    await retried(database, processor)
    assert (await subscription_of(client, event))["status"] == "canceled"
    assert len((await client.get("/v1/payments/", params={"order_id": order["id"]})).json()["items"]) == 2


async def unpaid_renewal(client, event, database, processor):
    """Lets a renewal come due that is not paid; returns its one payment."""
    clock.move(32 * DAY)
    await renewed(database, processor)
    assert (await subscription_of(client, event))["status"] == "past_due"
    order = (await orders_of(client))[1]
    (payment,) = (await client.get("/v1/payments/", params={"order_id": order["id"]})).json()["items"]
    return payment


async def test_without_a_card_it_fails(client, bus, purchased, database, processor, sandbox):
    event = purchased()
    event.data.payment.processor_payment_method_id = None
    await bus.deliver(event)
    payment = await unpaid_renewal(client, event, database, processor)
    assert (payment["status"], payment["decline_reason"]) == ("failed", "no_payment_method")
    assert sandbox.summary()["payment_intents"] == 0


async def test_an_absent_customer_cannot_authenticate(client, bus, purchased, database, processor, sandbox):
    event = purchased(card=sandbox.card("pm_card_authenticationRequired"))
    await bus.deliver(event)
    payment = await unpaid_renewal(client, event, database, processor)
    assert payment["decline_reason"] == "authentication_required"


async def test_it_recovers_when_nothing_else_is_owed(client, bus, purchased, database, processor, sandbox):
    event = await failing(bus, purchased, database, processor, sandbox)
    sandbox.faults(decline="")
    await go_to(instant((await orders_of(client))[1]["next_payment_attempt_at"]))
    await retried(database, processor)
    assert (await bus.names())[-5:] == [
        "order.updated", "order.paid", "subscription.updated", "subscription.active", "customer.state_changed",
    ]  # fmt: skip
    subscription, order = await subscription_of(client, event), (await orders_of(client))[1]
    assert (subscription["status"], subscription["past_due_at"]) == ("active", None)
    assert (order["status"], order["next_payment_attempt_at"]) == ("paid", None)


async def test_revoking_voids_what_is_owed(client, bus, purchased, database, processor, sandbox):
    event = await failing(bus, purchased, database, processor, sandbox)
    assert (await client.delete(f"/v1/subscriptions/{event.data.subscription_id}")).status_code == 200
    order = (await orders_of(client))[1]
    assert (order["status"], order["due_amount"], order["next_payment_attempt_at"]) == ("void", 0, None)
    clock.move(30 * DAY)
    await retried(database, processor)
    assert sandbox.summary()["payment_intents"] == 1


@pytest.mark.parametrize("charged", [True, False])
async def test_a_charge_without_an_answer_is_asked_about_when_its_order_is_void(
    client, bus, purchased, database, processor, sandbox, monkeypatch, charged
):
    """What Stripe took is given back; what it never heard of is not charged any more."""
    event = purchased(card=sandbox.card())
    await bus.deliver(event)
    clock.move(32 * DAY)
    await renew_due(database.transaction)
    charge = processor.charge_saved

    async def unheard(wish):
        """The connection is lost before the request arrives, or after it was done."""
        if charged:
            await charge(wish)
        raise ProcessorUnavailable("no answer")

    monkeypatch.setattr(processor, "charge_saved", unheard)
    await collect_due(database.transaction, processor)
    monkeypatch.undo()
    clock.move(IN_HAND + timedelta(seconds=1))
    assert (await client.delete(f"/v1/subscriptions/{event.data.subscription_id}")).status_code == 200
    assert (await orders_of(client))[1]["status"] == "void"
    await collect_due(database.transaction, processor)
    while await refund_duplicates(database.transaction, processor):
        pass
    assert await collect_due(database.transaction, processor) == 0
    found = sandbox.summary()
    assert (found["succeeded"], found["refunded"]) == ((1, 9900) if charged else (0, 0))
    async with database.transaction() as session:
        statuses = (await session.execute(text("select status from payments where trigger <> 'purchase'"))).scalars()
        assert list(statuses) == ["refunded" if charged else "failed"]
