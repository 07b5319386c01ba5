"""A rise in price that nobody could pay is refused, and so is a price that cannot be charged."""

from datetime import UTC, datetime, timedelta

import pytest
from billing.customers.models import CustomerBalance
from billing.subscriptions.models import Subscription
from servicekit import clock
from sqlalchemy import text

START = datetime(2027, 4, 1, tzinfo=UTC)


@pytest.fixture
def cardless(bought_at, database):
    """A subscription whose customer has no payment method, and this credit, in minor units."""

    async def start(amount, credit=0, **changes):
        purchase = await bought_at(START, amount, card=None, **changes)
        async with database.transaction() as session:
            held = await session.get(Subscription, purchase.subscription_id)
            held.payment_method_id = None
            await session.execute(text("update customers set default_payment_method_id = null"))
            if credit:
                session.add(
                    CustomerBalance(
                        customer_id=held.customer_id, currency="usd", organization_id=held.organization_id,
                        amount=credit, modified_at=clock.now(),
                    )
                )  # fmt: skip
        return purchase

    return start


async def state(client, purchase):
    subscription = (await client.get(f"/v1/subscriptions/{purchase.subscription_id}")).json()
    return {name: value for name, value in subscription.items() if name != "modified_at"}


@pytest.mark.parametrize("portal", [False, True])
@pytest.mark.parametrize("behavior", ["prorate", "invoice", "reset", "next_period"])
async def test_a_rise_needs_a_payment_method(
    client, bus, cardless, announced, patched, listed, held_entries, seller, portal, behavior
):
    """The free plan to a dear one, without a card: by seller and customer alike."""
    await seller(proration_behavior=behavior)
    purchase, enterprise = await cardless(0), await announced(99900)
    before, was = len(await bus.names()), await state(client, purchase)
    answer = await patched(purchase, portal=portal, product_id=enterprise.id)
    assert (answer.status_code, answer.json()["error"]) == (409, "PaymentMethodRequired")
    assert await state(client, purchase) == was
    assert (await bus.names())[before:] == []
    assert (len(await listed(purchase)), await held_entries()) == (1, (0, 0, 0))


@pytest.mark.parametrize("portal", [False, True])
@pytest.mark.parametrize("behavior", ["prorate", "invoice", "next_period"])
async def test_who_asks_for_a_rise_chooses_the_default_card(
    bought_at, announced, patched, listed, seller, database, behavior, portal
):
    """The customer, or the seller: a subscription without a card takes the customer's default, now and later."""
    await seller(proration_behavior=behavior)
    paid = await bought_at(START, 3000)
    purchase, enterprise = await bought_at(START, 0), await announced(99900)
    answer = await patched(purchase, portal=portal, product_id=enterprise.id)
    assert answer.status_code == 200, answer.text
    async with database.transaction() as session:
        mine, other = [await session.get(Subscription, one.subscription_id) for one in (purchase, paid)]
        assert mine.payment_method_id == other.payment_method_id is not None
    assert [one["status"] for one in await listed(purchase)] == ["paid"] * (2 if behavior == "invoice" else 1)


@pytest.mark.parametrize("behavior", ["prorate", "invoice", "next_period"])
async def test_a_fall_in_price_needs_none(cardless, announced, patched, behavior):
    purchase, small = await cardless(3000), await announced(1000)
    assert (await patched(purchase, product_id=small.id, proration_behavior=behavior)).status_code == 200


@pytest.mark.parametrize("behavior", ["prorate", "invoice", "reset", "next_period"])
async def test_credit_that_pays_it_in_full_is_enough(cardless, announced, patched, behavior):
    purchase, big = await cardless(0, credit=4000), await announced(4000)
    assert (await patched(purchase, product_id=big.id, proration_behavior=behavior)).status_code == 200


async def test_credit_is_not_promised_twice(cardless, announced, patched, held_entries):
    """The first rise waits for the next order; the second adds to it, and both are more than the credit."""
    purchase, big, huge = await cardless(0, credit=4500), await announced(4000), await announced(5000)
    assert (await patched(purchase, product_id=big.id, proration_behavior="prorate")).status_code == 200
    assert (await patched(purchase, product_id=huge.id, proration_behavior="prorate")).status_code == 409
    assert await held_entries() == (1, 0, 0)


