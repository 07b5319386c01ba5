"""A request that waited for somebody else decides from what that one left."""

from datetime import timedelta

from billing.customers.models import Customer
from billing.subscriptions.models import Subscription
from servicekit import clock
from sqlalchemy import text


async def test_a_customer_who_was_deleted_meanwhile_gets_no_subscription(race):
    product = await race.sell(0, name="Free")
    purchase = await race.buy(interval=None)
    wish = {"product_id": str(product.id), "customer_id": str(purchase.customer.id)}
    async with race.database.transaction() as session:
        customer = await session.get_one(Customer, purchase.customer.id, with_for_update=True)
        request = await race.wait(race.client.post("/v1/subscriptions/", json=wish))
        customer.deleted_at = clock.now()
    answer = await request
    assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["body", "customer_id"])


async def test_a_change_that_waited_for_the_renewal_is_of_the_new_period(race):
    product = await race.sell(2000)
    purchase = await race.buy()
    body = {"product_id": str(product.id), "proration_behavior": "prorate"}
    async with race.database.transaction() as session:
        await session.get_one(Customer, purchase.customer.id, with_for_update=True)
        subscription = await session.get_one(Subscription, purchase.subscription_id, with_for_update=True)
        request = await race.wait(
            race.client.patch(f"/v1/subscriptions/{purchase.subscription_id}", json=body)
        )  # fmt: skip
        begun = clock.now() + timedelta(seconds=1)
        subscription.current_period_start, subscription.current_period_end = begun, begun + timedelta(days=31)
    assert (await request).status_code == 200
    async with race.database.transaction() as session:
        # Nothing was paid for the period that has begun: nothing is credited for it.
        found = await session.execute(text("select amount, start_timestamp from billing_entries"))
        assert [tuple(row) for row in found] == [(2000, begun)]
    await race.end(purchase)
