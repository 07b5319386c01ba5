"""Changes of product: what they cost, when, and that a declined charge changes nothing."""

import asyncio
from datetime import timedelta
from fractions import Fraction

import pytest
from billing.payments.timers import collect_due
from billing.subscriptions import updates
from billing.subscriptions.schemas import SubscriptionUpdate
from contracts.catalog import ProductUpdatedV1
from servicekit import clock, ids
from servicekit.testing import signed_headers
from sqlalchemy import text

from services.billing.tests.subscriptions.support import SEATS, UNITS, changed, orders_of, path


def charged(sandbox):
    """What the local Stripe took, in minor units."""
    listed = sandbox.get("/v1/payment_intents", limit=100)["data"]
    return sum(intent["amount_received"] for intent in listed)


async def said(bus, after):
    return (await bus.names())[after:]


async def test_an_upgrade_is_charged_at_once_as_published(client, bus, bought, announced, sandbox):
    """Polar's example: $5 to $20 after one day of thirty is 4.83 back, 19.33 more, 14.50 due."""
    purchase, big = await bought(500), await announced(2000)
    before = len(await bus.names())
    answer = await changed(client, purchase, product_id=big.id, proration_behavior="invoice")
    body = answer.json()
    assert (answer.status_code, body["product_id"], body["amount"]) == (200, str(big.id), 2000), body
    assert body["price_id"] == str(big.prices[0].id)
    (order,) = await orders_of(client)
    assert (order["status"], order["total_amount"], order["due_amount"]) == ("paid", 1450, 0)
    assert [(item["amount"], item["proration"]) for item in order["items"]] == [(-483, True), (1933, True)]
    assert order["items"][0]["start_timestamp"].startswith("2026-04-02T12:0")
    assert charged(sandbox) == 1450
    names = await said(bus, before)
    assert names == ["order.created", "order.updated", "order.paid", "subscription.updated", "customer.state_changed"]
    assert body["current_period_end"] == (await client.get(path(purchase))).json()["current_period_end"]


async def test_every_line_keeps_how_its_amount_came_about(client, bought, announced, database):
    purchase, big = await bought(500), await announced(2000)
    assert (await changed(client, purchase, product_id=big.id, proration_behavior="invoice")).status_code == 200
    async with database.transaction() as session:
        statement = "select amount, computation from order_items where proration order by position"
        kept = [tuple(row) for row in await session.execute(text(statement))]
    assert [computation["rule"] for _, computation in kept] == ["credit_for_time_left", "debit_for_time_left"]
    for amount, computation in kept:
        share, exact = Fraction(computation["fraction"]), Fraction(computation["exact"])
        assert abs(share - Fraction(29, 30)) < Fraction(1, 10**5)
        assert abs(exact - amount) <= Fraction(1, 2)
        inputs = computation["inputs"]
        assert share == Fraction(inputs["seconds_left"]) / Fraction(inputs["seconds_total"])


async def test_a_declined_upgrade_changes_nothing(client, bus, bought, announced, database):
    purchase, big = await bought(500, card="pm_card_chargeCustomerFail"), await announced(2000)
    was = (await client.get(path(purchase))).json()
    answer = await changed(client, purchase, product_id=big.id, proration_behavior="invoice", metadata={"plan": "big"})
    assert (answer.status_code, answer.json()["error"]) == (402, "PaymentFailed")
    assert answer.json()["decline_code"]
    is_now = (await client.get(path(purchase))).json()
    assert {**is_now, "modified_at": None} == {**was, "modified_at": None}
    (order,) = await orders_of(client)
    assert (order["status"], order["due_amount"]) == ("void", 0)
    names = await bus.names()
    assert names[-2:] == ["order.created", "order.updated"]
    assert (await changed(client, purchase, seats=2)).status_code == 422
    # the same wish may be repeated once there is another card
    again = await changed(client, purchase, product_id=big.id, proration_behavior="prorate")
    assert again.status_code == 200