async def test_credit_is_not_promised_to_two_subscriptions(cardless, announced, patched, held_entries):
    """What one subscription's next order takes of the credit does not pay for another's."""
    first, big = await cardless(0), await announced(4000)
    second = await cardless(0, credit=4500)
    assert (await patched(first, product_id=big.id, proration_behavior="prorate")).status_code == 200
    for behavior in ("prorate", "next_period"):
        answer = await patched(second, product_id=big.id, proration_behavior=behavior)
        assert (answer.status_code, answer.json()["error"]) == (409, "PaymentMethodRequired")
    assert await held_entries() == (1, 0, 0)


@pytest.mark.parametrize(("credit", "status"), [(4759, 409), (4760, 200)])
@pytest.mark.parametrize("behavior", ["prorate", "invoice", "next_period", "reset"])
async def test_credit_pays_the_tax_too(cardless, announced, patched, seller, behavior, credit, status):
    await seller(country="FR", default_tax_behavior="exclusive")
    purchase = await cardless(0, credit=credit, customer={"billing_address": {"country": "DE"}})
    big = await announced(4000)  # 760 of tax
    answer = await patched(purchase, product_id=big.id, proration_behavior=behavior)
    assert answer.status_code == status, answer.text


@pytest.mark.parametrize("behavior", ["prorate", "invoice"])
@pytest.mark.parametrize("left", [timedelta(seconds=1), timedelta(minutes=10)])
async def test_a_rise_at_the_very_end_of_a_period_needs_a_payment_method(
    client, cardless, announced, patched, stopped, behavior, left
):
    """What is left of the period costs nothing, or too little to charge; the next one costs 999.00."""
    purchase, enterprise = await cardless(0), await announced(99900)
    was = await state(client, purchase)
    stopped(datetime(2027, 5, 1, tzinfo=UTC) - left)
    answer = await patched(purchase, product_id=enterprise.id, proration_behavior=behavior)
    assert (answer.status_code, answer.json()["error"]) == (409, "PaymentMethodRequired")
    assert await state(client, purchase) == was


@pytest.mark.parametrize(("credit", "status"), [(1999, 409), (2000, 200)])
async def test_a_way_back_up_needs_what_the_credit_that_waits_does_not_pay(
    cardless, announced, patched, gone_to, credit, status
):
    """What is left of the period costs what waits, 10.00; the next one costs 30.00."""
    purchase, small, back = await cardless(3000, credit=credit), await announced(1000), await announced(3000)
    await gone_to(START + timedelta(days=15))
    assert (await patched(purchase, product_id=small.id, proration_behavior="prorate")).status_code == 200
    assert (await patched(purchase, product_id=back.id, proration_behavior="prorate")).status_code == status


@pytest.mark.parametrize("behavior", ["prorate", "invoice"])
async def test_a_little_credit_does_not_hide_what_later_periods_cost(
    client, cardless, announced, patched, stopped, seller, behavior
):
    """The last ten minutes of April cost 0.23, which the credit of 1.00 pays; May costs 999.00."""
    await seller()
    purchase, enterprise = await cardless(0, credit=100), await announced(99900)
    was = await state(client, purchase)
    stopped(datetime(2027, 5, 1, tzinfo=UTC) - timedelta(minutes=10))
    answer = await patched(purchase, portal=True, product_id=enterprise.id)
    assert (answer.status_code, answer.json()["error"]) == (409, "PaymentMethodRequired")
    assert (await patched(purchase, product_id=enterprise.id, proration_behavior=behavior)).status_code == 409
    assert await state(client, purchase) == was


async def test_what_another_subscription_gives_back_pays_nothing_yet(cardless, announced, patched, held_entries):
    """Its order may come later than that of the rise, or never."""
    first, second = await cardless(4000), await cardless(0)
    free, big = await announced(0), await announced(3000)
    assert (await patched(first, product_id=free.id, proration_behavior="prorate")).status_code == 200
    for behavior in ("prorate", "next_period", "invoice"):
        answer = await patched(second, product_id=big.id, proration_behavior=behavior)
        assert (answer.status_code, answer.json()["error"]) == (409, "PaymentMethodRequired")
    assert await held_entries() == (1, 0, 0)


