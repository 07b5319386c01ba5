"""What changes leave to the next renewal: prorated lines, waiting updates, and discounts that begin and end."""

from datetime import timedelta

import pytest
from billing.audit.run import audit
from billing.invariants import INVARIANTS
from billing.payments.timers import collect_due, refund_duplicates
from billing.refunds.callbacks import follow_refund
from billing.subscriptions.renewals import renew_due
from processor import ProcessorUnavailable, StripeProcessor
from servicekit import clock
from servicekit.invariants import Invariants
from sqlalchemy import text


def path(purchase):
    return f"/v1/subscriptions/{purchase.subscription_id}"


@pytest.fixture
def patched(client):
    async def patch(purchase, **body):
        given = {name: str(value) if name.endswith("_id") else value for name, value in body.items()}
        answer = await client.patch(path(purchase), json=given)
        assert answer.status_code == 200, answer.text
        return answer.json()

    return patch


@pytest.fixture
def renewed(client, database, collected):
    """Goes to the period's end, renews and collects. Returns the newest order."""

    async def renew(purchase, past=timedelta(minutes=1)):
        async with database.transaction() as session:
            statement = "select current_period_end from subscriptions where id = :id"
            end = (await session.execute(text(statement), {"id": purchase.subscription_id})).scalar_one()
        clock.move(end + past - clock.now())
        while await renew_due(database.transaction):
            pass
        await collected()
        return (await client.get("/v1/orders/", params={"limit": 1})).json()["items"][0]

    return renew


async def test_prorated_lines_are_on_the_next_order(client, bought, announced, patched, renewed):
    """Polar's example: 14.50 is added to the next invoice, which is also that of the new 20.00."""
    purchase, big = await bought(500), await announced(2000)
    await patched(purchase, product_id=big.id, proration_behavior="prorate")
    order = await renewed(purchase)
    amounts = [(item["amount"], item["proration"]) for item in order["items"]]
    assert amounts == [(2000, False), (-483, True), (1933, True)]
    assert (order["subtotal_amount"], order["status"], order["product_id"]) == (3450, "paid", str(big.id))
    order = await renewed(purchase)
    assert [item["amount"] for item in order["items"]] == [2000]


async def test_an_order_s_discount_is_not_taken_off_prorated_lines_again(
    bought, announced, patched, renewed, discounted
):
    purchase, big, half = await bought(500), await announced(2000), await discounted()
    await patched(purchase, product_id=big.id, proration_behavior="prorate")
    await patched(purchase, discount_id=half.id)
    order = await renewed(purchase)
    assert (order["subtotal_amount"], order["discount_amount"], order["total_amount"]) == (3450, 1000, 2450)


async def test_what_waits_is_applied_as_the_period_begins(client, bus, bought, announced, patched, renewed):
    purchase, small = await bought(2000), await announced(500)
    await patched(purchase, product_id=small.id, proration_behavior="next_period")
    await announced(99_000, known=small.id, name="Dearer by now")
    before = len(await bus.names())
    order = await renewed(purchase)
    assert [item["amount"] for item in order["items"]] == [500]
    body = (await client.get(path(purchase))).json()
    assert (body["product_id"], body["amount"], body["pending_update"]) == (str(small.id), 500, None)
    names = (await bus.names())[before:]
    assert names[:3] == ["subscription.cycled", "subscription.updated", "order.created"]


async def test_another_interval_that_waited_begins_at_the_period_s_end(client, bought, announced, patched, renewed):
    purchase, yearly = await bought(500), await announced(5000, recurring_interval="year")
    await patched(purchase, product_id=yearly.id, proration_behavior="next_period")
    order = await renewed(purchase)
    assert order["total_amount"] == 5000
    body = (await client.get(path(purchase))).json()
    assert body["current_period_start"].startswith("2026-05-01T12:00")
    assert body["current_period_end"].startswith("2027-05-01T12:00")


@pytest.mark.parametrize(("months", "reduced"), [(1, 1), (3, 3)])
async def test_a_repeating_discount_ends_after_its_months(
    client, bought, patched, renewed, discounted, months, reduced
):
    purchase = await bought(2000)
    some = await discounted(duration="repeating", duration_in_months=months)
    await patched(purchase, discount_id=some.id)
    totals = [(await renewed(purchase))["total_amount"] for _ in range(5)]
    assert totals == [1000] * reduced + [2000] * (5 - reduced)
    assert (await client.get(path(purchase))).json()["discount_id"] is None


async def test_a_discount_for_once_reduces_one_period(bought, patched, renewed, discounted):
    purchase, once = await bought(2000), await discounted(duration="once")
    await patched(purchase, discount_id=once.id)
    assert [(await renewed(purchase))["total_amount"] for _ in range(3)] == [1000, 2000, 2000]


