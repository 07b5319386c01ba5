"""What the tests of renewals do over and over: time passes, and everything that is due is done."""

from datetime import datetime, timedelta

from billing.payments.timers import collect_due
from billing.subscriptions.renewals import renew_due
from servicekit import clock

DAY = timedelta(days=1)


async def go_to(instant):
    clock.move(instant - clock.now() + timedelta(seconds=1))


async def renewed(database, processor):
    """Everything that is due is done."""
    while await renew_due(database.transaction) + await collect_due(database.transaction, processor):
        pass


async def subscription_of(client, event):
    return (await client.get(f"/v1/subscriptions/{event.data.subscription_id}")).json()


async def orders_of(client):
    return (await client.get("/v1/orders/", params={"sorting": "created_at", "limit": 100})).json()["items"]


def instant(text_of):
    return datetime.fromisoformat(text_of.replace("Z", "+00:00"))
