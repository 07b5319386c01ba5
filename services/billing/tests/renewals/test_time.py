"""Defects of others about time, as cases: zones, trials that end on the billing day, loops after an outage."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from billing.payments.timers import collect_due
from billing.subscriptions.renewals import renew_due
from servicekit import clock

PERIODS = """
from datetime import UTC, datetime
from billing.subscriptions.models import next_period_end
for began in (datetime(2027, 1, 31, 11, 30, tzinfo=UTC), datetime(2028, 2, 29, 12, 30, tzinfo=UTC)):
    for interval in ("day", "week", "month", "year"):
        print(next_period_end(began, interval, 1, began.day).isoformat())
"""


def test_the_zone_of_the_machine_is_no_part_of_a_period():
    def printed(zone):
        environment = {"PATH": "/usr/bin:/bin", "TZ": zone}
        done = subprocess.run(
            [sys.executable, "-c", PERIODS], env=environment, capture_output=True, text=True, check=True
        )
        return done.stdout

    expected = printed("UTC")
    assert expected.splitlines()[2] == "2027-02-28T11:30:00+00:00"
    # UTC+14 and UTC-12: nowhere is it another day than here and there at once.
    assert {printed(zone) for zone in ("Pacific/Kiritimati", "Etc/GMT+12", "Europe/Berlin")} == {expected}


@pytest.mark.parametrize(
    ("typed", "instant", "following"),
    [
        ("2027-03-01T00:30:00+14:00", "2027-02-28T10:30:00Z", "2027-03-28T10:30:00Z"),
        ("2027-02-28T23:30:00-12:00", "2027-03-01T11:30:00Z", "2027-04-01T11:30:00Z"),
    ],
)
async def test_the_day_of_a_period_is_that_of_utc_wherever_it_was_typed(
    client, bus, purchased, database, processor, sandbox, typed, instant, following
):
    event = purchased(card=sandbox.card())
    event.data.succeeded_at = datetime(2027, 1, 15, 9, tzinfo=UTC)
    clock.move(event.data.succeeded_at - clock.now())
    await bus.deliver(event)
    path = f"/v1/subscriptions/{event.data.subscription_id}"
    changed = await client.patch(path, json={"current_billing_period_end": typed})
    assert changed.status_code == 200, changed.text
    assert changed.json()["current_period_end"] == instant
    clock.move(datetime.fromisoformat(instant) - clock.now() + timedelta(seconds=1))
    assert await renew_due(database.transaction) == 1
    assert (await client.get(path)).json()["current_period_end"] == following


async def test_a_trial_that_ends_on_the_billing_day_is_billed_once(
    client, bus, purchased, database, processor, sandbox
):
    """28 January and 31 days are 28 February, the day on which a month without a trial would have been billed too."""
    event = purchased(card=sandbox.card())
    began = datetime(2027, 1, 28, 9, tzinfo=UTC)
    event.data.succeeded_at, event.data.trial_end = began, began + timedelta(days=31)
    event.data.payment = None
    clock.move(began - clock.now())
    await bus.deliver(event)
    for day, count in ((datetime(2027, 2, 28, 8, tzinfo=UTC), 1), (datetime(2027, 2, 28, 10, tzinfo=UTC), 2)):
        clock.move(day - clock.now())
        while await renew_due(database.transaction) + await collect_due(database.transaction, processor):
            pass
        orders = (await client.get("/v1/orders/?sorting=created_at")).json()["items"]
        assert [order["total_amount"] for order in orders] == [0, 9900][:count]
    found = (await client.get(f"/v1/subscriptions/{event.data.subscription_id}")).json()
    assert (found["current_period_start"], found["current_period_end"]) == (
        "2027-02-28T09:00:00Z", "2027-03-28T09:00:00Z",
    )  # fmt: skip


async def test_an_outage_is_caught_up_once_and_then_nothing_is_due(
    client, bus, purchased, database, processor, sandbox
):
    """A hundred days without a worker: each period is billed once, in its order, and no loop goes on behind today."""
    event = purchased(card=sandbox.card())
    await bus.deliver(event)
    clock.move(timedelta(days=100))
    rounds = 0
    while await renew_due(database.transaction):
        rounds += 1
        assert rounds < 10, "it never ends"
    found = (await client.get(f"/v1/subscriptions/{event.data.subscription_id}")).json()
    assert datetime.fromisoformat(found["current_period_end"]) > clock.now()
    orders = (await client.get("/v1/orders/?sorting=created_at")).json()["items"]
    assert len(orders) == rounds + 1 == 4
    begins = [order["items"][0]["start_timestamp"] for order in orders]
    assert begins == sorted(set(begins))
    while await collect_due(database.transaction, processor):
        pass
    assert await renew_due(database.transaction) == 0
    assert sandbox.summary()["succeeded"] == 3
