"""Periods, missing payments, orders that give no more, and credits that come with each period."""

from datetime import timedelta

from benefits.benefit_grants.timers import end_grace_periods
from contracts.benefits import BenefitGrantCycledV1
from contracts.billing import Order, OrderUpdatedV1
from servicekit import clock


async def held(story):
    return [grant["is_granted"] for grant in await story.grants()]


async def test_benefits_end_with_the_grace_period_and_not_before(story, database):
    await story.organization(grace_days=7)
    subscription = await story.subscribed(await story.product(await story.benefit()))
    late = {"status": "past_due", "past_due_at": clock.now()}
    await story.renewed(subscription, **late)
    clock.move(timedelta(days=6, hours=23))
    assert (await end_grace_periods(database.transaction), await held(story)) == (0, [True])
    clock.move(timedelta(hours=2))
    assert (await end_grace_periods(database.transaction), await held(story)) == (1, [False])
    await story.renewed(subscription, **late)
    assert await held(story) == [False]
    key = await story.key()
    await story.renewed(subscription, status="active", past_due_at=None)
    assert await held(story) == [True]
    assert ((await story.key())["key"], (await story.key())["status"]) == (key["key"], "granted")


async def test_payment_within_the_grace_period_changes_nothing(story, database):
    await story.organization(grace_days=2)
    subscription = await story.subscribed(await story.product(await story.benefit()))
    await story.renewed(subscription, status="past_due", past_due_at=clock.now())
    await story.renewed(subscription, status="active", past_due_at=None)
    clock.move(timedelta(days=3))
    assert (await end_grace_periods(database.transaction), await held(story)) == (0, [True])


async def test_without_grace_a_missing_payment_ends_benefits(story):
    await story.organization()
    subscription = await story.subscribed(await story.product(await story.benefit()))
    await story.renewed(subscription, status="past_due", past_due_at=clock.now())
    assert await held(story) == [False]


async def test_another_grace_period_counts_for_who_is_past_due_already(story, database):
    await story.organization(grace_days=2)
    subscription = await story.subscribed(await story.product(await story.benefit()))
    await story.renewed(subscription, status="past_due", past_due_at=clock.now())
    await story.organization(grace_days=14)
    clock.move(timedelta(days=13))
    assert (await end_grace_periods(database.transaction), await held(story)) == (0, [True])
    clock.move(timedelta(days=2))
    assert (await end_grace_periods(database.transaction), await held(story)) == (1, [False])


async def test_an_order_gives_no_more_once_that_is_said(story, bus):
    order = await story.bought_once(await story.product(await story.benefit()))
    await bus.deliver(story.event(OrderUpdatedV1, order))
    assert await held(story) == [True]
    if "benefits_revoked_at" in Order.model_fields:
        gone = order.model_copy(update={"benefits_revoked_at": clock.now()})
        await bus.deliver(story.event(OrderUpdatedV1, gone))
        assert await held(story) == [False]


async def test_credits_come_with_each_period(story, bus):
    properties = {"units": 100, "rollover": True, "meter_id": await story.meter()}
    subscription = await story.subscribed(
        await story.product(await story.benefit(type="meter_credit", properties=properties))
    )
    (grant,) = await story.grants()
    first = grant["properties"]
    assert (first["last_credited_units"], first["last_credited_meter_id"]) == (100, properties["meter_id"])
    clock.move(timedelta(days=30))
    renewed = await story.renewed(subscription)
    (cycled,) = await bus.recorded(BenefitGrantCycledV1)
    assert cycled.data.properties["last_credited_at"] > first["last_credited_at"]
    assert cycled.data.previous_properties == first
    await story.ended(renewed)
    assert (await story.grants())[0]["properties"]["last_credited_units"] == 0


async def test_a_deleted_benefit_is_taken_from_everybody(story, client, work_off):
    benefit = await story.benefit()
    for _ in range(3):
        await story.bought_once(await story.product(benefit))
    await client.delete(f"/v1/benefits/{benefit['id']}")
    await work_off()
    assert await held(story) == [False, False, False]


async def test_slack_channels_are_refused_clearly(client):
    body = {"type": "slack_shared_channel", "description": "Support", "properties": {}}
    refused = await client.post("/v1/benefits/", json=body)
    assert (refused.status_code, refused.json()["detail"][0]["loc"]) == (422, ["body", "type"])