async def test_without_a_card_nothing_is_written(client, bus, bought, announced, seller):
    purchase, big = await bought(0, card=None), await announced(2000)
    await seller(proration_behavior="invoice")
    before = len(await bus.names())
    answer = await changed(client, purchase, product_id=big.id)
    assert (answer.status_code, answer.json()["error"]) == (409, "PaymentMethodRequired")
    own = signed_headers(purchase.organization_id, "customer_portal:write", customer_id=purchase.customer.id)
    portal = f"/v1/customer-portal/subscriptions/{purchase.subscription_id}"
    answer = await client.patch(portal, headers=own, json={"product_id": str(big.id)})
    assert (answer.status_code, answer.json()["error"]) == (409, "PaymentMethodRequired")
    assert await said(bus, before) == []
    assert await orders_of(client) == []


async def test_a_bank_that_wants_the_customer_is_told_by_name(client, bought, announced):
    purchase, big = await bought(500, card="pm_card_authenticationRequired"), await announced(2000)
    answer = await changed(client, purchase, product_id=big.id, proration_behavior="invoice")
    assert (answer.status_code, answer.json()["error"]) == (402, "PaymentActionRequired")
    assert (await client.get(path(purchase))).json()["amount"] == 500


async def test_a_downgrade_is_credit_for_the_next_orders(client, bought, announced, sandbox, database):
    purchase, small = await bought(2000), await announced(500)
    answer = await changed(client, purchase, product_id=small.id, proration_behavior="invoice")
    assert answer.status_code == 200
    (order,) = await orders_of(client)
    assert (order["status"], order["total_amount"], order["applied_balance_amount"]) == ("paid", -1450, 1450)
    assert charged(sandbox) == 0
    # the credit pays for the way back
    large = await announced(2000)
    assert (await changed(client, purchase, product_id=large.id, proration_behavior="invoice")).status_code == 200
    back = (await orders_of(client))[1]
    assert (back["total_amount"], back["applied_balance_amount"], back["status"]) == (1450, -1450, "paid")
    assert charged(sandbox) == 0
    async with database.transaction() as session:
        assert (await session.execute(text("select amount from customer_balances"))).scalar_one() == 0


async def test_a_declined_change_gives_the_balance_back(client, bought, announced, database):
    purchase = await bought(2000, card="pm_card_chargeCustomerFail")
    small, large = await announced(500), await announced(9000)
    assert (await changed(client, purchase, product_id=small.id, proration_behavior="invoice")).status_code == 200
    answer = await changed(client, purchase, product_id=large.id, proration_behavior="invoice")
    assert answer.status_code == 402
    async with database.transaction() as session:
        assert (await session.execute(text("select amount from customer_balances"))).scalar_one() == 1450
        moved = (await session.execute(text("select sum(amount) from customer_balance_entries"))).scalar_one()
        applied = (await session.execute(text("select sum(applied_balance_amount) from orders"))).scalar_one()
    assert (moved, applied) == (1450, 1450)


async def test_prorate_waits_for_the_next_order(client, bus, bought, announced, database, sandbox):
    purchase, big = await bought(500), await announced(2000)
    before = len(await bus.names())
    answer = await changed(client, purchase, product_id=big.id)
    assert (answer.status_code, answer.json()["amount"]) == (200, 2000)
    assert await said(bus, before) == ["subscription.updated", "customer.state_changed"]
    assert await orders_of(client) == []
    async with database.transaction() as session:
        rows = await session.execute(text("select amount, proration, order_id from billing_entries order by amount"))
        assert [tuple(row) for row in rows] == [(-483, True, None), (1933, True, None)]
    assert charged(sandbox) == 0


