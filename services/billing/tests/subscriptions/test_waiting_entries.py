"""What waits for an order of a subscription: each order takes it, a void one gives it back, an end leaves none."""

from datetime import UTC, datetime, timedelta

import pytest
from billing.customers.models import CustomerBalance
from billing.disputes import operations as disputes
from billing.subscriptions import updates
from billing.subscriptions.schemas import SubscriptionUpdate
from servicekit import clock
from sqlalchemy import select, text


def at(*parts):
    return datetime(*parts, tzinfo=UTC)


def lines(order):
    return [item["amount"] for item in order["items"]]


def charged(sandbox):
    return sum(intent["amount_received"] for intent in sandbox.get("/v1/payment_intents", limit=100)["data"])


async def credited(database):
    """What is credited of the first order, in minor units: lines of orders that are not void, and waiting entries."""
    async with database.transaction() as session:
        first = "select credited_amount from orders where billing_reason = 'subscription_create'"
        return (await session.execute(text(first))).scalar_one()


# ---- Changes that are billed at once


async def test_an_immediate_order_takes_what_waits(bought_at, announced, patched, gone_to, listed, sandbox, credit):
    """There and back at one instant costs nothing, and credits nothing."""
    purchase, big = await bought_at(at(2027, 10, 1), 3000), await announced(99900)
    small = await announced(3000)
    await patched(purchase, product_id=big.id, proration_behavior="prorate")
    assert (await patched(purchase, product_id=small.id, proration_behavior="invoice")).status_code == 200
    _, order = await listed(purchase)
    assert (lines(order), order["total_amount"]) == ([-3000, 99900, -99900, 3000], 0)
    assert (order["status"], await credit(), charged(sandbox)) == ("paid", 0, 0)


@pytest.mark.parametrize(
    ("old", "big", "year", "later", "total"),
    [(3000, 99900, 30000, timedelta(days=1), 27097), (1000, 30000, 12000, timedelta(), 11000)],
)
async def test_another_interval_takes_what_waits(
    bought_at, announced, patched, gone_to, listed, sandbox, credit, seller, old, big, year, later, total
):
    """By the customer alone, with the default settings."""
    await seller()
    purchase, large = await bought_at(at(2027, 10, 1), old), await announced(big)
    yearly = await announced(year, recurring_interval="year")
    await gone_to(at(2027, 10, 1) + later)
    assert (await patched(purchase, portal=True, product_id=large.id)).status_code == 200
    await gone_to(clock.now() + timedelta(seconds=10) if later else clock.now())
    assert (await patched(purchase, portal=True, product_id=yearly.id)).json()["amount"] == year
    _, order = await listed(purchase)
    assert (order["total_amount"], order["status"]) == (total, "paid")
    assert (charged(sandbox), await credit()) == (total, 0)


async def test_a_reset_takes_what_waits(bought_at, announced, patched, gone_to, listed, held_entries):
    purchase, big = await bought_at(at(2027, 4, 1), 1000), await announced(4000)
    await gone_to(at(2027, 4, 16))
    await patched(purchase, product_id=big.id, proration_behavior="prorate")
    await patched(purchase, product_id=big.id, proration_behavior="reset")
    _, order = await listed(purchase)
    assert [(item["amount"], item["proration"]) for item in order["items"]] == [
        (4000, False), (-500, True), (2000, True),
    ]  # fmt: skip
    assert await held_entries() == (0, 2, 0)


async def test_a_declined_change_gives_back_what_it_took_and_the_renewal_takes_it_once(
    client, bought_at, announced, patched, gone_to, listed, sandbox, held_entries, database
):
    purchase, big, huge = await bought_at(at(2027, 4, 1), 1000), await announced(4000), await announced(9000)
    await gone_to(at(2027, 4, 16))
    await patched(purchase, product_id=big.id, proration_behavior="prorate")
    sandbox.faults(decline="insufficient_funds")
    refused = await patched(purchase, product_id=huge.id, proration_behavior="invoice")
    assert (refused.status_code, refused.json()["error"]) == (402, "PaymentFailed")
    sandbox.faults(decline="")
    void = (await listed(purchase))[1]
    assert (void["status"], lines(void)) == ("void", [-500, 2000, -2000, 4500])
    assert (await held_entries(), await credited(database)) == ((2, 0, 0), 500)
    assert (await client.get(f"/v1/subscriptions/{purchase.subscription_id}")).json()["amount"] == 4000
    await gone_to(at(2027, 5, 1))
    renewal = (await listed(purchase))[2]
    assert (lines(renewal), renewal["status"]) == ([4000, -500, 2000], "paid")
    await gone_to(at(2027, 6, 1))
    assert lines((await listed(purchase))[3]) == [4000]
    assert await held_entries() == (0, 2, 0)


