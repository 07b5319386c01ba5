"""Refunds of orders that credit paid in part, or that credit was given for: the cash, its tax, and never twice."""

import asyncio
from datetime import timedelta

import pytest
from billing.audit.run import audit
from billing.customers.models import Customer
from billing.disputes import operations as disputes
from billing.orders.models import Order
from billing.refunds import operations
from billing.refunds.timers import finish_refunds
from servicekit import clock
from servicekit.clock import Standing
from servicekit.testing import eventually
from sqlalchemy import select, text


async def refund(client, order_id, amount, **fields):
    body = {"order_id": str(order_id), "amount": amount, "reason": "customer_request", **fields}
    return await client.post("/v1/refunds/", json=body)


async def order_of(client, order_id):
    return (await client.get(f"/v1/orders/{order_id}")).json()


async def scalar(database, statement):
    async with database.transaction() as session:
        return (await session.execute(text(statement))).scalar_one()


async def agrees(database):
    """The audit finds no difference, once everything that waits is published."""
    async with database.transaction() as session:
        await session.execute(text("update outbox set published_at = created_at"))
    assert (await audit(database, None)).differences == {}


@pytest.mark.parametrize(
    ("lines", "terms", "payable", "refundable"),
    [
        ([1001], {"credit": 1129}, 62, (52, 10)),
        ([1001], {"credit": 564}, 627, (527, 100)),
        ([10000], {"credit": 7677}, 4223, (3549, 674)),
        ([10000], {"credit": 10748}, 1152, (968, 184)),
        ([333, 334, 334], {"credit": 564}, 627, (527, 100)),
        ([980], {"credit": 500, "currency": "jpy", "country": "JP"}, 578, (525, 53)),
        ([2900], {"credit": 1000, "behavior": "inclusive"}, 1900, (1597, 303)),
        ([1001], {"credit": -400}, 1591, (1001, 190)),
    ],
)
async def test_all_of_the_cash_goes_back_with_its_tax(
    client, charged, sandbox, database, lines, terms, payable, refundable
):
    order_id = await charged(*lines, **terms)
    order = await order_of(client, order_id)
    assert order["total_amount"] + order["applied_balance_amount"] == payable
    assert (order["refundable_amount"], order["refundable_tax_amount"]) == refundable
    over = await refund(client, order_id, refundable[0] + 1)
    assert (over.status_code, over.json()["detail"][0]["loc"]) == (422, ["body", "amount"])
    assert ("the customer's balance paid" in over.json()["detail"][0]["msg"]) == (terms["credit"] > 0)
    made = (await refund(client, order_id, refundable[0])).json()
    assert (made["status"], made["amount"], made["tax_amount"]) == ("succeeded", *refundable)
    order = await order_of(client, order_id)
    assert (order["status"], order["refundable_amount"], order["refundable_tax_amount"]) == ("refunded", 0, 0)
    assert sandbox.summary()["refunded"] == sum(refundable)
    again = await refund(client, order_id, 1)
    assert (again.status_code, again.json()["error"]) == (403, "RefundedAlready")
    await agrees(database)


async def test_pieces_until_nothing_is_left(client, charged, sandbox, database):
    order_id = await charged(333, 334, 334, credit=564)
    pieces = [(await refund(client, order_id, amount)).json() for amount in (1, 175, 176, 174, 1)]
    # 0.19, 33.41, 66.81, 99.84 in all, and the rest of the 100 that belong to 627.
    assert [piece["tax_amount"] for piece in pieces] == [0, 33, 34, 33, 0]
    order = await order_of(client, order_id)
    assert (order["status"], order["refunded_amount"], order["refunded_tax_amount"]) == ("refunded", 527, 100)
    assert sandbox.summary()["refunded"] == 627
    await agrees(database)