async def test_another_interval_begins_a_new_period_and_is_charged_at_once(client, bought, announced):
    purchase, yearly = await bought(500), await announced(6000, recurring_interval="year")
    answer = await changed(client, purchase, product_id=yearly.id, proration_behavior="prorate")
    body = answer.json()
    assert (answer.status_code, body["recurring_interval"]) == (200, "year"), body
    assert body["current_period_start"].startswith("2026-04-02T12:0")
    assert body["current_period_end"].startswith("2027-04-02T12:0")
    (order,) = await orders_of(client)
    assert [item["amount"] for item in order["items"]] == [-483, 6000]
    clock.move(timedelta(days=73))
    monthly = await announced(1000)
    body = (await changed(client, purchase, product_id=monthly.id, proration_behavior="invoice")).json()
    assert body["current_period_end"].startswith("2026-07-14T12:0")
    order = (await orders_of(client))[1]
    assert [item["amount"] for item in order["items"]] == [-4800, 1000]
    assert (order["applied_balance_amount"], order["status"]) == (3800, "paid")


async def test_reset_charges_the_whole_price_and_begins_anew(client, bought, announced):
    purchase, big = await bought(500, days=10), await announced(2000)
    body = (await changed(client, purchase, product_id=big.id, proration_behavior="reset")).json()
    assert body["current_period_start"].startswith("2026-04-11T12:0")
    assert body["current_period_end"].startswith("2026-05-11T12:0")
    (order,) = await orders_of(client)
    assert [item["amount"] for item in order["items"]] == [2000]


async def test_the_next_period_s_change_waits_is_superseded_and_cleared(client, bus, bought, announced, database):
    purchase, big, small = await bought(500), await announced(2000), await announced(300)
    before = len(await bus.names())
    body = (await changed(client, purchase, product_id=big.id, proration_behavior="next_period")).json()
    pending = body["pending_update"]
    assert (body["amount"], pending["product_id"]) == (500, str(big.id))
    assert pending["applies_at"] == body["current_period_end"]
    assert (pending["seats"], pending["units"]) == (None, None)
    body = (await changed(client, purchase, product_id=small.id, proration_behavior="next_period")).json()
    assert body["pending_update"]["product_id"] == str(small.id)
    assert body["pending_update"]["id"] != pending["id"]
    body = (await client.patch(path(purchase), json={"pending_update": None})).json()
    assert body["pending_update"] is None
    assert await said(bus, before) == ["subscription.updated", "customer.state_changed"] * 3
    assert (await changed(client, purchase, product_id=big.id, proration_behavior="next_period")).status_code == 200
    body = (await changed(client, purchase, product_id=small.id, proration_behavior="prorate")).json()
    assert (body["pending_update"], body["amount"]) == (None, 300)
    async with database.transaction() as session:
        states = await session.execute(text("select status from subscription_changes order by id"))
        assert states.scalars().all() == ["superseded"] * 3


async def test_the_price_is_the_subscription_s_own(client, bought, announced):
    """The old product is dearer in the catalog by now; the credit is of what this subscription pays."""
    purchase = await bought(500)
    await announced(99_000, known=purchase.product.id)
    big = await announced(2000)
    assert (await changed(client, purchase, product_id=big.id, proration_behavior="invoice")).status_code == 200
    (order,) = await orders_of(client)
    assert order["items"][0]["amount"] == -483


@pytest.mark.parametrize(
    "terms",
    [
        {"is_archived": True}, {"visibility": "draft"}, {"recurring_interval": None, "is_recurring": False},
        {"price": {"amount_type": "fixed", "price_amount": 5, "price_currency": "eur"}},
        {"price": {"amount_type": "custom", "price_amount": None, "minimum_amount": 50}},
        {"price": SEATS}, {"price": UNITS}, {"organization_id": ids.uuid7()},
    ],
)  # fmt: skip
async def test_products_that_a_subscription_cannot_be_changed_to(client, bus, bought, announced, terms):
    purchase, product = await bought(500), await announced(2000, **terms)
    before = len(await bus.names())
    answer = await changed(client, purchase, product_id=product.id)
    assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["body", "product_id"])
    assert await said(bus, before) == []


