"""What waits when the last paid period is over: it is billed as the subscription ends, or as it pauses."""

from datetime import UTC, datetime, timedelta

import pytest
import tax
from billing.invariants import INVARIANTS
from billing.orders.tax import use
from billing.subscriptions.timers import pause_subscriptions
from sqlalchemy import text

SEATS = {
    "amount_type": "seat_based",
    "price_amount": None,
    "seat_tiers": {
        "seat_tier_type": "volume",
        "tiers": [{"min_seats": 1, "max_seats": None, "price_per_seat": 1000}],
    },
}
UNITS = {
    "amount_type": "unit_based",
    "price_amount": None,
    "minimum_units": 1,
    "tiers": {"type": "graduated", "tiers": [{"bound": None, "unit_amount": "100"}]},
}


def at(*parts):
    return datetime(*parts, tzinfo=UTC)


def lines(order):
    return [item["amount"] for item in order["items"]]


def charged(sandbox):
    return sum(intent["amount_received"] for intent in sandbox.get("/v1/payment_intents", limit=100)["data"])


# ---- The end with a period


async def test_an_upgrade_that_waits_is_billed_when_the_subscription_ends(
    client, bus, bought_at, announced, patched, gone_to, listed, held_entries, sandbox, seller
):
    """A customer takes the dearest plan in the portal, with the default settings, and cancels at the period's end."""
    await seller()
    purchase, enterprise = await bought_at(at(2027, 10, 1), 3000), await announced(99900)
    await gone_to(at(2027, 10, 2))
    assert (await patched(purchase, portal=True, product_id=enterprise.id)).json()["amount"] == 99900
    assert (await patched(purchase, portal=True, cancel_at_period_end=True)).status_code == 200
    before = len(await bus.names())
    await gone_to(at(2027, 11, 1))
    subscription = (await client.get(f"/v1/subscriptions/{purchase.subscription_id}")).json()
    assert subscription["status"] == "canceled"
    _, last = await listed(purchase)
    assert (last["total_amount"], lines(last)) == (93774, [-2903, 96677])
    assert (last["status"], last["billing_reason"], last["product_id"]) == (
        "paid", "subscription_cycle", str(enterprise.id),
    )  # fmt: skip
    assert charged(sandbox) == 93774
    assert await held_entries() == (0, 2, 0)
    assert (await bus.names())[before:] == [
        "subscription.updated", "subscription.revoked", "order.created", "customer.state_changed",
        "order.updated", "order.paid",
    ]  # fmt: skip
    await gone_to(at(2028, 1, 1))
    assert len(await listed(purchase)) == 2


@pytest.mark.parametrize(
    ("start", "old", "new", "days", "total", "kept"),
    [
        (at(2027, 3, 1), 3000, 9999, 10, 4742, 0),
        (at(2027, 1, 1), 1000, 30000, 1, 28064, 0),
        (at(2027, 4, 1), 5000, 4000, 10, -666, 666),
    ],
)
async def test_the_last_order_is_charged_or_is_the_customer_s_credit(
    bought_at, announced, patched, gone_to, listed, sandbox, credit, start, old, new, days, total, kept
):
    purchase, other = await bought_at(start, old), await announced(new)
    await gone_to(start + timedelta(days=days))
    await patched(purchase, product_id=other.id, proration_behavior="prorate")
    await patched(purchase, cancel_at_period_end=True)
    await gone_to(start + timedelta(days=32))
    _, last = await listed(purchase)
    assert (last["total_amount"], last["status"]) == (total, "paid")
    assert (charged(sandbox), await credit()) == (max(0, total), kept)


async def test_nothing_that_waits_is_no_order(bought_at, patched, gone_to, listed):
    purchase = await bought_at(at(2027, 4, 1), 5000)
    await patched(purchase, cancel_at_period_end=True)
    await gone_to(at(2027, 5, 2))
    assert len(await listed(purchase)) == 1


async def test_lines_that_come_to_nothing_are_a_settled_order(bought_at, announced, patched, gone_to, listed):
    purchase, other = await bought_at(at(2027, 4, 1), 5000), await announced(5000)
    await patched(purchase, product_id=other.id, proration_behavior="prorate")
    await patched(purchase, cancel_at_period_end=True)
    await gone_to(at(2027, 5, 2))
    _, last = await listed(purchase)
    assert (lines(last), last["total_amount"], last["status"]) == ([-5000, 5000], 0, "paid")