async def test_six_at_once_never_give_more_than_the_card_paid(client, charged, sandbox, database):
    order_id = await charged(1001, credit=564)
    answers = await asyncio.gather(*(refund(client, order_id, 200) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [201, 201, 422, 422, 422, 422]
    assert (await order_of(client, order_id))["refundable_amount"] == 127
    rest = (await refund(client, order_id, 127)).json()
    assert rest["tax_amount"] == 100 - 76
    assert sandbox.summary()["refunded"] == 627
    await agrees(database)


async def test_a_refund_leaves_the_customer_s_credit_alone(client, charged, database):
    """Credit of 5.00 that comes from elsewhere stays, whether the refund stands or fails later."""
    order_id = await charged(1001, credit=564, card="pm_card_refundFail")
    async with database.transaction() as session:
        await session.execute(text("update customer_balances set amount = 500"))
    made = (await refund(client, order_id, 527)).json()
    assert made["status"] == "succeeded"
    assert await scalar(database, "select amount from customer_balances") == 500
    async with database.transaction() as session:
        await operations.settle(session, made["id"], operations.Said("failed", failure_reason="bank"))
    assert await scalar(database, "select amount from customer_balances") == 500
    order = await order_of(client, order_id)
    assert (order["status"], order["refundable_amount"], order["refundable_tax_amount"]) == ("paid", 527, 100)


async def test_credit_that_an_earlier_release_took_comes_back_when_the_refund_fails(client, charged, database):
    order_id = await charged(1001, card="pm_card_refundFail")
    made = (await refund(client, order_id, 1001)).json()
    async with database.transaction() as session:
        await session.execute(text("update refunds set balance_amount = 300"))
    async with database.transaction() as session:
        await operations.settle(session, made["id"], operations.Said("failed", failure_reason="bank"))
    assert await scalar(database, "select amount from customer_balances") == 300


async def test_what_the_balance_paid_is_no_payment(client, charged):
    order_id = await charged(1001, credit=1191)
    refused = await refund(client, order_id, 1)
    assert (refused.status_code, refused.json()["error"]) == (403, "OrderNotPaid")
    assert "The customer's balance paid this order" in refused.json()["detail"]


async def test_what_was_given_as_credit_is_not_given_back_too(client, charged, credited, database):
    order_id = await charged(1001)
    await credited(order_id, 500, 95)
    order = await order_of(client, order_id)
    assert (order["refundable_amount"], order["refundable_tax_amount"]) == (501, 95)
    over = await refund(client, order_id, 502)
    assert over.status_code == 422
    assert "595 of its total was given to the customer as credit" in over.json()["detail"][0]["msg"]
    assert (await refund(client, order_id, 501)).json()["tax_amount"] == 95
    refused = await refund(client, order_id, 1)
    assert (refused.status_code, refused.json()["error"]) == (403, "CreditedAlready")
    assert "595 of this order's total of 1191 was given to the customer as credit" in refused.json()["detail"]
    assert (await order_of(client, order_id))["status"] == "partially_refunded"
    await agrees(database)


async def test_a_refund_waits_for_who_gives_credit_and_sees_it(client, charged, credited, database):
    """The customer is locked first: what is written under that lock counts, also when the refund had begun before."""
    order_id = await charged(1001)
    waiting = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    async with database.transaction() as session:
        await session.execute(select(Customer).with_for_update())
        asked = asyncio.create_task(refund(client, order_id, 1001))

        async def waits():
            return await scalar(database, waiting) == 1

        await eventually(waits)
        order = (await session.execute(select(Order).where(Order.id == order_id).with_for_update())).scalar_one()
        order.credited_amount, order.credited_tax_amount = 1001, 190
    refused = await asked
    assert (refused.status_code, refused.json()["error"]) == (403, "CreditedAlready")


DISPUTES = ("charge.dispute.created", "charge.dispute.funds_withdrawn", "charge.dispute.funds_reinstated",
            "charge.dispute.closed")  # fmt: skip


@pytest.mark.parametrize("won", [True, False])
async def test_a_dispute_has_the_tax_of_what_the_card_paid(client, charged, sandbox, database, won):
    order_id = await charged(1001, credit=564)
    assert (await refund(client, order_id, 200)).json()["tax_amount"] == 38
    dispute = sandbox.control("disputes", payment_intent=sandbox.objects("payment_intent.succeeded")[-1]["id"])
    sandbox.control(f"disputes/{dispute['id']}/decide", won=won)
    for said in sandbox.objects(*DISPUTES):
        async with database.transaction() as session:
            assert await disputes.hear(session, said)
    (found,) = (await client.get("/v1/disputes/")).json()["items"]
    assert (found["amount"], found["tax_amount"]) == (327, 62)
    answer = await refund(client, order_id, 327)
    if won:
        assert (answer.json()["amount"], answer.json()["tax_amount"]) == (327, 62)
    else:
        assert (answer.status_code, answer.json()["error"]) == (403, "DisputedOrder")
    await agrees(database)


async def test_a_pending_refund_waits_by_the_machine_and_is_dated_by_the_test_clock(
    client, app, charged, sandbox, database, organization_id
):
    order_id = await charged(1001, card="pm_card_pendingRefund")
    assert (await refund(client, order_id, 1001)).json()["status"] == "pending"
    instant = clock.now() + timedelta(days=365)
    async with database.transaction() as session:
        await session.execute(
            text("insert into clocks (organization_id, clock_id, instant, round, answered, seen, recorded_after, "
                 "recorded_until, is_deleted) values (:id, :id, :instant, 1, 1, '[]', 0, 0, false)"),
            {"id": organization_id, "instant": instant},
        )  # fmt: skip
    (created,) = sandbox.objects("refund.created")
    sandbox.control(f"refunds/{created['id']}/settle")
    assert await finish_refunds(database.transaction, app.state.processor) == 0
    clock.move(timedelta(hours=2))
    with clock.standing_at(None):
        assert await finish_refunds(database.transaction, app.state.processor) == 1
        assert clock.standing() == Standing(organization_id, instant)
    assert await scalar(database, "select status from refunds") == "succeeded"
    assert await scalar(database, "select modified_at from refunds") == instant
    assert await scalar(database, "select occurred_at from ledger_transactions where kind = 'refund'") == instant
