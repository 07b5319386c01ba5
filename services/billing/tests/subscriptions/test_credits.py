"""Credit is bounded by money: what was refunded, is disputed, or was credited before is not credited again."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from billing.audit.run import audit
from billing.disputes import operations as disputes
from billing.invariants import INVARIANTS
from billing.orders.models import Order
from billing.subscriptions.renewals import renew_due
from billing.subscriptions.timers import end_canceled_subscriptions, pause_subscriptions
from contracts.checkout import DiscountProduct
from processor import DisputeState
from servicekit import clock
from servicekit.invariants import Invariants
from sqlalchemy import text

DISPUTE = ("charge.dispute.created", "charge.dispute.updated", "charge.dispute.funds_withdrawn")
SEATS = {
    "amount_type": "seat_based",
    "price_amount": None,
    "seat_tiers": {
        "seat_tier_type": "volume",
        "tiers": [{"min_seats": 1, "max_seats": 10, "price_per_seat": 1000}],
        "minimum_seats": 1,
        "maximum_seats": 10,
    },
}


@pytest.fixture
def at_noon():
    """January 2027 begins: thirty-one days."""
    start = datetime(2027, 1, 1, tzinfo=UTC)
    clock.move(start - clock.now())
    yield start
    clock.reset()


@pytest.fixture
def paid(bought, sandbox):
    """Buys at the local Stripe, so that it can be refunded and disputed, and goes to the second day."""

    async def buy(amount, method="pm_card_visa", **changes):
        return await bought(amount, processor_id=sandbox.pay(amount, method), **changes)

    return buy


@pytest.fixture
def patched(client):
    async def patch(purchase, status=200, **body):
        given = {name: str(value) if name.endswith("_id") else value for name, value in body.items()}
        answer = await client.patch(f"/v1/subscriptions/{purchase.subscription_id}", json=given)
        assert answer.status_code == status, answer.text
        return answer.json()

    return patch


@pytest.fixture
def newest(client, database):
    """The newest order, when the books agree and every amount can be derived again."""

    async def read():
        order = (await client.get("/v1/orders/", params={"limit": 1, "sorting": "-created_at"})).json()["items"][0]
        assert (await client.get(f"/v1/orders/{order['id']}/explain")).json()["holds"] is True
        differences = {
            name: one.lines() for name, one in (await audit(database, None)).differences.items() if "outbox" not in name
        }
        assert differences == {}
        return order

    return read


async def refund(client, purchase, amount):
    body = {"order_id": str(purchase.order_id), "amount": amount, "reason": "customer_request"}
    answer = await client.post("/v1/refunds/", json=body)
    assert answer.status_code == 201, answer.text


async def credited(database, purchase):
    async with database.transaction() as session:
        order = await session.get_one(Order, purchase.order_id)
        return order.credited_amount, order.credited_tax_amount


@pytest.mark.parametrize(
    ("amount", "refunded", "lines"), [(5000, 5000, [968]), (10000, 6000, [-3871, 968]), (5000, 0, [-4839, 968])]
)
async def test_what_was_refunded_is_not_credited_again(
    client, paid, announced, patched, newest, database, amount, refunded, lines
):
    purchase, small = await paid(amount), await announced(1000)
    if refunded:
        await refund(client, purchase, refunded)
    await patched(purchase, product_id=small.id, proration_behavior="invoice")
    order = await newest()
    assert [item["amount"] for item in order["items"]] == lines
    assert await credited(database, purchase) == (max(0, -lines[0]), 0)


async def test_nothing_is_credited_while_the_payment_is_disputed(
    client, paid, announced, patched, newest, database, sandbox
):
    purchase, small = await paid(5000, "pm_card_createDispute"), await announced(1000)
    for told in sandbox.objects(*DISPUTE):
        async with database.transaction() as session:
            await disputes.hear(session, told)
    await patched(purchase, product_id=small.id, proration_behavior="invoice")
    assert [item["amount"] for item in (await newest())["items"]] == [968]


async def test_an_early_warning_has_taken_nothing(client, paid, announced, patched, newest, database, sandbox):
    """It may come to nothing, and then nobody would make up for the credit."""
    purchase, small = await paid(5000, "pm_card_createDisputeInquiry"), await announced(1000)
    for told in sandbox.objects(*DISPUTE):
        async with database.transaction() as session:
            await disputes.hear(session, told)
    assert (await client.get("/v1/disputes/")).json()["items"][0]["status"] == "early_warning"
    await patched(purchase, product_id=small.id, proration_behavior="invoice")
    assert [item["amount"] for item in (await newest())["items"]] == [-4839, 968]


async def test_two_lost_disputes_of_one_payment_take_all_of_the_credit_back(
    client, paid, announced, patched, newest, database, sandbox
):
    """Of 5000, of which 4839 were credited, the bank gives 2000 back, and then 3000."""
    purchase, free = await paid(5000), await announced(0)
    await patched(purchase, product_id=free.id, proration_behavior="invoice")
    await newest()
    intent = sandbox.objects("payment_intent.succeeded")[-1]["id"]
    for amount, left in ((2000, 3000), (3000, 0)):
        taken = [{"amount": -amount, "fee": 1500}]
        lost = DisputeState(f"dp_{amount}", "lost", amount, "usd", "fraudulent", intent, None, clock.now(), taken)
        async with database.transaction() as session:
            assert await disputes.settle(session, lost)
            balance = (await session.execute(text("select amount from customer_balances"))).scalar_one()
            assert balance == left
    await newest()
    async with database.transaction() as session:
        await session.execute(text("update outbox set published_at = created_at"))
    invariants = Invariants(INVARIANTS)
    await invariants.check(database.transaction)
    assert [state.name for state in invariants.states.values() if not state.holds] == []


async def test_a_won_dispute_took_nothing(client, paid, announced, patched, newest, database, sandbox):
    purchase, small = await paid(5000, "pm_card_createDispute"), await announced(1000)
    for told in sandbox.objects(*DISPUTE):
        async with database.transaction() as session:
            await disputes.hear(session, told)
    async with database.transaction() as session:
        await session.execute(text("update disputes set status = 'won'"))
    await patched(purchase, product_id=small.id, proration_behavior="prorate")
    async with database.transaction() as session:
        rows = await session.execute(text("select amount from billing_entries order by created_at"))
        assert list(rows.scalars()) == [-4839, 968]


@pytest.mark.parametrize(("refunded", "lines"), [(0, [-2903]), (7000, [-968]), (8000, None)])
async def test_fewer_seats_are_bounded_too(client, paid, purchased, patched, newest, refunded, lines):
    template = purchased(amount=8000).data
    terms = {**template.price.model_dump(), **SEATS}
    product = {**template.product.model_dump(), "prices": [terms]}
    purchase = await paid(8000, price=terms, product=product, seats=8)
    if refunded:
        await refund(client, purchase, refunded)
    assert (await patched(purchase, seats=5, proration_behavior="invoice"))["amount"] == 5000
    order = await newest()
    assert (
        None if order["billing_reason"] == "subscription_create" else [i["amount"] for i in order["items"]]
    ) == lines


async def test_another_interval_credits_what_is_left(client, paid, announced, patched, newest):
    purchase, yearly = await paid(10000), await announced(60000, recurring_interval="year")
    await refund(client, purchase, 6000)
    await patched(purchase, product_id=yearly.id, proration_behavior="invoice")
    assert [item["amount"] for item in (await newest())["items"]] == [-3871, 60000]


async def test_what_was_credited_is_not_credited_again(client, paid, announced, patched, newest, database):
    """10.00 of 100.00 are refunded after a downgrade took the credit; what the small plan paid is left for it."""
    purchase, small, free = await paid(10000), await announced(1000), await announced(0)
    await patched(purchase, product_id=small.id, proration_behavior="invoice")
    assert await credited(database, purchase) == (9677, 0)
    await refund(client, purchase, 300)
    clock.move(timedelta(days=1))
    await patched(purchase, product_id=free.id, proration_behavior="invoice")
    assert [item["amount"] for item in (await newest())["items"]] == [-935]
    assert await credited(database, purchase) == (9677, 0)


async def test_a_declined_change_releases_what_it_credited(client, paid, announced, patched, newest, database, sandbox):
    purchase = await paid(2000, card="pm_card_chargeCustomerFail")
    large = await announced(9000)
    await patched(purchase, status=402, product_id=large.id, proration_behavior="invoice")
    assert (await newest())["status"] == "void"
    assert await credited(database, purchase) == (0, 0)
    await patched(purchase, product_id=large.id, proration_behavior="prorate")
    assert await credited(database, purchase) == (1935, 0)
    await newest()


async def test_an_entry_that_waits_is_credited_already(paid, announced, patched, database):
    purchase, small = await paid(5000), await announced(1000)
    await patched(purchase, product_id=small.id, proration_behavior="prorate")
    async with database.transaction() as session:
        parts = (await session.execute(text("select corrects from billing_entries where amount < 0"))).scalar_one()
    assert [(part["order_id"], part["amount"], part["is_entry"]) for part in parts] == [
        (str(purchase.order_id), -4839, True)
    ]
    assert await credited(database, purchase) == (4839, 0)


async def test_a_refund_and_a_credit_at_once_never_share_an_amount(client, paid, announced, patched, newest, database):
    purchase, free = await paid(5000), await announced(0)
    body = {"order_id": str(purchase.order_id), "amount": 5000, "reason": "customer_request"}
    _, *refunds = await asyncio.gather(
        patched(purchase, product_id=free.id, proration_behavior="invoice"),
        *(client.post("/v1/refunds/", json=body) for _ in range(2)),
    )
    order = (await client.get(f"/v1/orders/{purchase.order_id}")).json()
    given = (await credited(database, purchase))[0] + order["refunded_amount"]
    assert given in (4839, 5000)
    assert sorted(answer.status_code for answer in refunds)[0] == (201 if given == 5000 else 422)
    await newest()


@pytest.mark.parametrize("by", ["now", "product"])
async def test_time_that_was_paid_before_a_trial_is_credited_when_the_trial_ends(
    client, paid, announced, patched, newest, database, by
):
    """3000 paid for January; a trial is given on the 2nd, and ended on the 3rd: 29 of 31 days are credited."""
    purchase, large = await paid(3000), await announced(10000)
    await patched(purchase, trial_end="2027-02-15T00:00:00Z")
    clock.move(timedelta(days=1))
    body = {"trial_end": "now"} if by == "now" else {"product_id": large.id}
    await patched(purchase, **body)
    order = await newest()
    price = 3000 if by == "now" else 10000
    assert sorted(item["amount"] for item in order["items"]) == [-2806, price]
    assert order["total_amount"] == price - 2806
    assert await credited(database, purchase) == (2806, 0)


@pytest.mark.parametrize(("by", "price"), [("end", 3000), ("product", 10000), ("cancel", None), ("pause", None)])
async def test_time_that_was_paid_before_a_trial_is_credited_when_it_ends_by_itself(
    client, paid, announced, patched, newest, database, by, price
):
    """3000 paid for January; a trial to 15 February is given on the 2nd, and moved back to the 5th by the seller, or by
    a change to a product with a trial of three days: 27 of 31 days are credited."""
    purchase, large = await paid(3000), await announced(10000, trial_interval="day", trial_interval_count=3)
    if by == "pause":
        await patched(purchase, pause_at_period_end=True)
    await patched(purchase, trial_end="2027-02-15T00:00:00Z")
    await patched(purchase, **({"product_id": large.id} if by == "product" else {"trial_end": "2027-01-05T00:00:00Z"}))
    if by == "cancel":
        await patched(purchase, cancel_at_period_end=True)
    clock.move(datetime(2027, 1, 5, 0, 10, tzinfo=UTC) - clock.now())
    for timer in (end_canceled_subscriptions, pause_subscriptions, renew_due):
        await timer(database.transaction)
    order = await newest()
    assert [item["amount"] for item in order["items"]] == [*([price] if price else []), -2613]
    assert order["billing_reason"] == "subscription_cycle"
    assert await credited(database, purchase) == (2613, 0)


async def test_a_trial_that_ends_after_the_time_that_was_paid_credits_nothing(paid, patched, newest, database):
    purchase = await paid(3000)
    await patched(purchase, trial_end="2027-02-15T00:00:00Z")
    await patched(purchase, trial_end="2027-02-01T00:00:00Z")
    clock.move(datetime(2027, 2, 1, 0, 10, tzinfo=UTC) - clock.now())
    await renew_due(database.transaction)
    assert [item["amount"] for item in (await newest())["items"]] == [3000]


async def test_a_refunded_period_is_not_credited_when_a_trial_ends(client, paid, patched, newest):
    purchase = await paid(3000)
    await refund(client, purchase, 3000)
    await patched(purchase, trial_end="2027-02-15T00:00:00Z")
    await patched(purchase, trial_end="now")
    assert [item["amount"] for item in (await newest())["items"]] == [3000]


@pytest.mark.parametrize("duration", ["forever", "once"])
async def test_a_discount_for_one_product_survives_the_way_there_and_back(
    client, paid, purchased, announced, discounted, patched, newest, duration
):
    """30.00 a month with 50 % off on this product alone: half a month of it costs 7.50, also on the way back."""
    template = purchased(amount=3000).data
    own = template.product.model_dump(include=set(DiscountProduct.model_fields))
    half = await discounted(duration=duration, products=[own])
    sold = {"product": template.product, "price": template.price, "product_id": template.product.id}
    purchase = await paid(3000, off=1500, discount=half, **sold)
    middle = datetime(2027, 1, 16, 12, tzinfo=UTC)
    clock.move(middle - clock.now())
    other = await announced(4000)
    await patched(purchase, product_id=other.id, proration_behavior="invoice")
    assert [item["amount"] for item in (await newest())["items"]] == [-750, 2000]
    first = await announced(3000, known=template.product.id, prices=[template.price.model_dump()])
    await patched(purchase, product_id=first.id, proration_behavior="invoice")
    assert [item["amount"] for item in (await newest())["items"]] == [-2000, 750]