async def test_a_discount_that_pays_all_needs_none(cardless, announced, patched, discounted):
    off = await discounted(basis_points=10000)
    purchase, big = await cardless(1000, discount=off, off=1000), await announced(4000)
    for behavior in ("next_period", "reset"):
        answer = await patched(purchase, product_id=big.id, proration_behavior=behavior)
        assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("limit", [{"duration": "once"}, {"duration": "repeating", "duration_in_months": 3}])
async def test_a_discount_for_a_limited_time_does_not_hide_a_rise(
    client, cardless, announced, patched, discounted, listed, limit
):
    """It pays all of the first periods; the later ones cost 40.00, and nobody agreed to pay that. The same price, or a
    fall, needs no card."""
    off, big, same, small = (
        await discounted(basis_points=10000, **limit),
        *[await announced(amount) for amount in (4000, 1000, 500)],
    )
    purchase = await cardless(1000, discount=off, off=1000)
    was = await state(client, purchase)
    for behavior in ("prorate", "invoice", "reset", "next_period"):
        change = {"product_id": big.id, "discount_id": off.id, "proration_behavior": behavior}
        answer = await patched(purchase, **change)
        assert (answer.status_code, answer.json()["error"]) == (409, "PaymentMethodRequired"), behavior
    assert await state(client, purchase) == was
    assert len(await listed(purchase)) == 1
    for product in (same, small):
        for behavior in ("next_period", "invoice"):
            answer = await patched(purchase, product_id=product.id, proration_behavior=behavior)
            assert answer.status_code == 200, answer.text


async def test_a_discount_is_not_taken_away_without_a_payment_method(client, cardless, patched, discounted):
    off, other = await discounted(basis_points=10000), await discounted(duration="once", basis_points=10000)
    purchase = await cardless(1000, discount=off, off=1000)
    was = await state(client, purchase)
    for id in (None, other.id):
        answer = await patched(purchase, discount_id=id)
        assert (answer.status_code, answer.json()["error"]) == (409, "PaymentMethodRequired")
    assert await state(client, purchase) == was


async def test_a_discount_that_is_used_up_does_not_make_a_cut_a_rise(cardless, announced, patched, discounted):
    off = await discounted(duration="once")
    purchase, small = await cardless(3000), await announced(2000)
    await patched(purchase, product_id=small.id, discount_id=off.id, proration_behavior="next_period")
    answer = await patched(purchase, product_id=small.id, proration_behavior="next_period")
    assert answer.status_code == 200, answer.text


async def test_a_trial_is_not_ended_at_once_without_a_payment_method(client, tried, patched):
    purchase = await tried(START, 3000, card=None)
    answer = await patched(purchase, trial_end="now")
    assert (answer.status_code, answer.json()["error"]) == (409, "PaymentMethodRequired")
    assert (await state(client, purchase))["status"] == "trialing"


@pytest.mark.parametrize(("amount", "credit", "status"), [(3000, 0, 409), (0, 0, 200), (3000, 3000, 200)])
async def test_a_customer_goes_on_with_what_costs_something_with_a_payment_method(
    cardless, patched, gone_to, seller, amount, credit, status
):
    """Polar's rule in the portal, for a cancellation taken back and for a resume; the seller may do either."""
    await seller(customer_portal_settings={"subscription": {"pause": True}})
    purchase = await cardless(amount, credit=credit)
    await patched(purchase, cancel_at_period_end=True)
    assert (await patched(purchase, portal=True, cancel_at_period_end=False)).status_code == status
    if status == 409:
        assert (await patched(purchase, cancel_at_period_end=False)).status_code == 200
    await patched(purchase, pause_at_period_end=True)
    await gone_to(datetime(2027, 5, 1, tzinfo=UTC))
    answer = await patched(purchase, portal=True, resume=True)
    assert answer.status_code == status, answer.text
    if status == 409:
        assert answer.json()["error"] == "PaymentMethodRequired"
        assert (await patched(purchase, resume=True)).status_code == 200