@pytest.mark.parametrize(
    ("price", "quantity", "more", "total"),
    [(SEATS, {"seats": 2}, {"seats": 5}, 2000), (UNITS, {"units": 20}, {"units": 50}, 2000)],
)
async def test_seats_and_units_that_wait_are_billed_at_the_end(
    bought_at, purchased, patched, gone_to, listed, price, quantity, more, total
):
    template = purchased(amount=2000).data
    terms = {**template.price.model_dump(), **price}
    product = {**template.product.model_dump(), "prices": [terms]}
    purchase = await bought_at(at(2027, 4, 1), 2000, price=terms, product=product, **quantity)
    await gone_to(at(2027, 4, 11))
    assert (await patched(purchase, **more, proration_behavior="prorate")).json()["amount"] == 5000
    await patched(purchase, cancel_at_period_end=True)
    await gone_to(at(2027, 5, 2))
    _, last = await listed(purchase)
    assert (last["total_amount"], last["status"]) == (total, "paid")


async def test_the_last_order_is_retried_and_then_void_and_the_subscription_stays_as_it_ended(
    client, bus, bought_at, announced, patched, gone_to, listed, sandbox, held_entries
):
    purchase, big = await bought_at(at(2027, 4, 1), 1000), await announced(4000)
    await patched(purchase, product_id=big.id, proration_behavior="prorate")
    await patched(purchase, cancel_at_period_end=True)
    sandbox.faults(decline="insufficient_funds")
    await gone_to(at(2027, 5, 1))
    ended = (await client.get(f"/v1/subscriptions/{purchase.subscription_id}")).json()
    last = (await listed(purchase))[1]
    assert (ended["status"], last["status"], last["due_amount"]) == ("canceled", "pending", 3000)
    before = len(await bus.names())
    for days in (2, 7, 14, 21):
        assert (await listed(purchase))[1]["status"] == "pending"
        await gone_to(at(2027, 5, 1, 1) + timedelta(days=days))
    last = (await listed(purchase))[1]
    assert (last["status"], last["due_amount"]) == ("void", 0)
    payments = (await client.get("/v1/payments/", params={"order_id": last["id"]})).json()["items"]
    assert len(payments) == 5
    assert (await client.get(f"/v1/subscriptions/{purchase.subscription_id}")).json() == ended
    assert set((await bus.names())[before:]) == {"order.updated"}
    assert await held_entries() == (0, 0, 2)


async def test_the_last_order_is_paid_at_a_later_attempt(bought_at, announced, patched, gone_to, listed, sandbox):
    purchase, big = await bought_at(at(2027, 4, 1), 1000), await announced(4000)
    await patched(purchase, product_id=big.id, proration_behavior="prorate")
    await patched(purchase, cancel_at_period_end=True)
    sandbox.faults(decline="insufficient_funds")
    await gone_to(at(2027, 5, 1))
    sandbox.faults(decline="")
    await gone_to(at(2027, 5, 3, 1))
    assert (await listed(purchase))[1]["status"] == "paid"
    assert charged(sandbox) == 3000


async def test_what_was_owed_before_the_end_stays_void_and_is_not_billed_again(
    bought_at, announced, patched, gone_to, listed, sandbox, held_entries, database
):
    """The unpaid renewal took entries: they are void with it. What waited since is billed."""
    purchase, big = (
        await bought_at(at(2027, 4, 1), 1000, interval="week"),
        await announced(4000, recurring_interval="week"),
    )
    await patched(purchase, product_id=big.id, proration_behavior="prorate")
    sandbox.faults(decline="insufficient_funds")
    await gone_to(at(2027, 4, 8))
    await patched(purchase, cancel_at_period_end=True)
    async with database.transaction() as session:
        await session.execute(
            text("insert into billing_entries (id, organization_id, created_at, kind, customer_id, subscription_id, "
                 "currency, label, amount, proration) select gen_random_uuid(), organization_id, created_at, "
                 "'proration', customer_id, id, 'usd', 'More', 700, true from subscriptions")
        )  # fmt: skip
    assert await held_entries() == (1, 2, 0)
    await gone_to(at(2027, 4, 10))
    sandbox.faults(decline="")
    await gone_to(at(2027, 4, 15))
    _, renewal, last = await listed(purchase)
    assert (renewal["status"], renewal["total_amount"]) == ("void", 7000)
    assert (last["status"], lines(last)) == ("paid", [700])
    assert await held_entries() == (0, 1, 2)


async def test_a_deleted_customer_is_not_charged_for_a_last_order(
    client, bought_at, announced, patched, gone_to, listed, sandbox
):
    purchase, big = await bought_at(at(2027, 4, 1), 1000), await announced(4000)
    await patched(purchase, product_id=big.id, proration_behavior="prorate")
    await patched(purchase, cancel_at_period_end=True)
    sandbox.faults(decline="insufficient_funds")
    await gone_to(at(2027, 5, 1))
    sandbox.faults(decline="")
    assert (await client.delete(f"/v1/customers/{purchase.customer.id}")).status_code == 204
    await gone_to(at(2027, 6, 1))
    assert (await listed(purchase))[1]["status"] == "void"
    assert charged(sandbox) == 0


