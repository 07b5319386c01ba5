"""Discounts that are given to a subscription, alone or with a change: from when on they count."""

from datetime import UTC, datetime, timedelta

from servicekit import clock, ids

from services.billing.tests.subscriptions.support import changed, orders_of, path


async def test_discounts_count_from_the_next_period_or_with_the_change_that_brings_them(
    client, bought, announced, discounted
):
    purchase, half = await bought(2000), await discounted()
    body = (await changed(client, purchase, discount_id=half.id)).json()
    assert (body["discount_id"], body["discount"]["basis_points"]) == (str(half.id), 5000)
    # what was billed without a discount is credited without it
    small = await announced(1000)
    assert (await changed(client, purchase, product_id=small.id, proration_behavior="invoice")).status_code == 200
    (order,) = await orders_of(client)
    assert [item["amount"] for item in order["items"]] == [-1933, 967]
    quarter = await discounted(basis_points=2500)
    large = await announced(4000)
    body = (
        await changed(client, purchase, product_id=large.id, discount_id=quarter.id, proration_behavior="invoice")
    ).json()
    assert body["discount_id"] == str(quarter.id)
    order = (await orders_of(client))[1]
    assert [item["amount"] for item in order["items"]] == [-967, 2900]
    body = (await client.patch(path(purchase), json={"discount_id": None})).json()
    assert (body["discount_id"], body["discount"]) == (None, None)


async def test_a_discount_that_is_named_again_is_not_used_again(
    client, tried, gone_to, announced, discounted, patched, listed
):
    """One for `once`, on the first period after a trial: the period that a change begins costs its full price."""
    start = datetime(2027, 4, 1, tzinfo=UTC)
    off = await discounted(duration="once")
    purchase = await tried(start, 3000, discount=off)
    await gone_to(start + timedelta(days=14))
    year = await announced(20000, recurring_interval="year")
    answer = await patched(purchase, product_id=year.id, discount_id=off.id, proration_behavior="invoice")
    assert answer.status_code == 200, answer.text
    assert [order["discount_amount"] for order in await listed(purchase)] == [0, 1500, 0]
    assert [item["amount"] for item in (await listed(purchase))[2]["items"]] == [-1500, 20000]
    assert answer.json()["discount_id"] is None


async def test_discounts_that_cannot_be_given(client, bought, discounted):
    purchase = await bought(2000)
    past = clock.now() - timedelta(days=1)
    elsewhere = {"products": []}
    for bad in (
        await discounted(ends_at=past), await discounted(starts_at=clock.now() + timedelta(days=1)),
        await discounted(is_deleted=True), await discounted(max_redemptions=1, redemptions_count=1),
        await discounted(type="fixed", basis_points=None, amounts={"eur": 5}, **elsewhere),
    ):  # fmt: skip
        answer = await changed(client, purchase, discount_id=bad.id)
        assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["body", "discount_id"])
    assert (await changed(client, purchase, discount_id=ids.uuid7())).status_code == 422
