"""Changing and ending one subscription at once: one effect, decided from what the one before left."""

from datetime import timedelta

import pytest
from billing.subscriptions.timers import pause_subscriptions
from servicekit import clock
from sqlalchemy import text

from services.billing.tests.races.conftest import RACERS, ROUNDS, one_of

LOCKED = (409, "SubscriptionLocked")
CANCELED = (403, "AlreadyCanceledSubscription")
INACTIVE = (403, "InactiveSubscription")
SEATS = {
    "amount_type": "seat_based",
    "price_amount": None,
    "seat_tiers": {
        "seat_tier_type": "volume",
        "tiers": [{"min_seats": 1, "max_seats": 99, "price_per_seat": 1000}],
        "minimum_seats": 1,
        "maximum_seats": 99,
    },
}


async def waiting(race, purchase):
    """The amounts of the subscription's entries that no order has taken, in the order in which they were made."""
    async with race.database.transaction() as session:
        rows = await session.execute(
            text("select amount from billing_entries where subscription_id = :id and order_id is null order by "
                 "created_at, id"),
            {"id": purchase.subscription_id},
        )  # fmt: skip
        return list(rows.scalars())


@pytest.mark.parametrize(("behavior", "total"), [("invoice", 2000 - 1000), ("reset", 2000)])
async def test_an_upgrade_that_is_charged_now_is_charged_once(race, behavior, total):
    """Who comes while it is paid is refused; who comes after finds the product there, and nothing to do."""
    product = await race.sell(2000)
    for _ in range(ROUNDS):
        purchase = await race.buy()
        body = {"product_id": str(product.id), "proration_behavior": behavior}
        answers = await race.patch(purchase, body)
        assert set(answers) <= {(200, None), LOCKED}, answers
        assert answers[200, None] >= 1
        changed = (await race.orders(purchase))[1:]
        assert [one["status"] for one in changed] == ["paid"]
        assert abs(changed[0]["total_amount"] - total) <= 1
        assert (await race.subscription(purchase))["amount"] == 2000
        await race.end(purchase)


async def test_an_upgrade_that_waits_for_the_renewal_is_entered_once(race):
    product = await race.sell(2000)
    for _ in range(ROUNDS):
        purchase = await race.buy()
        answers = await race.patch(purchase, {"product_id": str(product.id), "proration_behavior": "prorate"})
        assert answers == {(200, None): RACERS}, "whoever comes second finds the product there"
        entries = await waiting(race, purchase)
        assert len(entries) == 2
        assert abs(sum(entries) - 1000) <= 1
        await race.end(purchase)


async def test_seats_are_counted_from_what_the_change_before_left(race):
    template = race.purchased(amount=1000).data
    terms = {**template.price.model_dump(), **SEATS}
    product = {**template.product.model_dump(), "prices": [terms]}
    for _ in range(ROUNDS):
        purchase = await race.buy(1000, price=terms, product=product, seats=1)
        answers = await race.patch(
            purchase, *({"seats": 2 + number, "proration_behavior": "prorate"} for number in range(RACERS))
        )
        assert answers == {(200, None): RACERS}
        now = await race.subscription(purchase)
        assert now["amount"] == 1000 * now["seats"]
        # A moment of the month has passed: each change may round by one.
        assert abs(sum(await waiting(race, purchase)) - (now["amount"] - 1000)) <= RACERS
        answers = await race.patch(
            purchase, *({"seats": 30 + number, "proration_behavior": "invoice"} for number in range(RACERS))
        )
        assert set(answers) <= {(200, None), LOCKED}, answers
        later = await race.subscription(purchase)
        changed = [one for one in await race.orders(purchase) if one["billing_reason"] == "subscription_update"]
        assert len(changed) == answers[200, None]
        assert {one["status"] for one in changed} == {"paid"}
        left = sum(await waiting(race, purchase))
        entered = sum(item["amount"] for one in changed for item in one["items"])
        assert abs(entered + left - (later["amount"] - 1000)) <= 2 * RACERS
        await race.end(purchase)


@pytest.mark.parametrize(
    ("body", "refused"),
    [({"cancel_at_period_end": True}, CANCELED), ({"revoke": True}, CANCELED)],
    ids=["cancel", "revoke"],
)
async def test_it_ends_once(race, body, refused):
    for _ in range(ROUNDS):
        purchase = await race.buy()
        before = len(await race.bus.names())
        one_of(await race.patch(purchase, body), refused)
        said = (await race.bus.names())[before:]
        assert said.count("subscription.canceled") == 1
        await race.end(purchase)


async def test_a_cancellation_is_taken_back_once(race):
    for _ in range(ROUNDS):
        purchase = await race.buy()
        await race.client.patch(f"/v1/subscriptions/{purchase.subscription_id}", json={"cancel_at_period_end": True})
        before = len(await race.bus.names())
        one_of(await race.patch(purchase, {"cancel_at_period_end": False}), (409, "SubscriptionNotScheduledToCancel"))
        assert (await race.bus.names())[before:].count("subscription.uncanceled") == 1
        await race.end(purchase)


async def test_a_pause_ends_once(race):
    for _ in range(ROUNDS):
        purchase = await race.buy()
        await race.client.patch(f"/v1/subscriptions/{purchase.subscription_id}", json={"pause_at_period_end": True})
        clock.move(timedelta(days=32))
        assert await pause_subscriptions(race.database.transaction) == 1
        one_of(await race.patch(purchase, {"resume": True}), INACTIVE)
        assert len(await race.orders(purchase)) == 2
        await race.collect()
        assert {one["status"] for one in await race.orders(purchase)} == {"paid"}
        await race.end(purchase)


async def test_a_trial_ends_once(race):
    for _ in range(ROUNDS):
        purchase = await race.buy_trial(timedelta(days=14))
        clock.move(timedelta(days=1))
        one_of(await race.patch(purchase, {"trial_end": "now"}), LOCKED, INACTIVE)
        (begun,) = (await race.orders(purchase))[1:]
        assert (begun["status"], begun["total_amount"]) == ("paid", 1000)
        await race.end(purchase)


async def test_different_wishes_at_once_leave_one_of_their_ends(race):
    """An upgrade, a cancellation, an end and a change of the period: each is decided from what stood before it."""
    product = await race.sell(2000)
    for _ in range(ROUNDS):
        purchase = await race.buy()
        bodies = (
            {"product_id": str(product.id), "proration_behavior": "invoice"},
            {"cancel_at_period_end": True},
            {"revoke": True},
            {"trial_end": "now"},
            {"pause_at_period_end": True},
            {"product_id": str(product.id), "proration_behavior": "prorate"},
        )
        answers = await race.patch(purchase, *bodies)
        assert {key for key in answers if key[0] >= 400} <= {LOCKED, CANCELED, INACTIVE}, answers
        ended = await race.subscription(purchase)
        assert ended["status"] == "canceled" or answers[LOCKED], "the end was refused while a change was paid"
        assert {one["status"] for one in await race.orders(purchase)} <= {"paid", "void"}
        await race.end(purchase)
