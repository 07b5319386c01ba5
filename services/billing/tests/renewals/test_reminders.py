"""Customers are reminded once of what falls due, where the seller wants it."""

from datetime import timedelta

import pytest
from billing.subscriptions.reminders import remind_due
from servicekit import clock
from sqlalchemy import text

DAY = timedelta(days=1)


async def mails(database):
    async with database.transaction() as session:
        written = text("select subject from mails where kind like '%reminder' order by id")
        return list((await session.execute(written)).scalars())


async def reminded(database, after):
    clock.move(after)
    while await remind_due(database.transaction):
        pass
    return [one.partition(" on ")[0] for one in await mails(database)]


async def test_a_year_is_announced_a_week_ahead_and_once(bus, purchased, database):
    await bus.deliver(purchased(interval="year"))
    assert await reminded(database, 350 * DAY) == []
    assert await reminded(database, 9 * DAY) == ["Your subscription to Pro Plan renews"]
    assert len(await reminded(database, DAY)) == 1


async def test_a_month_is_not(bus, purchased, database):
    await bus.deliver(purchased())
    assert await reminded(database, 29 * DAY) == []


@pytest.mark.parametrize(("days", "ahead"), [(14, 3), (3, 3), (2, 1)])
async def test_trials_are_three_days_or_one_ahead(bus, purchased, database, days, ahead):
    event = purchased()
    event.data.payment, event.data.trial_end = None, event.data.succeeded_at + days * DAY
    await bus.deliver(event)
    if days > ahead:
        assert await reminded(database, (days - ahead) * DAY - timedelta(minutes=1)) == []
    assert await reminded(database, timedelta(minutes=2)) == ["Your trial of Pro Plan ends"]


async def test_a_canceled_one_is_not(client, bus, purchased, database):
    event = purchased(interval="year")
    await bus.deliver(event)
    await client.patch(f"/v1/subscriptions/{event.data.subscription_id}", json={"cancel_at_period_end": True})
    assert await reminded(database, 360 * DAY) == []


async def test_the_seller_may_switch_it_off(bus, purchased, database):
    event = purchased(interval="year")
    await bus.deliver(event)
    async with database.transaction() as session:
        await session.execute(
            text("insert into organizations (id, sequence, data) values (:id, 1, "
                 "'{\"customer_email_settings\": {\"subscription_renewal_reminder\": false}}')"),
            {"id": event.organization_id},
        )  # fmt: skip
    assert await reminded(database, 360 * DAY) == []
