"""Disputes, from the local Stripe's call-backs in any order: what they move, what they refuse, and what they end."""

from dataclasses import replace
from datetime import timedelta
from itertools import permutations

import pytest
from billing.audit.run import audit
from billing.disputes import operations
from billing.disputes.timers import follow_disputes
from billing.invariants import INVARIANTS
from billing.orders.models import Order
from billing.payment_methods.models import PaymentMethod
from billing.payments.collect import settle
from billing.payments.requests import write_request
from billing.payments.timers import refund_duplicates
from contracts.billing import OrderUpdatedV1, SubscriptionRevokedV1
from processor import Outcome, dispute_of
from servicekit import clock
from servicekit.invariants import Invariants
from sqlalchemy import select, text

TOLD = (
    "charge.dispute.created", "charge.dispute.updated", "charge.dispute.funds_withdrawn",
    "charge.dispute.funds_reinstated", "charge.dispute.closed",
)  # fmt: skip


@pytest.fixture
def sold(bus, purchased, sandbox):
    """Sells for 100.00 and 19.00 of tax, paid at the local Stripe; returns the order's id."""

    async def sell(method="pm_card_createDispute", **changes):
        event = purchased(**{
            "amount": 10000, "tax": 1900, "interval": None, "processor_id": sandbox.pay(11900, method), **changes,
        })  # fmt: skip
        await bus.deliver(event)
        return event.data.order_id

    return sell


async def hear(database, *said):
    for one in said:
        async with database.transaction() as session:
            assert await operations.hear(session, one)


async def books(database):
    async with database.transaction() as session:
        rows = await session.execute(
            text("select account, sum(amount) from ledger_entries group by account having sum(amount) <> 0")
        )
        return dict(rows.all())


async def the_dispute(client):
    (found,) = (await client.get("/v1/disputes/")).json()["items"]
    return found


PAID = {"processor": 11900, "merchant_balance": -10000, "tax_payable": -1900}


async def test_an_opened_dispute_holds_the_money_and_refuses_refunds(client, stranger, sold, sandbox, database):
    order_id = await sold()
    await hear(database, *sandbox.objects(*TOLD))
    found = await the_dispute(client)
    assert (found["status"], found["amount"], found["tax_amount"]) == ("needs_response", 10000, 1900)
    assert (found["resolved"], found["closed"], found["past_due"]) == (False, False, False)
    assert (found["order_id"], found["reason"], found["case_id"]) == (str(order_id), "fraudulent", None)
    assert found["customer"]["email"] == "ada@example.com"
    assert await books(database) == {
        "processor": -1500, "disputes": 11900, "processor_fees": 1500, "merchant_balance": -10000,
        "tax_payable": -1900,
    }  # fmt: skip
    body = {"order_id": str(order_id), "amount": 100, "reason": "other"}
    refused = await client.post("/v1/refunds/", json=body)
    assert (refused.status_code, refused.json()["error"]) == (403, "DisputedOrder")
    one = f"/v1/disputes/{found['id']}"
    assert (await client.get(one)).json() == found
    assert (await stranger.get(one)).status_code == 404
    assert (await stranger.post(f"{one}/accept")).status_code == 404
    assert (await stranger.get("/v1/disputes/")).json()["items"] == []
    clock.move(timedelta(days=10))
    assert (await client.get(one)).json()["past_due"] is True


@pytest.mark.parametrize("won", [True, False])
async def test_call_backs_in_every_order_and_twice(client, sold, sandbox, database, won):
    await sold()
    opened = sandbox.objects("charge.dispute.created")[0]
    sandbox.control(f"disputes/{opened['id']}/decide", won=won)
    told = sandbox.objects(*TOLD)
    for order in permutations(told):
        async with database.transaction() as session:
            await session.execute(text("delete from disputes"))
        await hear(database, *order, *order)
        async with database.transaction() as session:
            written = await session.execute(
                text("select kind, sum(amount) filter (where account = 'disputes') from ledger_transactions t "
                     "join ledger_entries e on e.transaction_id = t.id where t.dispute_id in (select id from disputes) "
                     "group by kind")
            )  # fmt: skip
            held = dict(written.all())
        end = {"dispute_reversal": -11900} if won else {"balance": -11900}
        assert held == {"dispute": 11900, "processor_fee": None, **end}, order
        assert (await the_dispute(client))["status"] == ("won" if won else "lost")


