"""Sales at chosen instants, and what the metrics say of them."""

from datetime import datetime

import pytest
from billing.orders.dunning import retry_due
from billing.payments.timers import collect_due
from billing.subscriptions.renewals import renew_due
from billing.subscriptions.timers import end_canceled_subscriptions, pause_subscriptions, resume_subscriptions
from servicekit import clock


def instant_of(text):
    """An instant as the API writes it."""
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def go_to(instant):
    """Moves the clock to an instant; it goes on from there."""
    clock.move(instant_of(instant) - clock.now())


@pytest.fixture
def sell(bus, purchased):
    """Sells at an instant: for 100.00 once, unless told otherwise. Returns the purchase."""

    async def made(instant, amount=10000, interval=None, count=1, **changes):
        go_to(instant)
        at = {"succeeded_at": instant_of(instant), "confirmed_at": instant_of(instant)}
        event = purchased(amount=amount, interval=interval, **at, **changes)
        if interval:
            event.data.product.recurring_interval_count = count
        await bus.deliver(event)
        return event.data

    return made


@pytest.fixture
def work(database, processor):
    """Goes to an instant, and does everything that is due there."""

    async def done(instant):
        go_to(instant)
        transaction = database.transaction
        while (
            await end_canceled_subscriptions(transaction)
            + await pause_subscriptions(transaction)
            + await resume_subscriptions(transaction)
            + await renew_due(transaction)
            + await collect_due(transaction, processor)
            + await retry_due(transaction)
        ):
            pass

    return done


@pytest.fixture
def ask(client):
    """Asks for metrics; returns the answer. `dates` are the first and the last of the range."""

    async def asked(dates, interval="day", *slugs, **more):
        first, _, last = dates.partition("/")
        query = {"start_date": first, "end_date": last or first, "interval": interval, **more}
        if slugs:
            query["metrics"] = list(slugs)
        answer = await client.get("/v1/metrics/", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    return asked


@pytest.fixture
def values(ask):
    """The values of one metric by bucket, and its total at the end."""

    async def found(slug, dates, interval="day", **more):
        answer = await ask(dates, interval, slug, **more)
        assert set(answer["metrics"]) == {slug}
        return [*(period[slug] for period in answer["periods"]), answer["totals"][slug]]

    return found
