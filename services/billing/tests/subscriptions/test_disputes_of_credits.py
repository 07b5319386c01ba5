"""Disputes of payments for which credit was given: nobody gets the same money twice."""

from datetime import UTC, datetime, timedelta

import pytest
from billing.audit.run import audit
from billing.disputes import operations
from billing.invariants import INVARIANTS
from billing.payments.timers import collect_due, refund_duplicates
from processor import DisputeState
from servicekit import clock
from servicekit.invariants import Invariants
from sqlalchemy import text

TOLD = ("charge.dispute.created", "charge.dispute.funds_withdrawn", "charge.dispute.closed")


@pytest.fixture
def disputed(bus, purchased, sandbox):
    """Sells a month for 50.00 and some tax; the bank will take the payment back."""

    async def sell(tax=0):
        event = purchased(
            amount=5000, tax=tax, card=sandbox.card("pm_card_visa"),
            processor_id=sandbox.pay(5000 + tax, "pm_card_createDispute"),
        )  # fmt: skip
        await bus.deliver(event)
        return event.data

    return sell


@pytest.fixture
def decided(database, sandbox):
    """The bank decides, and billing is told."""

    async def decide(*, won):
        opened = sandbox.objects("charge.dispute.created")[0]
        sandbox.control(f"disputes/{opened['id']}/decide", won=won)
        told = (*TOLD, *(["charge.dispute.funds_reinstated"] if won else []))
        for one in sandbox.objects(*told) * 2:
            async with database.transaction() as session:
                assert await operations.hear(session, one)

    return decide


async def rows_of(database, statement):
    async with database.transaction() as session:
        return [tuple(row) for row in (await session.execute(text(statement))).all()]


async def assert_books_are_right(database):
    async with database.transaction() as session:
        await session.execute(text("update outbox set published_at = created_at"))
    assert (await audit(database, None)).differences == {}
    invariants = Invariants(INVARIANTS)
    await invariants.check(database.transaction)
    assert [state.name for state in invariants.states.values() if not state.holds] == []


BALANCE = "select amount from customer_balances"
RECOVERED = "select recovered_amount, recovered_tax_amount, unrecovered_amount from disputes"


@pytest.mark.parametrize(
    ("tax", "price", "balance", "recovered"),
    [
        # At the instant of the purchase all of it is credited; what the new product costs is spent.
        (0, 3000, 2000, (2000, 0, 3000)),
        (0, 0, 5000, (5000, 0, 0)),
        (950, 0, 5950, (5000, 950, 0)),
        (950, 3000, 2950, (2479, 471, 3000)),  # 950 / 5950 of 2950
    ],
)
async def test_a_lost_dispute_takes_back_the_credit_that_is_left(
    client, disputed, announced, decided, database, tax, price, balance, recovered
):
    bought = await disputed(tax)
    other = await announced(price)
    body = {"product_id": str(other.id), "proration_behavior": "invoice"}
    answer = await client.patch(f"/v1/subscriptions/{bought.subscription_id}", json=body)
    assert answer.status_code == 200, answer.text
    assert await rows_of(database, BALANCE) == [(balance,)]
    await decided(won=False)
    assert await rows_of(database, BALANCE) == [(0,)]
    assert await rows_of(database, RECOVERED) == [recovered]
    await assert_books_are_right(database)


async def test_a_won_dispute_leaves_the_credit(client, disputed, announced, decided, database):
    bought = await disputed()
    body = {"product_id": str((await announced(3000)).id), "proration_behavior": "invoice"}
    assert (await client.patch(f"/v1/subscriptions/{bought.subscription_id}", json=body)).status_code == 200
    await decided(won=True)
    assert await rows_of(database, BALANCE) == [(2000,)]
    assert await rows_of(database, RECOVERED) == [(None, None, None)]
    await assert_books_are_right(database)


async def test_a_lost_dispute_drops_credit_that_waits(client, disputed, announced, decided, database):
    bought = await disputed()
    body = {"product_id": str((await announced(3000)).id), "proration_behavior": "prorate"}
    assert (await client.patch(f"/v1/subscriptions/{bought.subscription_id}", json=body)).status_code == 200
    await decided(won=False)
    assert await rows_of(database, BALANCE) == []
    assert await rows_of(database, RECOVERED) == [(0, 0, 0)]
    await assert_books_are_right(database)


async def test_a_dispute_is_lost_while_a_change_is_being_paid(
    client, app, disputed, announced, decided, database, sandbox
):
    """The subscription ends; what the change took is given back when it is known."""
    bought = await disputed()
    sandbox.faults(errors=10)
    body = {"product_id": str((await announced(9000)).id), "proration_behavior": "invoice"}
    answer = await client.patch(f"/v1/subscriptions/{bought.subscription_id}", json=body)
    assert (answer.status_code, answer.json()["error"]) == (503, "PaymentUnavailable")
    sandbox.faults(errors=0)
    await decided(won=False)
    subscription = (await client.get(f"/v1/subscriptions/{bought.subscription_id}")).json()
    assert (subscription["status"], subscription["product_id"]) == ("canceled", str(bought.product.id))
    clock.move(timedelta(minutes=2))
    await collect_due(database.transaction, app.state.processor)
    await refund_duplicates(database.transaction, app.state.processor)
    statuses = await rows_of(database, "select status from orders order by created_at")
    assert statuses == [("paid",), ("void",)]
    assert await rows_of(database, "select id from payments where status in ('open', 'duplicate')") == []
    await assert_books_are_right(database)


async def test_a_lost_payment_may_have_collected_a_debt(bought_at, announced, patched, gone_to, sandbox, database):
    """0.31 that were too little to charge come with May's 10.62; all of May is credited before the bank takes 10.93."""
    start = datetime(2027, 4, 1, tzinfo=UTC)
    purchase, more, free = await bought_at(start, 1000), await announced(1062), await announced(0)
    await gone_to(start + timedelta(days=15))
    assert (await patched(purchase, product_id=more.id, proration_behavior="invoice")).status_code == 200
    assert await rows_of(database, BALANCE) == [(-31,)]
    await gone_to(datetime(2027, 5, 1, tzinfo=UTC))
    assert (await patched(purchase, product_id=free.id, proration_behavior="invoice")).status_code == 200
    assert await rows_of(database, BALANCE) == [(1062,)]
    intent, taken = sandbox.objects("payment_intent.succeeded")[-1]["id"], [{"amount": -1093, "fee": 1500}]
    lost = DisputeState("dp_1", "lost", 1093, "usd", "fraudulent", intent, None, clock.now(), taken)
    async with database.transaction() as session:
        assert await operations.settle(session, lost)
    assert await rows_of(database, RECOVERED) == [(1062, 0, 0)]
    assert await rows_of(database, BALANCE) == [(0,)]
    await assert_books_are_right(database)