async def test_a_won_dispute_gives_everything_back_but_the_fee(client, sold, sandbox, database):
    order_id = await sold()
    opened = sandbox.objects("charge.dispute.created")[0]
    sandbox.control(f"disputes/{opened['id']}/decide", won=True)
    await hear(database, *sandbox.objects(*TOLD))
    found = await the_dispute(client)
    assert (found["status"], found["resolved"], found["closed"]) == ("won", True, True)
    assert await books(database) == {**PAID, "processor": 10400, "processor_fees": 1500}
    assert (await client.get(f"/v1/orders/{order_id}")).json()["benefits_revoked_at"] is None
    body = {"order_id": str(order_id), "amount": 10000, "reason": "other"}
    assert (await client.post("/v1/refunds/", json=body)).status_code == 201


async def test_a_lost_dispute_ends_what_was_bought_once(client, sold, sandbox, database, bus):
    order_id = await sold()
    await hear(database, *sandbox.objects(*TOLD))
    found = await the_dispute(client)
    accepted = await client.post(f"/v1/disputes/{found['id']}/accept")
    assert (accepted.status_code, accepted.json()["status"]) == (200, "lost"), accepted.text
    assert await books(database) == {"processor": -1500, "processor_fees": 1500}
    told = (await bus.recorded(OrderUpdatedV1))[-1]
    assert told.data.benefits_revoked_at is not None
    again = await client.post(f"/v1/disputes/{found['id']}/accept")
    assert (again.status_code, again.json()["error"]) == (409, "DisputeNotOpenError")
    body = {"order_id": str(order_id), "amount": 100, "reason": "other"}
    assert (await client.post("/v1/refunds/", json=body)).status_code == 403


async def test_a_lost_dispute_revokes_the_subscription(client, sold, sandbox, database, bus):
    await sold(interval="month")
    dispute = sandbox.objects("charge.dispute.created")[0]
    sandbox.post(f"/v1/disputes/{dispute['id']}", **{"evidence[uncategorized_text]": "losing_evidence"})
    await hear(database, *sandbox.objects(*TOLD))
    (subscription,) = (await client.get("/v1/subscriptions/")).json()["items"]
    assert subscription["status"] == "canceled"
    assert len(await bus.recorded(SubscriptionRevokedV1)) == 1


async def test_an_early_warning_is_answered_by_a_refund(client, sold, sandbox, database):
    order_id = await sold("pm_card_createDisputeInquiry")
    await hear(database, *sandbox.objects(*TOLD))
    assert (await the_dispute(client))["status"] == "early_warning"
    assert await books(database) == PAID
    body = {"order_id": str(order_id), "amount": 10000, "reason": "fraudulent"}
    made = (await client.post("/v1/refunds/", json=body)).json()
    assert made["dispute"]["status"] == "early_warning"
    dispute = sandbox.objects("charge.dispute.created")[0]
    sandbox.control(f"disputes/{dispute['id']}/decide", won=True)
    await hear(database, *sandbox.objects(*TOLD))
    found = await the_dispute(client)
    assert (found["status"], found["resolved"], found["closed"]) == ("prevented", False, True)
    assert await books(database) == {}


async def test_a_warning_that_a_refund_in_part_did_not_prevent(client, sold, sandbox, database):
    """The bank asks about 119.00, of which 47.60 are given back; then it takes the other 71.40."""
    order_id = await sold("pm_card_createDisputeInquiry")
    await hear(database, *sandbox.objects(*TOLD))
    body = {"order_id": str(order_id), "amount": 4000, "reason": "other"}
    assert (await client.post("/v1/refunds/", json=body)).status_code == 201
    warning = dispute_of(sandbox.objects("charge.dispute.created")[0])
    taken = [{"amount": -7140, "fee": 1500}]
    async with database.transaction() as session:
        told = replace(warning, status="needs_response", amount=7140, balance_transactions=taken)
        assert await operations.settle(session, told)
    found = await the_dispute(client)
    assert (found["amount"], found["tax_amount"], found["status"]) == (6000, 1140, "needs_response")
    assert (await books(database))["processor"] == 11900 - 4760 - 7140 - 1500
    assert (await books(database))["disputes"] == 7140