async def test_the_rest_of_the_first_period_keeps_the_discount_it_was_billed_with(
    bought, announced, client, patched, discounted
):
    once = await discounted(duration="once")
    purchase, small = await bought(2000, discount=once, off=1000), await announced(500)
    await patched(purchase, product_id=small.id, proration_behavior="invoice")
    order = (await client.get("/v1/orders/")).json()["items"][0]
    assert [item["amount"] for item in order["items"]] == [-967, 242]


async def test_what_is_being_paid_is_not_renewed(client, bought, announced, patched, sandbox, database):
    purchase, big = await bought(500), await announced(2000)
    sandbox.faults(errors=10)
    wish = {"product_id": str(big.id), "proration_behavior": "invoice"}
    assert (await client.patch(path(purchase), json=wish)).status_code == 503
    clock.move(timedelta(days=40))
    assert await renew_due(database.transaction) == 0
    sandbox.faults(errors=0)


async def test_a_scheduled_pause_is_not_renewed(client, bought, patched, database):
    purchase = await bought(500)
    await patched(purchase, pause_at_period_end=True)
    clock.move(timedelta(days=40))
    assert await renew_due(database.transaction) == 0


async def test_a_customer_who_is_deleted_before_stripe_was_reached_is_not_charged(
    client, bought, announced, sandbox, database, processor
):
    purchase, big = await bought(500), await announced(2000)
    sandbox.faults(errors=10)
    wish = {"product_id": str(big.id), "proration_behavior": "invoice"}
    assert (await client.patch(path(purchase), json=wish)).status_code == 503
    sandbox.faults(errors=0)
    assert (await client.delete(f"/v1/customers/{purchase.customer.id}")).status_code == 204
    clock.move(timedelta(minutes=2))
    assert await collect_due(database.transaction, processor) == 1
    assert await refund_duplicates(database.transaction, processor) == 0
    assert sandbox.get("/v1/payment_intents")["data"] == []


async def test_a_customer_who_is_deleted_meanwhile_gets_the_money_back(
    client, bought, announced, sandbox, database, processor, monkeypatch
):
    purchase, big = await bought(500), await announced(2000)
    charge = StripeProcessor.charge_saved

    async def unheard(self, wish):
        await charge(self, wish)
        raise ProcessorUnavailable("no answer")

    monkeypatch.setattr(StripeProcessor, "charge_saved", unheard)
    wish = {"product_id": str(big.id), "proration_behavior": "invoice"}
    assert (await client.patch(path(purchase), json=wish)).status_code == 503
    monkeypatch.undo()
    assert (await client.delete(f"/v1/customers/{purchase.customer.id}")).status_code == 204
    body = (await client.get(path(purchase))).json()
    assert (body["status"], body["amount"]) == ("canceled", 500)
    clock.move(timedelta(minutes=2))
    await collect_due(database.transaction, processor)
    await refund_duplicates(database.transaction, processor)
    assert (await client.get(path(purchase))).json()["amount"] == 500
    kept = sandbox.get("/v1/payment_intents", limit=100)["data"]
    assert sum(intent["amount_received"] for intent in kept) == sandbox.summary()["refunded"]
    async with database.transaction() as session:
        await session.execute(text("update outbox set published_at = created_at"))
        moved = await session.execute(
            text("select t.kind, e.account, e.amount from ledger_entries e join ledger_transactions t "
                 "on t.id = e.transaction_id where t.order_id is null order by t.created_at, e.amount desc")
        )  # fmt: skip
        amount = kept[0]["amount"]
        fee = (amount * 29 + 500) // 1000 + 30  # the local Stripe's
        assert [tuple(row) for row in moved] == [
            ("payment", "processor", amount), ("payment", "customer_payments", -amount),
            ("processor_fee", "processor_fees", fee),
            ("processor_fee", "processor", -fee),
            ("return", "customer_payments", amount), ("return", "processor", -amount),
        ]  # fmt: skip
    invariants = Invariants(INVARIANTS)
    await invariants.check(database.transaction)
    assert [state.name for state in invariants.states.values() if not state.holds] == []
    (made,) = sandbox.get("/v1/refunds")["data"]
    for _ in range(2):
        async with database.transaction() as session:
            await follow_refund(session, {**made, "status": "failed"}, "refund.failed")
    assert await refund_duplicates(database.transaction, processor) == 0, "it came back: somebody has to look"
    report = await audit(database, None)
    assert report.differences == {}
    async with database.transaction() as session:
        kinds = await session.execute(text("select kind from ledger_transactions where order_id is null order by kind"))
        assert list(kinds.scalars()) == ["payment", "processor_fee", "return", "return_reversal"]