@pytest.mark.parametrize("declined", [True, False])
async def test_after_a_crash_the_timer_finishes_a_change_with_what_it_took(
    client, bought_at, announced, patched, gone_to, listed, sandbox, database, processor, monkeypatch, principal_of,
    held_entries, declined,
):  # fmt: skip
    purchase, big, huge = await bought_at(at(2027, 4, 1), 1000), await announced(4000), await announced(9000)
    await patched(purchase, product_id=big.id, proration_behavior="prorate")

    class Crash(BaseException):
        pass

    async def crash(*arguments, **options):
        raise Crash

    real = updates.changes.collect.charge
    monkeypatch.setattr(updates.changes.collect, "charge", crash)
    wish = SubscriptionUpdate(product_id=huge.id, proration_behavior="invoice")
    with pytest.raises(Crash):
        await updates.update(database.transaction, processor, principal_of(purchase), purchase.subscription_id, wish)
    monkeypatch.setattr(updates.changes.collect, "charge", real)
    assert await held_entries() == (0, 2, 0)
    if declined:
        sandbox.faults(decline="insufficient_funds")
    await gone_to(clock.now() + timedelta(minutes=2))
    sandbox.faults(decline="")
    assert await held_entries() == ((2, 0, 0) if declined else (0, 2, 0))
    amount = (await client.get(f"/v1/subscriptions/{purchase.subscription_id}")).json()["amount"]
    assert (amount, charged(sandbox)) == ((4000, 0) if declined else (9000, 8000))


# ---- An end at once


async def revoked_by_seller(client, purchase, sandbox, database):
    assert (await client.delete(f"/v1/subscriptions/{purchase.subscription_id}")).status_code == 200


async def revoked_by_update(client, purchase, sandbox, database):
    path = f"/v1/subscriptions/{purchase.subscription_id}"
    assert (await client.patch(path, json={"revoke": True})).status_code == 200


async def canceled_at_once(client, purchase, sandbox, database):
    path = f"/v1/subscriptions/{purchase.subscription_id}/cancel"
    assert (await client.post(path, json={"cancel_at_period_end": False})).status_code == 200


async def customer_deleted(client, purchase, sandbox, database):
    assert (await client.delete(f"/v1/customers/{purchase.customer.id}")).status_code == 204


async def dispute_lost(client, purchase, sandbox, database):
    paid = sandbox.pay(purchase.total_amount, "pm_card_createDispute")
    async with database.transaction() as session:
        await session.execute(text("update payments set processor_id = :paid"), {"paid": paid})
    opened = sandbox.objects("charge.dispute.created")[0]
    sandbox.control(f"disputes/{opened['id']}/decide", won=False)
    for event in ("created", "funds_withdrawn", "closed"):
        for told in sandbox.objects(f"charge.dispute.{event}"):
            async with database.transaction() as session:
                assert await disputes.hear(session, told)


@pytest.mark.parametrize(
    "end", [revoked_by_seller, revoked_by_update, canceled_at_once, customer_deleted, dispute_lost]
)
@pytest.mark.parametrize("amount", [4000, 400])
async def test_an_end_at_once_drops_what_waits(
    client, bought_at, announced, patched, gone_to, listed, held_entries, database, sandbox, end, amount
):
    """Polar's rule; it is documented, and the entries keep when they were dropped."""
    purchase, other = await bought_at(at(2027, 4, 1), 1000), await announced(amount)
    await patched(purchase, product_id=other.id, proration_behavior="prorate")
    assert await credited(database) == 1000
    await end(client, purchase, sandbox, database)
    assert await credited(database) == 0
    subscription = (await client.get("/v1/subscriptions/")).json()["items"][0]
    assert (subscription["status"], await held_entries()) == ("canceled", (0, 0, 2))
    before = charged(sandbox)
    await gone_to(at(2027, 6, 1))
    assert len(await listed(purchase)) == 1
    async with database.transaction() as session:
        assert (await session.execute(select(CustomerBalance))).all() == []
    assert charged(sandbox) == before


async def test_dunning_that_gives_up_drops_what_waits(
    client, bought_at, announced, patched, gone_to, listed, held_entries, sandbox
):
    """The void renewal had taken the entries: they do not wait on a subscription that is over."""
    purchase, big = await bought_at(at(2027, 4, 1), 1000), await announced(4000)
    await patched(purchase, product_id=big.id, proration_behavior="prorate")
    sandbox.faults(decline="lost_card")
    await gone_to(at(2027, 5, 1))
    assert await held_entries() == (0, 2, 0)
    await gone_to(at(2027, 5, 23))
    assert (await client.get(f"/v1/subscriptions/{purchase.subscription_id}")).json()["status"] == "canceled"
    assert (await listed(purchase))[1]["status"] == "void"
    assert await held_entries() == (0, 0, 2)
