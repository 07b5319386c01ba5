"""Pauses, trials, and periods that end at another time; what is said of them, in which order."""

import asyncio
from datetime import timedelta

import pytest
from billing.subscriptions.models import Subscription
from billing.subscriptions.timers import pause_subscriptions, resume_subscriptions
from servicekit import clock
from servicekit.testing import signed_headers
from sqlalchemy import select


def path(purchase):
    return f"/v1/subscriptions/{purchase.subscription_id}"


@pytest.fixture
def patched(client):
    async def patch(purchase, **body):
        given = {name: str(value) if name.endswith("_id") else value for name, value in body.items()}
        return await client.patch(path(purchase), json=given)

    return patch


@pytest.fixture
def trialing(bought, sandbox, at_noon):
    """Buys a subscription with a trial of two weeks from its first day: nothing is paid, the card is kept."""

    async def start(amount=500, *, card="pm_card_visa", **changes):
        customer, method = sandbox.card(card)
        setup = {
            "processor": "stripe", "processor_customer_id": customer, "processor_payment_method_id": method,
            "method": "card", "method_metadata": {"brand": "visa", "last4": "4242"},
        }  # fmt: skip
        ends = at_noon + timedelta(days=14)
        return await bought(amount, card=None, payment=None, setup=setup, trial_end=ends, total_amount=0, **changes)

    return start


async def names_after(bus, before):
    return (await bus.names())[before:]


async def of(database, purchase):
    async with database.transaction() as session:
        statement = select(Subscription).where(Subscription.id == purchase.subscription_id)
        return (await session.execute(statement)).scalar_one()


async def test_a_pause_begins_with_the_period_s_end_and_ends_by_hand(client, bus, bought, patched, database, collected):
    purchase = await bought(500)
    before = len(await bus.names())
    body = (await patched(purchase, pause_at_period_end=True)).json()
    assert (body["status"], body["pause_at_period_end"], body["resumes_at"]) == ("active", True, None)
    assert await pause_subscriptions(database.transaction) == 0
    clock.move(timedelta(days=30))
    done = await asyncio.gather(*(pause_subscriptions(database.transaction) for _ in range(3)))
    assert sorted(done) == [0, 0, 1]
    body = (await client.get(path(purchase))).json()
    assert (body["status"], body["pause_at_period_end"], bool(body["paused_at"])) == ("paused", False, True)
    assert await names_after(bus, before) == [
        "subscription.updated", "customer.state_changed",
        "subscription.updated", "subscription.paused", "customer.state_changed",
    ]  # fmt: skip
    answer = await patched(purchase, cancel_at_period_end=True)
    assert (answer.status_code, answer.json()["error"]) == (403, "InactiveSubscription")
    before = len(await bus.names())
    clock.move(timedelta(days=3))
    body = (await patched(purchase, resume=True)).json()
    assert (body["status"], body["paused_at"]) == ("active", None)
    assert body["current_period_start"].startswith("2026-05-05T12:00")
    assert body["current_period_end"].startswith("2026-06-05T12:00")
    assert await names_after(bus, before) == [
        "subscription.updated", "subscription.resumed", "order.created", "customer.state_changed",
    ]  # fmt: skip
    assert await collected() == 1
    (order,) = [one for one in (await client.get("/v1/orders/")).json()["items"] if one["total_amount"] == 500][:1]
    assert (order["billing_reason"], order["status"]) == ("subscription_cycle", "paid")
    answer = await patched(purchase, resume=True)
    assert (answer.status_code, answer.json()["error"]) == (403, "InactiveSubscription")


async def test_a_pause_ends_by_itself_once(client, bus, bought, patched, database):
    purchase = await bought(500)
    body = (await patched(purchase, pause_at_period_end=True, resumes_at="2026-06-10T08:00:00Z")).json()
    assert body["resumes_at"] == "2026-06-10T08:00:00Z"
    clock.move(timedelta(days=30))
    assert await pause_subscriptions(database.transaction) == 1
    assert await resume_subscriptions(database.transaction) == 0
    clock.move(timedelta(days=60))
    done = await asyncio.gather(*(resume_subscriptions(database.transaction) for _ in range(3)))
    assert sorted(done) == [0, 0, 1]
    body = (await client.get(path(purchase))).json()
    assert (body["status"], body["resumes_at"]) == ("active", None)
    assert (await bus.names()).count("subscription.resumed") == 1