async def test_the_same_product_changes_nothing_and_drops_what_waits(client, bought, announced):
    purchase = await bought(500)
    same = await announced(500, known=purchase.product.id, prices=[purchase.price.model_dump()])
    big = await announced(2000)
    assert (await changed(client, purchase, product_id=big.id, proration_behavior="next_period")).json()[
        "pending_update"
    ]
    body = (await changed(client, purchase, product_id=same.id, proration_behavior="invoice")).json()
    assert (body["pending_update"], body["amount"]) == (None, 500)
    assert await orders_of(client) == []


async def test_what_has_ended_or_will_is_not_changed(client, bought, announced):
    purchase, big = await bought(500), await announced(2000)
    assert (await changed(client, purchase, cancel_at_period_end=True)).status_code == 200
    for body in ({"product_id": big.id}, {"trial_end": "now"}, {"pause_at_period_end": True}):
        answer = await changed(client, purchase, **body)
        assert (answer.status_code, answer.json()["error"]) == (403, "AlreadyCanceledSubscription"), body
    assert (await changed(client, purchase, cancel_at_period_end=False)).status_code == 200
    answer = await changed(client, purchase, cancel_at_period_end=False)
    assert (answer.status_code, answer.json()["error"]) == (409, "SubscriptionNotScheduledToCancel")
    assert (await client.delete(path(purchase))).status_code == 200
    for body in ({"product_id": big.id}, {"current_billing_period_end": "2026-08-01T00:00:00Z"}, {"resume": True}):
        answer = await changed(client, purchase, **body)
        assert (answer.status_code, answer.json()["error"]) == (403, "AlreadyCanceledSubscription"), body


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"product_id": "no-uuid"}, "product_id"),
        ({"proration_behavior": "later"}, "proration_behavior"),
        ({"proration_behavior": "invoice"}, "proration_behavior"),
        ({"resumes_at": "2027-01-01T00:00:00Z"}, "resumes_at"),
        ({"seats": 1, "units": 1}, "units"),
        ({"revoke": True, "pause_at_period_end": True}, "pause_at_period_end"),
        ({"pending_update": {}}, "pending_update"),
        ({"trial_end": "soon"}, "trial_end"),
        ({"trial_end": 1_800_000_000}, "trial_end"),
        ({"current_billing_period_end": "2026-01-01T00:00:00Z"}, "current_billing_period_end"),
        ({"trial_end": "2026-04-05T00:00:00Z"}, "trial_end"),
        ({"pause_at_period_end": True, "resumes_at": "2026-04-20T00:00:00Z"}, "resumes_at"),
        ({"trial_end": "9999-12-31T23:59:59-14:00"}, "trial_end"),
        ({"price": 1}, "price"),
        ({"product_id": str(ids.uuid7())}, "product_id"),
    ],
)
async def test_bad_input_names_the_field(client, bus, bought, body, field):
    purchase = await bought(500)
    before = len(await bus.names())
    answer = await client.patch(path(purchase), json=body)
    assert answer.status_code == 422, answer.text
    assert field in answer.json()["detail"][0]["loc"]
    assert await said(bus, before) == []


async def test_another_organization_finds_nothing(stranger, bought, announced):
    purchase, big = await bought(500), await announced(2000)
    for body in (
        {"product_id": str(big.id)},
        {"seats": 2},
        {"trial_end": "now"},
        {"resume": True},
        {"pending_update": None},
    ):
        assert (await stranger.patch(path(purchase), json=body)).status_code == 404


async def test_two_at_once_are_charged_once(client, bought, announced, sandbox):
    purchase, big, other = await bought(500), await announced(2000), await announced(4000)
    sandbox.faults(latency_ms=150)
    answers = await asyncio.gather(
        *(changed(client, purchase, product_id=one.id, proration_behavior="invoice") for one in (big, other, big))
    )
    sandbox.faults(latency_ms=0)
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [200, 409, 409], [answer.text for answer in answers]
    assert {answer.json()["error"] for answer in answers if answer.status_code == 409} == {"SubscriptionLocked"}
    paid = [order for order in await orders_of(client) if order["status"] == "paid"]
    assert len(paid) == 1
    assert charged(sandbox) == paid[0]["total_amount"]


