"""A subscription goes on: its next period begins, and is billed and paid, once, whoever and how often looks."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from billing.payments.timers import collect_due
from billing.subscriptions.renewals import renew_due
from contracts.billing import (
    OrderCreatedV1,
    OrderPaidV1,
    SubscriptionCycledV1,
)
from contracts.processor_events import ProcessorEvent, ProcessorEventReceivedV1
from servicekit import clock, ids
from servicekit.testing import eventually
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from services.billing.tests.renewals.steps import DAY, go_to, instant, orders_of, renewed, subscription_of


async def test_the_next_period_is_billed_and_paid(client, bus, purchased, database, processor, sandbox):
    event = purchased(card=sandbox.card())
    await bus.deliver(event)
    first = await subscription_of(client, event)
    await renewed(database, processor)
    assert sandbox.summary()["charges"] == 0
    await go_to(instant(first["current_period_end"]))
    before = len(await bus.names())
    await renewed(database, processor)
    assert (await bus.names())[before:] == [
        "subscription.cycled", "subscription.updated", "order.created", "customer.state_changed", "order.updated",
        "order.paid",
    ]  # fmt: skip
    (created,) = [one for one in await bus.recorded(OrderCreatedV1) if one.data.billing_reason == "subscription_cycle"]
    assert (created.data.status, created.data.due_amount, created.data.paid) == ("pending", 9900, False)
    after = await subscription_of(client, event)
    assert after["current_period_start"] == first["current_period_end"]
    assert after["status"] == "active"
    _, order = await orders_of(client)
    assert (order["status"], order["total_amount"], order["due_amount"]) == ("paid", 9900, 0)
    assert order["invoice_number"].endswith("-0002")
    assert (order["items"][0]["start_timestamp"], order["items"][0]["end_timestamp"]) == (
        after["current_period_start"],
        after["current_period_end"],
    )
    payments = (await client.get("/v1/payments/", params={"order_id": order["id"]})).json()["items"]
    assert [(one["status"], one["trigger"], one["amount"]) for one in payments] == [
        ("succeeded", "subscription_cycle", 9900)
    ]
    assert sandbox.summary()["succeeded"] == 1
    intent = sandbox.get("/v1/payment_intents")["data"][0]
    assert intent["metadata"]["order_id"] == order["id"]
    async with database.transaction() as session:
        sums = await session.execute(
            text(
                "select account, sum(e.amount) from ledger_entries e join ledger_transactions t "
                "on t.id = e.transaction_id where t.order_id = :id group by account having sum(e.amount) <> 0"
            ),
            {"id": order["id"]},
        )
        fee = 317  # 2.9 % and 30 cents, the local Stripe's
        assert dict(sums.tuples().all()) == {
            "processor": 9900 - fee, "processor_fees": fee, "merchant_balance": -9900,
        }  # fmt: skip


@pytest.mark.parametrize("day", [28, 29, 30, 31])
async def test_36_months_from_each_late_day_of_january(client, bus, purchased, database, processor, sandbox, day):
    began = datetime(2027, 1, day, 22, 30, tzinfo=UTC)
    event = purchased(amount=0)
    event.data.succeeded_at = began
    clock.move(began - clock.now())
    await bus.deliver(event)
    await go_to(datetime(2030, 1, day, 22, 30, tzinfo=UTC))
    for _ in range(40):
        await renew_due(database.transaction)
    starts = [one.data.current_period_start for one in await bus.recorded(SubscriptionCycledV1)]
    assert len(starts) == 36
    month_ends = {2: 28, 4: 30, 6: 30, 9: 30, 11: 30}
    for number, start in enumerate(starts, 1):
        month = number % 12 + 1
        leap = month == 2 and start.year % 4 == 0
        last = 29 if leap else month_ends.get(month, 31)
        assert (start.month, start.day, start.hour) == (month, min(day, last), 22), start
    orders = await orders_of(client)
    assert len(orders) == 37
    assert {order["status"] for order in orders} == {"paid"}
    ends = [order["items"][0]["end_timestamp"] for order in orders]
    assert [order["items"][0]["start_timestamp"] for order in orders[1:]] == ends[:-1]


@pytest.mark.parametrize(
    ("interval", "began", "ends"),
    [
        # The clocks of Berlin change on 28 March and 31 October 2027: periods in UTC do not.
        ("day", datetime(2027, 3, 27, 1, 30, tzinfo=UTC), [datetime(2027, 3, n, 1, 30, tzinfo=UTC) for n in (28, 29)]),
        ("week", datetime(2027, 10, 28, 0, 30, tzinfo=UTC), [datetime(2027, 11, 4, 0, 30, tzinfo=UTC)]),
        ("year", datetime(2028, 2, 29, 23, 59, tzinfo=UTC), [datetime(2029, 2, 28, 23, 59, tzinfo=UTC)]),
        ("month", datetime(2027, 12, 31, 23, 59, tzinfo=UTC), [datetime(2028, 1, 31, 23, 59, tzinfo=UTC),
                                                               datetime(2028, 2, 29, 23, 59, tzinfo=UTC)]),
    ],
)  # fmt: skip
async def test_daylight_saving_and_leap_days(bus, purchased, database, sandbox, interval, began, ends):
    event = purchased(amount=0, interval=interval)
    event.data.succeeded_at = began
    clock.move(began - clock.now())
    await bus.deliver(event)
    await go_to(ends[-1])
    for _ in ends:
        await renew_due(database.transaction)
    starts = [one.data.current_period_start for one in await bus.recorded(SubscriptionCycledV1)]
    assert starts == ends


async def test_two_workers_renew_each_once(client, bus, purchased, database, processor, sandbox):
    card = sandbox.card()
    events = [
        purchased(email=f"c{number % 40}@example.com", card=(card[0], f"{card[1]}_{number}")) for number in range(60)
    ]
    for event in events:
        await bus.deliver(event)
    async with database.transaction() as session:
        await session.execute(text("update payment_methods set processor_id = :id || '_' || id"), {"id": card[1]})
        await session.execute(text("update subscriptions set payment_method_id = null"))
        await session.execute(text("update customers set default_payment_method_id = null"))
    clock.move(32 * DAY)

    async def worker():
        while await renew_due(database.transaction):
            pass

    await asyncio.gather(worker(), worker(), worker())
    async with database.transaction() as session:
        counts = await session.execute(
            text("select count(*), count(distinct (subscription_id, period_start)) from orders "
                 "where billing_reason = 'subscription_cycle'")
        )  # fmt: skip
        assert counts.one() == (60, 60)
        over = await session.execute(text("select count(*) from subscriptions where current_period_end <= :now"),
                                     {"now": clock.now()})  # fmt: skip
        assert over.scalar_one() == 0
        gaps = await session.execute(text(
            "select count(*) from customers c where invoices_count <> (select count(*) from orders o "
            "where o.customer_id = c.id)"))  # fmt: skip
        assert gaps.scalar_one() == 0


async def test_the_database_refuses_a_period_billed_twice(bus, purchased, database, sandbox):
    event = purchased()
    await bus.deliver(event)
    clock.move(32 * DAY)
    await renew_due(database.transaction)
    async with database.transaction() as session:
        await session.execute(text("update subscriptions set current_period_end = current_period_start"))
    with pytest.raises(IntegrityError, match="orders_period_key"):
        await renew_due(database.transaction)


async def test_one_slow_card_holds_nobody_up(client, bus, purchased, database, processor, sandbox, monkeypatch):
    slow = sandbox.card()
    events = [purchased(email="slow@example.com", card=slow)]
    events += [purchased(email=f"quick{number}@example.com", card=sandbox.card()) for number in range(20)]
    for event in events:
        await bus.deliver(event)
    clock.move(32 * DAY)
    await renew_due(database.transaction)
    released = asyncio.Event()
    charge = processor.charge_saved

    async def charge_saved(wish):
        if wish.payment_method == slow[1]:
            await released.wait()
        return await charge(wish)

    monkeypatch.setattr(processor, "charge_saved", charge_saved)
    work = asyncio.create_task(collect_due(database.transaction, processor))
    paid = 0
    for _ in range(400):
        paid = len([one for one in await bus.recorded(OrderPaidV1) if one.data.billing_reason == "subscription_cycle"])
        if paid == 20:
            break
        await asyncio.sleep(0.02)
    assert paid == 20, "the others are paid while the slow card is asked"
    await bus.deliver(purchased(email="late@example.com", card=sandbox.card()))
    async with database.transaction() as session:
        await session.execute(
            text("update subscriptions set current_period_end = :now where current_period_end > :now"),
            {"now": clock.now() - timedelta(seconds=1)},
        )
    assert await renew_due(database.transaction) > 0
    late = text("select count(*) from orders o join customers c on c.id = o.customer_id where o.status = 'paid' "
                "and c.email = 'late@example.com' and o.billing_reason = 'subscription_cycle'")  # fmt: skip

    async def late_one_is_paid():
        async with database.transaction() as session:
            return (await session.execute(late)).scalar_one() == 1

    await eventually(late_one_is_paid, what="what became due since is paid while the slow card is still asked")
    assert not work.done()
    released.set()
    await work
    assert sandbox.summary()["succeeded"] == 43, "the slow card paid its second period when its first was paid"


async def test_a_crash_between_charge_and_commit_is_one_payment(
    client, bus, purchased, database, processor, sandbox, monkeypatch
):
    await bus.deliver(purchased(card=sandbox.card()))
    clock.move(32 * DAY)
    await renew_due(database.transaction)

    async def killed(*_):
        raise asyncio.CancelledError

    with monkeypatch.context() as patch:
        patch.setattr("billing.payments.collect.settle_all", killed)
        with pytest.raises(asyncio.CancelledError):
            await collect_due(database.transaction, processor)
    assert sandbox.summary()["succeeded"] == 1
    order = (await orders_of(client))[1]
    assert order["status"] == "pending"
    assert await collect_due(database.transaction, processor) == 0, "it is in the hand of the process that died"
    clock.move(timedelta(seconds=61))
    assert await collect_due(database.transaction, processor) == 1
    assert sandbox.summary()["succeeded"] == 1
    assert (await orders_of(client))[1]["status"] == "paid"


async def test_a_lost_answer_and_a_call_back_that_comes_twice(
    client, bus, purchased, database, processor, sandbox, monkeypatch
):
    await bus.deliver(purchased(card=sandbox.card()))
    clock.move(32 * DAY)
    await renew_due(database.transaction)
    sandbox.faults(hang_answers=0, errors=3)
    await collect_due(database.transaction, processor)
    assert (await orders_of(client))[1]["status"] == "pending"
    clock.move(timedelta(seconds=61))
    await collect_due(database.transaction, processor)
    (told,) = sandbox.events("payment_intent.succeeded")
    before = await bus.names()
    await bus.deliver(call_back(told), call_back(told))
    assert await bus.names() == before
    assert (await orders_of(client))[1]["status"] == "paid"


async def test_the_call_back_alone_settles(client, bus, purchased, database, processor, sandbox, monkeypatch):
    await bus.deliver(purchased(card=sandbox.card()))
    clock.move(32 * DAY)
    await renew_due(database.transaction)

    async def nothing(session, outcomes):
        return set(outcomes)

    monkeypatch.setattr("billing.payments.collect.settle_all", nothing)
    await collect_due(database.transaction, processor)
    monkeypatch.undo()
    (told,) = sandbox.events("payment_intent.succeeded")
    await bus.deliver(call_back(told))
    assert (await orders_of(client))[1]["status"] == "pending", "it does not say with which card, and at what fee"
    assert await collect_due(database.transaction, processor) == 1, "asked for at once"
    assert (await orders_of(client))[1]["status"] == "paid"
    async with database.transaction() as session:
        fee = text("select processor_fee_amount from payments where trigger = 'subscription_cycle'")
        assert (await session.execute(fee)).scalar_one() == 9900 * 29 // 1000 + 30
    assert sandbox.summary()["succeeded"] == 1


def call_back(told):
    data = ProcessorEvent(
        id=told["id"], processor="stripe", type=told["type"], object=told["data"]["object"], created_at=clock.now()
    )
    return ProcessorEventReceivedV1(subject=ids.uuid7(), organization_id=ids.uuid7(), time=clock.now(), data=data)


DISCOUNT = {
    "modified_at": None, "metadata": {}, "name": "Launch", "code": "LAUNCH", "amount": None, "currency": None,
    "amounts": None, "starts_at": None, "ends_at": None, "max_redemptions": None, "max_redemptions_per_customer": None,
    "redemptions_count": 1, "is_deleted": False, "products": [], "type": "percentage", "basis_points": 2500,
}  # fmt: skip


@pytest.mark.parametrize(
    ("duration", "months", "totals"),
    [
        ("once", None, [7425, 9900, 9900, 9900]),
        ("repeating", 2, [7425, 7425, 9900, 9900]),
        ("forever", None, [7425, 7425, 7425, 7425]),
    ],
)
async def test_discounts_over_time(
    client, bus, purchased, database, processor, sandbox, organization_id, duration, months, totals
):
    discount = {**DISCOUNT, "id": ids.uuid7(), "created_at": clock.now(), "organization_id": organization_id,
                "duration": duration, "duration_in_months": months}  # fmt: skip
    event = purchased(off=2475, discount=discount, card=sandbox.card())
    await bus.deliver(event)
    for _ in range(3):
        end = (await subscription_of(client, event))["current_period_end"]
        await go_to(instant(end))
        await renewed(database, processor)
    assert [order["total_amount"] for order in await orders_of(client)] == totals
    for order in await orders_of(client):
        assert sum(item["amount"] for item in order["items"]) - order["discount_amount"] == order["net_amount"]


async def test_what_is_too_little_to_charge_waits_and_credit_pays(client, bus, purchased, database, processor, sandbox):
    """40 cents are below the least charge: they are a debt, which the next order collects."""
    event = purchased(amount=40, card=sandbox.card())
    await bus.deliver(event)
    for _ in range(2):
        await go_to(instant((await subscription_of(client, event))["current_period_end"]))
        await renewed(database, processor)
    _, second, third = await orders_of(client)
    assert (second["status"], second["applied_balance_amount"], second["due_amount"]) == ("paid", -40, 0)
    assert (third["status"], third["applied_balance_amount"]) == ("paid", 40)
    assert [one["amount"] for one in (await client.get("/v1/payments/?sorting=created_at")).json()["items"]] == [40, 80]
    async with database.transaction() as session:
        assert (await session.execute(text("select amount from customer_balances"))).scalar_one() == 0
        unsettled = await session.execute(
            text("select account, sum(amount) from ledger_entries where account in "
                 "('customer_payments', 'customer_balance') group by account having sum(amount) <> 0")
        )  # fmt: skip
        assert unsettled.all() == []


async def test_lines_that_waited_are_on_the_next_order_once(client, bus, purchased, database, processor, sandbox):
    event = purchased(card=sandbox.card())
    await bus.deliver(event)
    async with database.transaction() as session:
        await session.execute(
            text("insert into billing_entries (id, organization_id, created_at, kind, customer_id, subscription_id, "
                 "currency, label, amount, proration) select :id, organization_id, created_at, 'proration', "
                 "customer_id, id, 'usd', 'Unused time', -900, true from subscriptions"),
            {"id": ids.uuid7()},
        )  # fmt: skip
    for _ in range(2):
        await go_to(instant((await subscription_of(client, event))["current_period_end"]))
        await renewed(database, processor)
    _, second, third = await orders_of(client)
    assert (second["total_amount"], [item["proration"] for item in second["items"]]) == (9000, [False, True])
    assert third["total_amount"] == 9900