@pytest.mark.parametrize(
    ("limit", "status"), [({}, 200), ({"duration": "repeating", "duration_in_months": 3}, 409), (None, 409)]
)
async def test_who_goes_on_has_a_card_for_later_periods_too(
    cardless, announced, patched, discounted, gone_to, seller, database, limit, status
):
    """The next period costs nothing: by a discount that ends after it, or until a product that is scheduled begins."""
    await seller(customer_portal_settings={"subscription": {"pause": True}})
    if limit is None:
        purchase, enterprise = await cardless(0, credit=99900), await announced(99900)
        answer = await patched(purchase, product_id=enterprise.id, proration_behavior="next_period")
        assert answer.status_code == 200
        async with database.transaction() as session:
            await session.execute(text("update customer_balances set amount = 0"))
    else:
        purchase = await cardless(3000, discount=await discounted(basis_points=10000, **limit), off=3000)
    await patched(purchase, cancel_at_period_end=True)
    assert (await patched(purchase, portal=True, cancel_at_period_end=False)).status_code == status
    if status == 409:
        assert (await patched(purchase, cancel_at_period_end=False)).status_code == 200
    await patched(purchase, pause_at_period_end=True)
    await gone_to(datetime(2027, 5, 1, tzinfo=UTC))
    assert (await patched(purchase, portal=True, resume=True)).status_code == status


async def test_nothing_to_take_back_is_said_before_the_payment_method(cardless, patched, seller):
    await seller()
    purchase = await cardless(3000)
    answer = await patched(purchase, portal=True, cancel_at_period_end=False)
    assert (answer.status_code, answer.json()["error"]) == (409, "SubscriptionNotScheduledToCancel")


@pytest.mark.parametrize("behavior", ["prorate", "invoice", "reset", "next_period"])
async def test_a_period_costs_no_more_than_can_be_charged_at_once(
    client, bought_at, purchased, patched, listed, held_entries, behavior
):
    price = {
        "amount_type": "seat_based",
        "price_amount": None,
        "seat_tiers": {
            "seat_tier_type": "volume",
            "tiers": [{"min_seats": 1, "max_seats": None, "price_per_seat": 1000}],
        },
    }
    template = purchased(amount=2000).data
    terms = {**template.price.model_dump(), **price}
    product = {**template.product.model_dump(), "prices": [terms]}
    purchase = await bought_at(START, 2000, price=terms, product=product, seats=2)
    was = await state(client, purchase)
    for seats in (1_000_000, 100_000):
        answer = await patched(purchase, seats=seats, proration_behavior=behavior)
        assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["body", "seats"]), answer.text
    assert await state(client, purchase) == was
    assert len(await listed(purchase)) == 1
    answer = await patched(purchase, seats=99_999, proration_behavior=behavior)
    assert answer.status_code == 200, answer.text
    # Lines that would wait are billed now, where the next order could not be charged with them.
    billed = {"prorate": [99_997_000], "invoice": [99_997_000], "reset": [99_999_000], "next_period": []}[behavior]
    assert [one["total_amount"] for one in (await listed(purchase))[1:]] == billed
    assert await held_entries() == (0, 0, 0)


@pytest.mark.parametrize("behavior", ["prorate", "invoice", "next_period"])
async def test_a_period_costs_no_more_with_its_tax(client, bought_at, announced, patched, seller, behavior, stopped):
    """It is refused before it begins, not declined when it is charged: 19 % of 90,000,000 are too much, of 84,000,000
    not."""
    await seller(country="FR", default_tax_behavior="exclusive")
    purchase = await bought_at(START, 3000, customer={"billing_address": {"country": "DE"}})
    stopped(START + timedelta(days=29))
    answer = await patched(purchase, product_id=(await announced(90_000_000)).id, proration_behavior=behavior)
    assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["body", "product_id"]), answer.text
    answer = await patched(purchase, product_id=(await announced(84_000_000)).id, proration_behavior=behavior)
    assert answer.status_code == 200, answer.text