async def test_a_pause_is_taken_back_by_hand_by_a_cancellation_and_by_the_end(bought, patched, database):
    purchase = await bought(500)
    assert (await patched(purchase, pause_at_period_end=True)).status_code == 200
    assert (await patched(purchase, pause_at_period_end=False)).json()["pause_at_period_end"] is False
    await patched(purchase, pause_at_period_end=True, resumes_at="2026-06-10T08:00:00Z")
    body = (await patched(purchase, cancel_at_period_end=True)).json()
    assert (body["pause_at_period_end"], body["resumes_at"]) == (False, None)
    assert (await patched(purchase, cancel_at_period_end=False)).json()["pause_at_period_end"] is False
    await patched(purchase, pause_at_period_end=True)
    assert (await patched(purchase, revoke=True)).json()["pause_at_period_end"] is False
    clock.move(timedelta(days=40))
    assert await pause_subscriptions(database.transaction) == 0


async def test_a_pause_begins_with_the_end_of_a_trial_that_was_given_meanwhile(bought, patched, database):
    purchase = await bought(500)
    await patched(purchase, pause_at_period_end=True)
    ends = clock.now() + timedelta(days=45)
    body = (await patched(purchase, trial_end=clock.rfc3339(ends))).json()
    assert (body["status"], body["pause_at_period_end"]) == ("trialing", True)
    clock.move(timedelta(days=46))
    assert await pause_subscriptions(database.transaction) == 1
    assert (await of(database, purchase)).status == "paused"


async def test_a_planned_pause_begins_before_it_is_over(bought, announced, patched):
    """Whatever would move the period's end beyond `resumes_at` is refused: the pause would end before it began."""
    purchase, year = await bought(500), await announced(5000, recurring_interval="year")
    answer = await patched(purchase, pause_at_period_end=True, resumes_at="2026-04-30T12:00:00Z")
    assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["body", "resumes_at"])
    answer = await patched(purchase, pause_at_period_end=False, resumes_at="2026-06-10T08:00:00Z")
    assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["body", "resumes_at"])
    was = (await patched(purchase, pause_at_period_end=True, resumes_at="2026-05-02T08:00:00Z")).json()
    for field, body in (
        ("trial_end", {"trial_end": "2026-05-02T08:00:00Z"}),
        ("current_billing_period_end", {"current_billing_period_end": "2026-05-20T00:00:00Z"}),
        ("product_id", {"product_id": str(year.id), "proration_behavior": "invoice"}),
        ("product_id", {"product_id": str(year.id), "proration_behavior": "reset"}),
    ):
        answer = await patched(purchase, **body)
        assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["body", field]), body
        assert "resumes_at (2026-05-02T08:00:00Z)" in answer.json()["detail"][0]["msg"]
    now = (await patched(purchase, metadata={})).json()
    assert {**now, "modified_at": None} == {**was, "modified_at": None, "metadata": {}}
    assert (await patched(purchase, trial_end="2026-05-02T07:00:00Z")).status_code == 200
    bob = await bought(500, email="bob@example.com")
    clock.move(timedelta(days=32))  # the period is over, and the next one has not begun yet
    answer = await patched(bob, pause_at_period_end=True, resumes_at=clock.rfc3339(clock.now() - timedelta(hours=1)))
    assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["body", "resumes_at"])


async def test_a_paused_subscription_can_be_ended(bought, patched, database):
    purchase = await bought(500)
    await patched(purchase, pause_at_period_end=True)
    clock.move(timedelta(days=30))
    await pause_subscriptions(database.transaction)
    body = (await patched(purchase, revoke=True)).json()
    assert body["status"] == "canceled"
    clock.move(timedelta(days=60))
    assert await resume_subscriptions(database.transaction) == 0