async def test_part_of_a_payment_is_disputed_after_a_refund(client, sold, sandbox, database):
    order_id = await sold("pm_card_visa")
    body = {"order_id": str(order_id), "amount": 4000, "reason": "other"}
    await client.post("/v1/refunds/", json=body)
    payment = sandbox.objects("payment_intent.succeeded")[-1]["id"]
    dispute = sandbox.control("disputes", payment_intent=payment, reason="product_not_received")
    sandbox.control(f"disputes/{dispute['id']}/decide", won=False)
    await hear(database, *sandbox.objects(*TOLD))
    found = await the_dispute(client)
    assert (found["amount"], found["tax_amount"], found["status"]) == (6000, 1140, "lost")
    assert await books(database) == {"processor": -1500, "processor_fees": 1500}


async def test_a_lost_payment_that_nobody_owed_costs_the_merchant_nothing_and_the_buyer_no_benefit(
    client, app, sold, sandbox, database
):
    """The bank gives back what was paid twice before we do; the order's own payment stands."""
    order_id = await sold("pm_card_visa")
    second = sandbox.pay(11900, "pm_card_createDispute")
    async with database.transaction() as session:
        order = (await session.execute(select(Order).where(Order.id == order_id).with_for_update())).scalar_one()
        method = PaymentMethod(type="card", method_metadata={}, processor_customer_id="cus", processor_id="pm")
        payment = write_request(session, order, method, "retry", 2, at=clock.now())
        payment.amount = 11900
    facts = {"method": "card", "method_metadata": {}, "fee": 375}
    async with database.transaction() as session:
        settled = await settle(session, payment.id, Outcome("succeeded", second, facts=facts))
        assert settled.status == "duplicate"
    opened = sandbox.objects("charge.dispute.created")[0]
    sandbox.control(f"disputes/{opened['id']}/decide", won=False)
    await hear(database, *sandbox.objects(*TOLD))
    found = await the_dispute(client)
    assert (found["status"], found["amount"], found["tax_amount"]) == ("lost", 11900, 0)
    assert await books(database) == {**PAID, "processor": 11900 - 375 - 1500, "processor_fees": 375 + 1500}
    assert (await client.get(f"/v1/orders/{order_id}")).json()["benefits_revoked_at"] is None
    clock.move(timedelta(days=2))
    assert await refund_duplicates(database.transaction, app.state.processor) == 0
    async with database.transaction() as session:
        await session.execute(text("update outbox set published_at = created_at"))
    assert (await audit(database, None)).differences == {}
    invariants = Invariants(INVARIANTS)
    await invariants.check(database.transaction)
    assert [state.name for state in invariants.states.values() if not state.holds] == []


async def test_a_dispute_of_a_payment_that_is_not_known_waits(database, sandbox):
    sandbox.pay(500, "pm_card_createDispute")
    (told, *_) = sandbox.objects("charge.dispute.created")
    async with database.transaction() as session:
        assert not await operations.hear(session, told)


async def test_the_timer_concedes_after_a_crash_and_asks_when_nothing_is_heard(client, app, sold, sandbox, database):
    await sold()
    await hear(database, sandbox.objects("charge.dispute.created")[0])
    sandbox.faults(errors=20)
    found = await the_dispute(client)
    refused = await client.post(f"/v1/disputes/{found['id']}/accept")
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "10")
    sandbox.faults(errors=0)
    clock.move(timedelta(minutes=1))
    assert await follow_disputes(database.transaction, app.state.processor) == 1
    assert (await the_dispute(client))["status"] == "lost"
    assert await follow_disputes(database.transaction, app.state.processor) == 0


async def test_an_open_dispute_is_asked_about_when_no_call_back_comes(client, app, sold, sandbox, database):
    await sold()
    opened = sandbox.objects("charge.dispute.created")[0]
    await hear(database, opened)
    sandbox.control(f"disputes/{opened['id']}/decide", won=True)
    assert await follow_disputes(database.transaction, app.state.processor) == 0
    clock.move(timedelta(hours=7))
    assert await follow_disputes(database.transaction, app.state.processor) == 1
    assert (await the_dispute(client))["status"] == "won"


async def test_lists_are_filtered(client, sold, sandbox, database):
    first = await sold()
    await sold("pm_card_createDisputeInquiry", email="bob@example.com")
    await hear(database, *sandbox.objects("charge.dispute.created"))

    async def count(**query):
        answer = await client.get("/v1/disputes/", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()["pagination"]["total_count"]

    assert await count() == 2
    assert await count(order_id=str(first)) == 1
    assert await count(status=["early_warning", "won"]) == 1
    assert await count(sorting="-amount", status="needs_response") == 1
    assert (await client.get("/v1/disputes/", params={"status": "odd"})).status_code == 422