# ---- The beginning of a pause


async def test_what_waits_is_billed_when_a_pause_begins(
    bought_at, announced, patched, gone_to, listed, sandbox, held_entries, bus
):
    purchase, big = await bought_at(at(2027, 4, 1), 1000), await announced(4000)
    await gone_to(at(2027, 4, 16))
    await patched(purchase, product_id=big.id, proration_behavior="prorate")
    await patched(purchase, pause_at_period_end=True)
    before = len(await bus.names())
    await gone_to(at(2027, 5, 1))
    _, last = await listed(purchase)
    assert (lines(last), last["status"], last["billing_reason"]) == ([-500, 2000], "paid", "subscription_cycle")
    assert await held_entries() == (0, 2, 0)
    assert (await bus.names())[before:] == [
        "subscription.updated", "subscription.paused", "order.created", "customer.state_changed",
        "order.updated", "order.paid",
    ]  # fmt: skip
    assert (await patched(purchase, resume=True)).status_code == 200
    await gone_to(at(2027, 5, 2))
    assert lines((await listed(purchase))[2]) == [4000]
    assert charged(sandbox) == 5500


async def test_a_credit_that_waits_is_given_when_a_pause_begins(
    bought_at, announced, patched, gone_to, listed, credit, database
):
    purchase, small = await bought_at(at(2027, 4, 1), 4000), await announced(1000)
    await gone_to(at(2027, 4, 16))
    await patched(purchase, product_id=small.id, proration_behavior="prorate")
    await patched(purchase, pause_at_period_end=True)
    await gone_to(at(2027, 5, 1))
    assert (await credit(), (await listed(purchase))[1]["total_amount"]) == (1500, -1500)
    assert await pause_subscriptions(database.transaction) == 0


# ---- A tax that has to be asked for outside


@pytest.mark.parametrize("wish", [{"cancel_at_period_end": True}, {"pause_at_period_end": True}])
async def test_the_tax_of_a_last_order_is_asked_for_outside_of_transactions(
    bought_at, announced, patched, gone_to, listed, wish
):
    class Elsewhere(tax.BuiltInTax):
        name = "elsewhere"

    purchases = [await bought_at(at(2027, 4, 1), 1000, email=f"{name}@example.com") for name in ("ada", "bob")]
    big = await announced(4000)
    for purchase in purchases:
        await patched(purchase, product_id=big.id, proration_behavior="prorate")
        await patched(purchase, **wish)
    use(tax.Quotes(Elsewhere()))
    try:
        await gone_to(at(2027, 5, 1))
    finally:
        use(tax.Quotes())
    for purchase in purchases:
        _, last = await listed(purchase)
        assert (last["total_amount"], last["status"]) == (3000, "paid")


async def test_a_resume_is_past_due_while_the_last_order_before_the_pause_is_owed(
    client, bus, bought_at, announced, patched, gone_to, listed, sandbox, database
):
    """The new period is paid; the subscription is active once the order from before the pause is paid, too."""
    purchase, big = await bought_at(at(2027, 4, 1), 1000), await announced(4000)
    await patched(purchase, product_id=big.id, proration_behavior="prorate")
    await patched(purchase, pause_at_period_end=True)
    sandbox.faults(decline="insufficient_funds")
    await gone_to(at(2027, 5, 1))
    sandbox.faults(decline="")
    before = len(await bus.names())
    resumed = (await patched(purchase, resume=True)).json()
    assert (resumed["status"], resumed["past_due_at"][:10]) == ("past_due", "2027-05-01")
    told = [name for name in (await bus.names())[before:] if name.startswith("subscription.")]
    assert told == ["subscription.updated", "subscription.resumed", "subscription.past_due"]
    for instant, statuses, status in (
        (at(2027, 5, 1), ["paid", "pending", "paid"], "past_due"),
        (at(2027, 5, 3), ["paid", "paid", "paid"], "active"),
    ):
        await gone_to(instant)
        assert [one["status"] for one in await listed(purchase)] == statuses
        shown = (await client.get(f"/v1/subscriptions/{purchase.subscription_id}")).json()
        assert shown["status"] == status
        async with database.transaction() as session:
            for invariant in INVARIANTS:
                if ":now" not in invariant.broken_by:
                    assert (await session.execute(text(invariant.broken_by))).all() == [], invariant.name
