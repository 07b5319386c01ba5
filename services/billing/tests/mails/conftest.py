"""A seller with switches of its own, and a subscription that lives through everything that a mail is written of."""

from datetime import timedelta

import pytest
from billing.orders.dunning import retry_due
from billing.payment_methods.expiry import remind_of_cards
from billing.payment_methods.models import PaymentMethod
from billing.payments.timers import collect_due
from billing.subscriptions.reminders import remind_due
from billing.subscriptions.renewals import renew_due
from billing.subscriptions.timers import end_canceled_subscriptions, pause_subscriptions
from contracts.identity import CustomerEmailSettings, NotificationSettings, Organization, OrganizationCreatedV1
from servicekit import clock
from sqlalchemy import select

DAY = timedelta(days=1)


@pytest.fixture
def sells(bus, organization_id):
    """Announces the seller; `wanted` and `notified` are the switches that are on, or whether all are."""

    async def announce(*, wanted, notified=False, **fields):
        data = Organization(
            id=organization_id, created_at=clock.now(), modified_at=None, name="Acme <Shop>", slug="acme",
            avatar_url=None, email="help@acme.example", website=None, country="DE",
            customer_email_settings=CustomerEmailSettings(**switched(CustomerEmailSettings, wanted)),
            notification_settings=NotificationSettings(**switched(NotificationSettings, notified)), **fields,
        )  # fmt: skip
        event = OrganizationCreatedV1(subject=data.id, organization_id=data.id, time=data.created_at, data=data)
        await bus.deliver(event)

    return announce


def switched(settings, on):
    return {name: on if isinstance(on, bool) else name in on for name in settings.model_fields}


async def card_expires(database, at):
    async with database.transaction() as session:
        for method in (await session.execute(select(PaymentMethod))).scalars():
            method.method_metadata = {"last4": "4242", "exp_year": at.year, "exp_month": at.month}


@pytest.fixture
def lives(client, bus, purchased, database, processor, sandbox):
    """Walks a subscription from its trial to its end; returns its purchase."""

    async def renewed():
        await renew_due(database.transaction)
        await collect_due(database.transaction, processor)

    async def live(change_to=None):
        customer, card = sandbox.card()
        event = purchased(card=(customer, card))
        event.data.payment, event.data.total_amount = None, 0
        event.data.trial_end = event.data.succeeded_at + 14 * DAY
        event.data.setup = type(event.data).model_fields["setup"].annotation.__args__[0](
            processor="stripe", processor_customer_id=customer, processor_payment_method_id=card,
            method="card", method_metadata={"brand": "visa", "last4": "4242"},
        )  # fmt: skip
        await bus.deliver(event)
        await bus.deliver(event)
        path = f"/v1/subscriptions/{event.data.subscription_id}"

        async def patch(**body):
            answer = await client.patch(path, json=body)
            assert answer.status_code == 200, answer.text

        await card_expires(database, clock.wall())
        for _ in range(2):
            await remind_of_cards(database.transaction)
        clock.move(12 * DAY)
        for _ in range(2):
            await remind_due(database.transaction)
        clock.move(3 * DAY)
        await renewed()  # the first period after the trial
        clock.move(32 * DAY)
        await renewed()
        if change_to:
            await patch(product_id=str(change_to))
        await patch(cancel_at_period_end=True)
        await patch(cancel_at_period_end=False)
        await patch(pause_at_period_end=True)
        clock.move(32 * DAY)
        await pause_subscriptions(database.transaction)
        sandbox.faults(decline="insufficient_funds")
        await patch(resume=True)
        await collect_due(database.transaction, processor)
        clock.move(3 * DAY)
        await retry_due(database.transaction)
        await collect_due(database.transaction, processor)
        sandbox.faults(decline="")
        await patch(revoke=True)
        await end_canceled_subscriptions(database.transaction)
        return event.data

    return live