async def test_a_trial_ends_now_and_is_charged_at_once(client, bus, trialing, patched):
    purchase = await trialing(500)
    before = len(await bus.names())
    body = (await patched(purchase, trial_end="now")).json()
    assert (body["status"], body["current_period_start"]) == ("active", body["trial_end"])
    assert body["current_period_end"].startswith("2026-05-02T12:00")
    orders = (await client.get("/v1/orders/")).json()["items"]
    assert (orders[0]["billing_reason"], orders[0]["status"], orders[0]["total_amount"]) == (
        "subscription_cycle", "paid", 500,
    )  # fmt: skip
    names = await names_after(bus, before)
    assert names[:3] == ["order.created", "order.updated", "order.paid"]
    assert "subscription.updated" in names
    answer = await patched(purchase, trial_end="now")
    assert (answer.status_code, answer.json()["error"]) == (403, "InactiveSubscription")


async def test_a_trial_goes_on_when_the_charge_that_ends_it_is_declined(client, trialing, patched):
    purchase = await trialing(500, card="pm_card_chargeCustomerFail")
    answer = await patched(purchase, trial_end="now")
    assert (answer.status_code, answer.json()["error"]) == (402, "PaymentFailed")
    body = (await client.get(path(purchase))).json()
    assert (body["status"], body["past_due_at"]) == ("trialing", None)


