"""The mails of a subscription's life: each once, none that the seller switched off, none about what is over."""

from datetime import timedelta

import pytest
from billing.disputes.operations import hear
from billing.mails.operations import is_over
from billing.orders.dunning import retry_due
from billing.payment_methods.expiry import remind_of_cards
from billing.payment_methods.models import PaymentMethod
from billing.payments.timers import collect_due
from billing.subscriptions.reminders import remind_due
from billing.subscriptions.renewals import renew_due
from billing.subscriptions.timers import end_canceled_subscriptions, pause_subscriptions
from contracts.identity import CustomerEmailSettings, NotificationSettings, Organization, OrganizationCreatedV1
from servicekit import clock
from servicekit.mail import send_mails
from sqlalchemy import select, text

DAY = timedelta(days=1)
SWITCHES = sorted(CustomerEmailSettings.model_fields)


async def sells(bus, organization_id, *, wanted, notified=False):
    data = Organization(
        id=organization_id, created_at=clock.now(), modified_at=None, name="Acme <Shop>", slug="acme", avatar_url=None,
        email="help@acme.example", website=None, country="DE",
        customer_email_settings=CustomerEmailSettings(**dict.fromkeys(SWITCHES, wanted)),
        notification_settings=NotificationSettings(**dict.fromkeys(NotificationSettings.model_fields, notified)),
    )  # fmt: skip
    await bus.deliver(OrganizationCreatedV1(subject=data.id, organization_id=data.id, time=data.created_at, data=data))


async def kinds(database):
    async with database.transaction() as session:
        return list((await session.execute(text("select kind from mails order by id"))).scalars())


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

    async def live():
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


async def test_each_mail_of_a_life_is_written_once(bus, organization_id, database, lives):
    await sells(bus, organization_id, wanted=True)
    await lives()
    assert await kinds(database) == [
        "order_confirmation", "payment_method_expiration_reminder", "subscription_trial_conversion_reminder",
        "order_confirmation", "order_confirmation", "subscription_cancellation", "subscription_uncanceled",
        "subscription_paused", "subscription_resumed", "subscription_past_due", "payment_failed",
        "subscription_revoked",
    ]  # fmt: skip


async def test_none_is_written_where_every_switch_is_off(bus, organization_id, database, lives):
    await sells(bus, organization_id, wanted=False)
    await lives()
    assert await kinds(database) == []


async def test_what_is_over_is_not_sent_and_the_rest_has_both_parts(bus, organization_id, database, lives):
    await sells(bus, organization_id, wanted=True)
    await lives()
    sent = []

    async def send(message):
        sent.append(message)

    while await send_mails(send, "billing@example.com", "https://shop.example", is_over)(database.transaction):
        pass
    subjects = [one["Subject"].partition(" (")[0] for one in sent]
    assert sorted(subjects) == sorted([
        "Your trial of Pro Plan", "Your receipt from Acme <Shop>", "Your receipt from Acme <Shop>",
        "Your card for Acme <Shop> expires soon", "Your subscription to Pro Plan has ended",
    ])  # fmt: skip
    for message in sent:
        plain, html = message.iter_parts()
        assert (plain.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
        assert "Acme &lt;Shop&gt;" in html.get_content()
        assert "https://shop.example/acme/portal" in plain.get_content()


async def test_a_purchase_that_nobody_proved_says_what_to_do(bus, purchased, organization_id, database):
    await sells(bus, organization_id, wanted=True)
    await bus.deliver(purchased(interval=None))
    await bus.deliver(purchased(interval=None, customer={"is_named": True}))
    await bus.deliver(purchased(interval=None, email="bob@example.com", customer={"locale": "de-AT"}))
    async with database.transaction() as session:
        typed, named, german = (await session.execute(text("select body from mails order by id"))).scalars()
    assert "not by you?" in typed
    assert "help@acme.example" in typed
    assert "not by you?" not in named
    assert "nicht von Ihnen?" in german


async def test_a_changed_address_and_a_refund_are_written_of(
    client, bus, purchased, organization_id, database, sandbox, processor
):
    await sells(bus, organization_id, wanted=False)
    event = purchased(interval=None, amount=1234500, processor_id=sandbox.pay(1234500))
    await bus.deliver(event)
    order = (await client.get(f"/v1/orders/{event.data.order_id}")).json()
    customer = f"/v1/customers/{order['customer_id']}"
    assert (await client.patch(customer, json={"locale": "de", "email": "lovelace@example.com"})).status_code == 200
    assert (await client.patch(customer, json={"email": "Lovelace@example.com"})).status_code == 200
    refund = {"order_id": order["id"], "amount": 123450, "reason": "customer_request"}
    assert (await client.post("/v1/refunds/", json=refund)).status_code in (200, 201)
    async with database.transaction() as session:
        written = (await session.execute(text("select kind, recipient, subject, body from mails order by id"))).all()
    assert [one[:3] for one in written] == [
        ("email_changed", "ada@example.com", "Ihre E-Mail-Adresse bei Acme <Shop> wurde geändert"),
        ("refund", "Lovelace@example.com", "Ihre Erstattung von Acme <Shop>"),
    ]
    assert "1.234,50 USD" in written[1].body
    assert "lovelace" not in written[0].body


async def test_sellers_are_written_of_sales_and_disputes_where_they_want_it(
    bus, purchased, organization_id, database, sandbox
):
    await sells(bus, organization_id, wanted=False, notified=True)
    event = purchased(interval=None, amount=1500)
    await bus.deliver(event)
    await bus.deliver(event)
    dispute = {
        "id": "dp_1", "object": "dispute", "amount": 1500, "currency": "usd", "status": "needs_response",
        "payment_intent": event.data.payment.processor_id, "created": int(clock.now().timestamp()),
        "reason": "fraudulent", "balance_transactions": [], "evidence_details": {"due_by": None},
    }  # fmt: skip
    async with database.transaction() as session:
        assert await hear(session, dispute)
        assert await hear(session, dispute)
    async with database.transaction() as session:
        written = (await session.execute(text("select recipient, subject from mails order by id"))).all()
    assert written == [
        ("help@acme.example", "New sale: Pro Plan"),
        ("help@acme.example", "A payment of 15.00 USD is disputed"),
    ]
