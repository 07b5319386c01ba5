"""A scheduled change and what comes before it is applied: changes of one kind replace each other, others merge."""

from datetime import timedelta

import pytest
from billing.subscriptions.renewals import renew_due
from servicekit import clock
from sqlalchemy import text


def seats_at(price, least=1, most=20):
    tiers = [{"min_seats": least, "max_seats": most, "price_per_seat": price}]
    terms = {"seat_tier_type": "volume", "tiers": tiers, "minimum_seats": least, "maximum_seats": most}
    return {"amount_type": "seat_based", "price_amount": None, "seat_tiers": terms}


@pytest.fixture
async def team(bought, purchased):
    """Five seats at 15.00, at half of their month."""
    template = purchased(amount=7500).data
    terms = {**template.price.model_dump(), **seats_at(1500)}
    product = {**template.product.model_dump(), "prices": [terms]}
    return await bought(7500, days=1, price=terms, product=product, seats=5)


@pytest.fixture
def patched(client, team):
    async def patch(status=200, **body):
        given = {name: str(value) if name.endswith("_id") else value for name, value in body.items()}
        answer = await client.patch(f"/v1/subscriptions/{team.subscription_id}", json=given)
        assert answer.status_code == status, answer.text
        return answer.json()

    return patch


@pytest.fixture
def renewed(client, database, collected, team):
    """Goes past the period's end. Returns the lines of the newest order, and the subscription."""

    async def renew():
        async with database.transaction() as session:
            end = (await session.execute(text("select current_period_end from subscriptions"))).scalar_one()
        clock.move(end + timedelta(minutes=1) - clock.now())
        while await renew_due(database.transaction):
            pass
        await collected()
        order = (await client.get("/v1/orders/", params={"limit": 1})).json()["items"][0]
        body = (await client.get(f"/v1/subscriptions/{team.subscription_id}")).json()
        return [item["amount"] for item in order["items"]], body

    return renew


def waits(body):
    pending = body["pending_update"]
    return pending and (pending["product_id"], pending["seats"])


async def test_seats_keep_a_scheduled_product(announced, patched, renewed):
    """8 seats at 25.00 and three more for 29 of 30 days at 15.00: 20000 + 4350."""
    big = await announced(price=seats_at(2500))
    body = await patched(product_id=big.id, proration_behavior="next_period")
    assert waits(body) == (str(big.id), 5)
    scheduled = body["pending_update"]
    body = await patched(seats=8, proration_behavior="prorate")
    assert (body["seats"], body["amount"], waits(body)) == (8, 12000, (str(big.id), 8))
    assert (body["pending_update"]["id"], body["pending_update"]["applies_at"]) == (
        scheduled["id"], scheduled["applies_at"],
    )  # fmt: skip
    lines, body = await renewed()
    assert lines == [20000, 4350]
    assert (body["product_id"], body["seats"], body["amount"], body["pending_update"]) == (
        str(big.id), 8, 20000, None,
    )  # fmt: skip
    assert (await renewed())[0] == [20000]


async def test_scheduled_seats_join_a_scheduled_product(announced, patched, renewed):
    big = await announced(price=seats_at(2500))
    await patched(product_id=big.id, proration_behavior="next_period")
    body = await patched(seats=8, proration_behavior="next_period")
    assert (body["seats"], waits(body)) == (5, (str(big.id), 8))
    lines, body = await renewed()
    assert (lines, body["seats"], body["amount"]) == ([20000], 8, 20000)


async def test_a_scheduled_product_joins_scheduled_seats_and_the_same_kind_replaces(announced, patched, renewed):
    big, bigger = await announced(price=seats_at(2500)), await announced(price=seats_at(3000))
    await patched(seats=8, proration_behavior="next_period")
    assert waits(await patched(product_id=big.id, proration_behavior="next_period")) == (str(big.id), 8)
    assert waits(await patched(product_id=bigger.id, proration_behavior="next_period")) == (str(bigger.id), 8)
    assert waits(await patched(seats=9, proration_behavior="next_period")) == (str(bigger.id), 9)
    assert waits(await patched(seats=6, proration_behavior="invoice")) == (str(bigger.id), 6)
    lines, body = await renewed()
    assert (lines, body["seats"]) == ([18000], 6)