@pytest.mark.parametrize("way", ["now", "product"])
async def test_a_declined_end_of_a_trial_changes_nothing_beside_it(
    client, trialing, announced, discounted, patched, way
):
    """A discount and metadata that come with it are given when the first period is paid, and reduce it."""
    purchase = await trialing(500, card="pm_card_chargeCustomerFail")
    off, plain = await discounted(), await announced(2000)
    body = {"trial_end": "now"} if way == "now" else {"product_id": plain.id}
    body |= {"discount_id": off.id, "metadata": {"upgraded": "yes"}}
    was = (await client.get(path(purchase))).json()
    assert (await patched(purchase, **body)).status_code == 402
    now = (await client.get(path(purchase))).json()
    assert {**now, "modified_at": None} == {**was, "modified_at": None}
    paying = await trialing(500, email="bob@example.com")
    answer = await patched(paying, **body)
    assert answer.status_code == 200, answer.text
    assert (answer.json()["discount_id"], answer.json()["metadata"]) == (str(off.id), {"upgraded": "yes"})
    orders = (await client.get("/v1/orders/", params={"subscription_id": str(paying.subscription_id)})).json()["items"]
    (order,) = [one for one in orders if one["billing_reason"] == "subscription_cycle"]
    price = 500 if way == "now" else 2000
    amounts = order["subtotal_amount"], order["discount_amount"], order["total_amount"]
    assert amounts == (price, price // 2, price // 2)


async def test_trials_get_another_end_and_active_subscriptions_one_after_what_is_paid(bought, trialing, patched):
    purchase = await trialing(500)
    body = (await patched(purchase, trial_end="2026-06-20T00:00:00Z")).json()
    assert (body["trial_end"], body["current_period_end"]) == ("2026-06-20T00:00:00Z",) * 2
    active = await bought(500, email="bob@example.com")
    body = (await patched(active, trial_end="2026-06-20T00:00:00Z")).json()
    assert (body["status"], body["trial_end"]) == ("trialing", "2026-06-20T00:00:00Z")


@pytest.mark.parametrize("behavior", ["invoice", "prorate", "reset"])
async def test_a_change_in_a_trial_bills_nothing_and_has_the_new_product_s_trial(
    client, trialing, announced, patched, behavior
):
    purchase = await trialing(500)
    longer = await announced(2000, trial_interval="month", trial_interval_count=1)
    body = (await patched(purchase, product_id=longer.id, proration_behavior=behavior)).json()
    assert (body["status"], body["amount"]) == ("trialing", 2000)
    assert body["trial_end"].startswith("2026-05-01T12:00")
    assert body["current_period_end"] == body["trial_end"]
    assert len((await client.get("/v1/orders/")).json()["items"]) == 1


async def test_a_product_without_a_trial_ends_it_and_is_billed(client, trialing, announced, patched):
    purchase, plain = await trialing(500), await announced(2000)
    body = (await patched(purchase, product_id=plain.id)).json()
    assert (body["status"], body["amount"]) == ("active", 2000)
    assert body["current_period_end"].startswith("2026-05-02T12:00")
    assert (await client.get("/v1/orders/")).json()["items"][0]["total_amount"] == 2000


async def test_a_trial_that_ends_now_begins_with_what_was_scheduled(client, trialing, announced, patched):
    purchase, yearly = await trialing(500), await announced(2000, recurring_interval="year")
    await patched(purchase, product_id=yearly.id, proration_behavior="next_period")
    body = (await patched(purchase, trial_end="now")).json()
    assert (body["status"], body["amount"], body["pending_update"]) == ("active", 2000, None)
    assert body["current_period_end"].startswith("2027-04-02T12:00")
    assert (await client.get("/v1/orders/")).json()["items"][0]["total_amount"] == 2000


async def test_a_period_ends_at_another_time_and_its_day_is_the_anchor(client, bought, announced, patched, database):
    purchase, big = await bought(500), await announced(2000)
    await patched(purchase, product_id=big.id, proration_behavior="next_period")
    body = (await patched(purchase, current_billing_period_end="2026-05-31T00:00:00Z")).json()
    assert body["current_period_end"] == "2026-05-31T00:00:00Z"
    assert body["pending_update"]["applies_at"] == "2026-05-31T00:00:00Z"
    assert (await of(database, purchase)).anchor_day == 31
    await patched(purchase, cancel_at_period_end=True)
    body = (await patched(purchase, current_billing_period_end="2026-05-20T00:00:00Z")).json()
    assert (body["ends_at"], body["current_period_end"]) == ("2026-05-20T00:00:00Z",) * 2


SETTINGS = {
    "product_id": ("update_plan", "UpdateSubscriptionPlanNotAllowed"),
    "seats": ("update_seats", "UpdateSubscriptionSeatsNotAllowed"),
    "units": ("update_units", "UpdateSubscriptionUnitsNotAllowed"),
    "resume": ("pause", "PauseResumeNotAllowed"),
    "pause_at_period_end": ("pause", "PauseResumeNotAllowed"),
}


@pytest.mark.parametrize("verb", SETTINGS)
async def test_customers_change_what_the_seller_lets_them(client, bought, announced, seller, verb):
    purchase, big, hidden = await bought(500), await announced(2000), await announced(9, visibility="private")
    setting, error = SETTINGS[verb]
    own = signed_headers(purchase.organization_id, "customer_portal:write", customer_id=purchase.customer.id)
    portal = f"/v1/customer-portal/subscriptions/{purchase.subscription_id}"
    value = {"product_id": str(big.id), "seats": 2, "units": 2}.get(verb, True)
    await seller(customer_portal_settings={"subscription": {setting: False}})
    answer = await client.patch(portal, headers=own, json={verb: value})
    assert (answer.status_code, answer.json()["error"]) == (403, error)
    if verb == "product_id":
        answer = await client.patch(portal, headers=own, json={verb: str(hidden.id)})
        assert answer.status_code in (403, 422)
    assert (await client.patch(portal, headers=own, json={"cancel_at_period_end": True})).status_code == 200


async def test_a_customer_upgrades_pauses_and_drops_what_waits(client, bought, announced, seller):
    purchase, big = await bought(500), await announced(2000)
    await seller(proration_behavior="invoice", customer_portal_settings={"subscription": {"pause": True}})
    own = signed_headers(purchase.organization_id, "customer_portal:write", customer_id=purchase.customer.id)
    portal = f"/v1/customer-portal/subscriptions/{purchase.subscription_id}"
    answer = await client.patch(portal, headers=own, json={"product_id": str(big.id)})
    assert (answer.status_code, answer.json()["amount"]) == (200, 2000)
    assert "metadata" not in answer.json()
    answer = await client.patch(portal, headers=own, json={"pause_at_period_end": True})
    assert answer.json()["pause_at_period_end"] is True
    answer = await client.patch(portal, headers=own, json={"pending_update": None})
    assert (answer.status_code, answer.json()["pending_update"]) == (200, None)
    for bad in ({"metadata": {}}, {"trial_end": "now"}, {"revoke": True}, {"proration_behavior": "prorate"}):
        assert (await client.patch(portal, headers=own, json=bad)).status_code == 422
    stranger = signed_headers(purchase.organization_id, "customer_portal:write", customer_id=purchase.order_id)
    assert (await client.patch(portal, headers=stranger, json={"product_id": str(big.id)})).status_code == 404
