"""Charges of many customers at once: one that is slow, locked, or cannot be written down is alone with it."""

import asyncio
from collections import Counter
from datetime import timedelta

import pytest
from billing.payments import collect, requests
from billing.payments.timers import collect_due
from billing.subscriptions.renewals import renew_due
from contracts.billing import OrderPaidV1
from contracts.processor_events import ProcessorEvent, ProcessorEventReceivedV1
from servicekit import clock, ids
from servicekit.testing import eventually
from sqlalchemy import text

DAY = timedelta(days=1)
STATES = text("select c.email, o.status, count(*) from orders o join customers c on c.id = o.customer_id "
              "where o.billing_reason = 'subscription_cycle' group by 1, 2")  # fmt: skip


@pytest.fixture
def sold(bus, purchased, sandbox):
    """Sells a subscription to each e-mail, which may be named more than once."""

    async def sell(*emails):
        cards = {email: sandbox.card() for email in emails}
        for email in emails:
            await bus.deliver(purchased(email=email, card=cards[email]))
        clock.move(32 * DAY)

    return sell


async def states(database):
    async with database.transaction() as session:
        return {(row[0], row[1]): row[2] for row in await session.execute(STATES)}


async def test_a_customer_is_charged_for_one_order_at_a_time(database, processor, sandbox, sold, monkeypatch):
    await sold(*["much@example.com"] * 12, *[f"one{number}@example.com" for number in range(6)])
    await renew_due(database.transaction)
    in_flight, most = Counter(), Counter()
    charge = processor.charge_saved

    async def charge_saved(wish):
        in_flight[wish.customer] += 1
        most[wish.customer] = max(most[wish.customer], in_flight[wish.customer])
        try:
            return await charge(wish)
        finally:
            in_flight[wish.customer] -= 1

    monkeypatch.setattr(processor, "charge_saved", charge_saved)
    assert await collect_due(database.transaction, processor) == 18
    assert set(most.values()) == {1}
    assert sandbox.summary()["succeeded"] == 18
    assert (await states(database))["much@example.com", "paid"] == 12


async def test_one_that_cannot_be_written_down_holds_no_other_up(bus, database, processor, sandbox, sold, monkeypatch):
    """An error in the batch: all are rolled back, each is written alone, and the bad one is left for later."""
    await sold(*[f"c{number}@example.com" for number in range(8)])
    await renew_due(database.transaction)
    async with database.transaction() as session:
        bad = (await session.execute(text("select id from orders where status = 'pending' limit 1"))).scalar_one()
    record, asked = collect.record_settlement, []

    def refusing(session, order, payment, at):
        asked.append(order.id)
        if order.id == bad:
            raise ValueError("the ledger refuses this one")
        record(session, order, payment, at)

    with monkeypatch.context() as patch:
        patch.setattr(collect, "record_settlement", refusing)
        await collect_due(database.transaction, processor)
    assert Counter(status for _, status in await states(database)) == {"paid": 7, "pending": 1}
    assert len(await bus.recorded(OrderPaidV1)) == 8 + 7, "and each was said to be paid once"
    assert len(asked) > 8
    clock.move(requests.IN_HAND + timedelta(seconds=1))
    assert await collect_due(database.transaction, processor) == 1
    assert Counter(status for _, status in await states(database)) == {"paid": 8}
    assert sandbox.summary()["succeeded"] == 8


async def test_a_customer_who_is_locked_holds_no_other_up(database, processor, sandbox, sold):
    await sold(*[f"c{number}@example.com" for number in range(5)])
    await renew_due(database.transaction)
    async with database.transaction() as other:
        await other.execute(text("select from customers where email = 'c3@example.com' for update"))
        work = asyncio.create_task(collect_due(database.transaction, processor))

        async def others_are_paid():
            return Counter(status for _, status in await states(database)) == {"paid": 4, "pending": 1}

        await eventually(others_are_paid, what="four are paid while the fifth is locked")
        assert not work.done()
    await work
    assert Counter(status for _, status in await states(database)) == {"paid": 5}


@pytest.mark.parametrize("kind", ["charge.failed", "payment_intent.succeeded"])
async def test_a_call_back_locks_the_customer_before_the_payment(bus, database, sold, kind):
    """As those do who settle it: otherwise each of the two could wait for what the other has."""
    await sold("ada@example.com")
    await renew_due(database.transaction)
    async with database.transaction() as session:
        unpaid = text("select id from payments where status = 'open'")
        payment_id = str((await session.execute(unpaid)).scalar_one())
    said = {"id": "pi_1", "latest_charge": "ch_1", "status": "succeeded", "metadata": {"payment_id": payment_id}}
    said |= {"outcome": {"type": "issuer_declined", "risk_level": "normal"}, "amount": 1000}
    data = ProcessorEvent(id="evt_1", processor="stripe", type=kind, object=said, created_at=clock.now())
    told = ProcessorEventReceivedV1(subject=ids.uuid7(), organization_id=ids.uuid7(), time=clock.now(), data=data)
    async with database.transaction() as other:
        await other.execute(text("select from customers for update"))
        work = asyncio.create_task(bus.deliver(told))
        done, _ = await asyncio.wait([work], timeout=0.3)
        assert not done, "it waits for the customer"
        await other.execute(text("select from payments for update nowait"))
    await work


async def test_declines_and_payments_share_a_batch(database, processor, sandbox, sold):
    await sold(*[f"c{number}@example.com" for number in range(6)])
    async with database.transaction() as session:
        declined = sandbox.card("pm_card_chargeCustomerFail")
        await session.execute(
            text("update payment_methods set processor_customer_id = :customer, processor_id = :card where customer_id "
                 "= (select id from customers where email = 'c2@example.com')"),
            {"customer": declined[0], "card": declined[1]},
        )  # fmt: skip
    await renew_due(database.transaction)
    await collect_due(database.transaction, processor)
    assert (await states(database))["c2@example.com", "pending"] == 1
    assert Counter(status for _, status in await states(database)) == {"paid": 5, "pending": 1}
    async with database.transaction() as session:
        fallen = text("select c.email from subscriptions s join customers c on c.id = s.customer_id "
                      "where s.status = 'past_due'")  # fmt: skip
        assert (await session.execute(fallen)).scalars().all() == ["c2@example.com"]
        attempts = text("select count(*) from orders where next_payment_attempt_at is not null")
        assert (await session.execute(attempts)).scalar_one() == 1