async def test_a_product_at_once_replaces_a_scheduled_one_and_keeps_scheduled_seats(announced, patched, renewed):
    big, other = await announced(price=seats_at(2500)), await announced(price=seats_at(1000))
    await patched(product_id=big.id, proration_behavior="next_period")
    await patched(seats=8, proration_behavior="next_period")
    body = await patched(product_id=other.id, proration_behavior="invoice")
    assert (body["seats"], body["amount"], waits(body)) == (5, 5000, (None, 8))
    lines, body = await renewed()
    assert (lines, body["product_id"], body["seats"]) == ([8000], str(other.id), 8)


async def test_product_and_seats_in_one_call(announced, patched, renewed):
    big = await announced(price=seats_at(2500, least=6))
    await patched(422, product_id=big.id, proration_behavior="next_period")
    body = await patched(product_id=big.id, seats=8, proration_behavior="next_period")
    assert waits(body) == (str(big.id), 8)
    body = await patched(product_id=big.id, seats=10, proration_behavior="invoice")
    assert (body["seats"], body["amount"], body["pending_update"]) == (10, 25000, None)
    assert (await renewed())[0] == [25000]


@pytest.mark.parametrize("behavior", ["next_period", "prorate"])
async def test_a_number_that_the_scheduled_price_does_not_take_is_refused(announced, patched, behavior):
    small = await announced(price=seats_at(2500, most=6))
    await patched(product_id=small.id, proration_behavior="next_period")
    refused = await patched(422, seats=8, proration_behavior=behavior)
    assert refused["detail"][0]["loc"] == ["body", "seats"]
    body = await patched(metadata={"seen": True})
    assert (body["seats"], waits(body)) == (5, (str(small.id), 5))


async def test_a_product_at_once_that_does_not_take_the_scheduled_number_is_refused(announced, patched):
    small = await announced(price=seats_at(2500, most=6))
    await patched(seats=8, proration_behavior="next_period")
    refused = await patched(422, product_id=small.id, proration_behavior="invoice")
    assert refused["detail"][0]["loc"] == ["body", "product_id"]
    assert waits(await patched(pending_update=None)) is None
    assert (await patched(product_id=small.id, proration_behavior="invoice"))["amount"] == 12500


async def test_the_number_of_now_takes_the_scheduled_one_away_and_leaves_the_product(announced, patched, team):
    big = await announced(price=seats_at(2500))
    await patched(seats=8, proration_behavior="next_period")
    await patched(product_id=big.id, proration_behavior="next_period")
    body = await patched(seats=5, proration_behavior="invoice")
    assert (body["seats"], waits(body)) == (5, (str(big.id), 5))
    same = await announced(known=team.product.id, prices=[team.price.model_dump()])
    assert waits(await patched(product_id=same.id, proration_behavior="next_period")) is None


async def test_a_reset_moves_what_still_waits(announced, patched):
    big = await announced(price=seats_at(2500))
    await patched(product_id=big.id, proration_behavior="next_period")
    body = await patched(seats=8, proration_behavior="reset")
    assert waits(body) == (str(big.id), 8)
    assert body["pending_update"]["applies_at"] == body["current_period_end"]


async def test_a_change_that_an_earlier_release_scheduled_is_merged(announced, patched, renewed, database):
    big = await announced(price=seats_at(2500))
    await patched(product_id=big.id, proration_behavior="next_period")
    async with database.transaction() as session:
        await session.execute(text("update subscription_changes set terms = terms - 'asked'"))
    assert waits(await patched(seats=8, proration_behavior="prorate")) == (str(big.id), 8)
    assert (await renewed())[0] == [20000, 4350]
