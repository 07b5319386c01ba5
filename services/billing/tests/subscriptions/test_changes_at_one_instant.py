"""Orders of a subscription at one instant, where a test clock stands; and a trial that is ended at once."""

from datetime import UTC, datetime, timedelta

import pytest
from billing.subscriptions.timers import end_canceled_subscriptions
from sqlalchemy import text

START = datetime(2027, 4, 1, tzinfo=UTC)
TRIAL = timedelta(days=14)


def lines(order):
    return [(item["amount"], item["proration"]) for item in order["items"]]


def charged(sandbox):
    return sum(intent["amount_received"] for intent in sandbox.get("/v1/payment_intents", limit=100)["data"])


# ---- Two orders at one instant


async def test_a_reset_right_after_the_purchase_is_billed(bought_at, announced, patched, listed, sandbox):
    purchase, big = await bought_at(START, 1000), await announced(4000)
    answer = await patched(purchase, product_id=big.id, proration_behavior="reset")
    assert (answer.status_code, answer.json()["amount"]) == (200, 4000), answer.text
    assert answer.json()["current_period_end"] == "2027-05-01T00:00:00Z"
    assert [lines(order) for order in await listed(purchase)] == [[(1000, False)], [(4000, False)]]
    assert charged(sandbox) == 4000


@pytest.mark.parametrize("portal", [False, True])
async def test_another_interval_right_after_the_purchase_is_billed(
    bought_at, announced, patched, listed, seller, portal
):
    await seller()
    purchase, yearly = await bought_at(START, 1000), await announced(10000, recurring_interval="year")
    answer = await patched(purchase, portal=portal, product_id=yearly.id)
    assert (answer.status_code, answer.json()["current_period_end"]) == (200, "2028-04-01T00:00:00Z"), answer.text
    assert lines((await listed(purchase))[1]) == [(-1000, True), (10000, True)]


async def test_changes_right_after_a_renewal_are_billed(bought_at, announced, patched, gone_to, listed, sandbox):
    purchase, big, yearly = (
        await bought_at(START, 1000), await announced(4000), await announced(9000, recurring_interval="year"),
    )  # fmt: skip
    await gone_to(datetime(2027, 5, 1, tzinfo=UTC))
    for product in (big, yearly):
        assert (await patched(purchase, product_id=product.id, proration_behavior="reset")).status_code == 200
    totals = [order["total_amount"] for order in await listed(purchase)]
    assert totals == [1000, 1000, 4000, 9000]
    await gone_to(datetime(2028, 4, 30, tzinfo=UTC))
    assert len(await listed(purchase)) == 4
    await gone_to(datetime(2028, 5, 1, tzinfo=UTC))
    assert [order["total_amount"] for order in await listed(purchase)] == [*totals, 9000]
    assert charged(sandbox) == sum(totals[1:]) + 9000


async def test_a_reset_that_comes_twice_is_billed_once_and_a_later_one_again(
    bought_at, announced, patched, gone_to, listed, sandbox
):
    purchase, big = await bought_at(START, 1000), await announced(4000)
    await patched(purchase, product_id=big.id, proration_behavior="reset")
    again = await patched(purchase, product_id=big.id, proration_behavior="reset")
    assert (again.status_code, again.json()["error"]) == (409, "SubscriptionLocked")
    await gone_to(START + timedelta(days=10))
    body = (await patched(purchase, product_id=big.id, proration_behavior="reset")).json()
    assert (body["current_period_start"], body["current_period_end"]) == (
        "2027-04-11T00:00:00Z", "2027-05-11T00:00:00Z",
    )  # fmt: skip
    assert [order["total_amount"] for order in await listed(purchase)] == [1000, 4000, 4000]
    assert charged(sandbox) == 8000
    # another renewal comes at the end of the last period only
    await gone_to(START + timedelta(days=30))
    assert len(await listed(purchase)) == 3


async def test_a_renewal_is_still_unique_by_its_period(bought_at, gone_to, database):
    await bought_at(START, 1000)
    await gone_to(datetime(2027, 5, 1, tzinfo=UTC))
    async with database.transaction() as session:
        rows = await session.execute(text("select period_start from orders order by created_at"))
        assert rows.scalars().all() == [START, datetime(2027, 5, 1, tzinfo=UTC)]