async def test_nothing_else_changes_while_a_change_is_paid(client, bought, announced, sandbox, database, processor):
    """The answer is cut off: the change stays open, all else is refused, and the timer finishes it with one charge."""
    purchase, big = await bought(500), await announced(2000)
    sandbox.faults(errors=10)
    answer = await changed(client, purchase, product_id=big.id, proration_behavior="invoice")
    assert (answer.status_code, answer.json()["error"]) == (503, "PaymentUnavailable")
    sandbox.faults(errors=0)
    for body in ({"product_id": big.id}, {"cancel_at_period_end": True}, {"revoke": True}, {"metadata": {"a": 1}}):
        refused = await changed(client, purchase, **body)
        assert (refused.status_code, refused.json()["error"]) == (409, "SubscriptionLocked"), body
    assert (await client.delete(path(purchase))).status_code == 409
    clock.move(timedelta(minutes=2))
    assert await collect_due(database.transaction, processor) == 1
    assert (await client.get(path(purchase))).json()["amount"] == 2000
    (order,) = await orders_of(client)
    assert (order["status"], order["total_amount"]) == ("paid", 1450)
    assert charged(sandbox) == 1450
    assert (await changed(client, purchase, cancel_at_period_end=True)).status_code == 200


@pytest.mark.parametrize("where", ["before the charge", "after the charge"])
async def test_a_crash_ends_with_both_or_neither(
    client, bought, announced, sandbox, database, processor, monkeypatch, principal_of, where
):
    purchase, big = await bought(500), await announced(2000)

    class Crash(BaseException):
        pass

    real = updates.changes.collect.charge

    async def charge(*arguments, **options):
        if where == "after the charge":
            await real(*arguments, **options)
        raise Crash

    monkeypatch.setattr(updates.changes.collect, "charge", charge)
    wish = SubscriptionUpdate(product_id=big.id, proration_behavior="invoice")
    with pytest.raises(Crash):
        await updates.update(database.transaction, processor, principal_of(purchase), purchase.subscription_id, wish)
    monkeypatch.setattr(updates.changes.collect, "charge", real)
    assert (await client.get(path(purchase))).json()["amount"] == 500
    clock.move(timedelta(minutes=2))
    assert await collect_due(database.transaction, processor) == 1
    assert (await client.get(path(purchase))).json()["amount"] == 2000
    assert charged(sandbox) == 1450
    assert [order["status"] for order in await orders_of(client)] == ["paid"]


async def test_an_unpaid_period_gives_no_credit(client, bought, announced, database):
    purchase, small = await bought(2000), await announced(500)
    async with database.transaction() as session:
        await session.execute(text("update orders set status = 'pending', paid_at = null"))
    for behavior in ("invoice", "prorate"):
        answer = await changed(client, purchase, product_id=small.id, proration_behavior=behavior)
        assert (answer.status_code, answer.json()["error"]) == (409, "SubscriptionLocked")


async def test_the_organization_s_default_and_that_it_may_bill(client, bought, announced, seller):
    purchase, big = await bought(500), await announced(2000)
    await seller(proration_behavior="next_period")
    assert (await changed(client, purchase, product_id=big.id)).json()["pending_update"]["product_id"] == str(big.id)


async def test_an_organization_that_may_not_bill(client, bought, announced, seller):
    purchase, big = await bought(500), await announced(2000)
    await seller(capabilities={"subscription_renewals": False})
    answer = await changed(client, purchase, product_id=big.id, proration_behavior="invoice")
    assert (answer.status_code, answer.json()["error"]) == (403, "PaymentNotReady")


async def test_a_product_that_was_changed_is_known_as_it_is(client, bought, announced):
    purchase, big = await bought(500), await announced(2000)
    await announced(3000, known=big.id, kind=ProductUpdatedV1)
    assert (await changed(client, purchase, product_id=big.id)).json()["amount"] == 3000