async def test_a_reset_that_finds_the_renewal_unpaid_is_refused(bought_at, announced, patched, listed, database):
    purchase, big = await bought_at(START, 1000), await announced(4000)
    async with database.transaction() as session:
        await session.execute(text("update orders set status = 'pending', paid_at = null"))
    answer = await patched(purchase, product_id=big.id, proration_behavior="reset")
    assert (answer.status_code, answer.json()["error"]) == (409, "SubscriptionLocked")
    assert len(await listed(purchase)) == 1


# ---- A trial that is ended at once


async def ended_by_itself(patched, gone_to, purchase, announced):
    await gone_to(START + TRIAL)


async def ended_now(patched, gone_to, purchase, announced):
    answer = await patched(purchase, trial_end="now")
    assert (answer.status_code, answer.json()["status"]) == (200, "active"), answer.text


async def ended_by_a_product_without_a_trial(patched, gone_to, purchase, announced):
    plain = await announced(purchase.amount, name="Pro Plan")
    answer = await patched(purchase, product_id=plain.id)
    assert (answer.status_code, answer.json()["status"]) == (200, "active"), answer.text


@pytest.mark.parametrize("end", [ended_by_itself, ended_now, ended_by_a_product_without_a_trial])
@pytest.mark.parametrize(
    ("basis_points", "duration", "months", "net", "then"),
    [(5000, "once", None, 1500, 3000), (10000, "once", None, 0, 3000), (5000, "repeating", 2, 1500, 1500)],
)
async def test_the_first_order_after_a_trial_is_the_same_however_it_ended(
    bus, tried, announced, patched, gone_to, listed, discounted, sandbox, client, end, basis_points, duration,
    months, net, then,
):  # fmt: skip
    off = await discounted(basis_points=basis_points, duration=duration, duration_in_months=months, name="Half")
    purchase = await tried(START, 3000, discount=off)
    before = len(await bus.names())
    await end(patched, gone_to, purchase, announced)
    order = (await listed(purchase))[1]
    assert (order["subtotal_amount"], order["discount_amount"], order["net_amount"]) == (3000, 3000 - net, net)
    assert (order["discount_id"], order["discount"]["name"]) == (str(off.id), "Half")
    assert (order["billing_reason"], order["status"], lines(order)) == ("subscription_cycle", "paid", [(3000, False)])
    assert {"order.created", "order.paid", "subscription.cycled"} <= set((await bus.names())[before:])
    explained = (await client.get(f"/v1/orders/{order['id']}/explain")).json()
    assert explained["holds"] is True
    assert [line["rule"] for line in explained["lines"]] == ["renewal"]
    subscription = (await client.get(f"/v1/subscriptions/{purchase.subscription_id}")).json()
    await gone_to(datetime.fromisoformat(subscription["current_period_end"]))
    assert (await listed(purchase))[2]["net_amount"] == then
    assert charged(sandbox) == net + then


async def test_a_trial_ends_now_right_after_the_purchase(tried, patched, listed, sandbox):
    purchase = await tried(START, 3000)
    answer = await patched(purchase, trial_end="now")
    assert (answer.status_code, answer.json()["current_period_start"]) == (200, "2027-04-01T00:00:00Z"), answer.text
    assert charged(sandbox) == 3000


async def test_a_discount_for_once_is_not_taken_again_by_a_reset(
    tried, announced, patched, listed, discounted, sandbox
):
    off = await discounted(duration="once")
    purchase, big = await tried(START, 3000, discount=off), await announced(4000)
    await patched(purchase, trial_end="now")
    await patched(purchase, product_id=big.id, proration_behavior="reset")
    assert [order["net_amount"] for order in (await listed(purchase))[1:]] == [1500, 4000]


async def test_a_reset_has_its_discount_on_the_order(bought_at, announced, patched, gone_to, listed, discounted):
    off = await discounted(duration="forever")
    purchase, big = await bought_at(START, 1000, discount=off, off=500), await announced(4000)
    await gone_to(START + timedelta(days=3))
    await patched(purchase, product_id=big.id, proration_behavior="reset")
    order = (await listed(purchase))[1]
    assert (order["subtotal_amount"], order["discount_amount"], order["discount_id"]) == (4000, 2000, str(off.id))
    assert (order["billing_reason"], lines(order)) == ("subscription_update", [(4000, False)])


async def test_a_trial_that_is_canceled_ends_without_an_order(tried, patched, gone_to, listed, database):
    purchase = await tried(START, 3000)
    await patched(purchase, cancel_at_period_end=True)
    await gone_to(START + TRIAL)
    assert await end_canceled_subscriptions(database.transaction) == 0
    assert len(await listed(purchase)) == 1
