"""The mails of a subscription's life: each once, none that the seller switched off, none about what is over."""

from billing.mails.operations import is_over
from servicekit.mail import send_mails
from sqlalchemy import text


async def kinds(database):
    async with database.transaction() as session:
        return list((await session.execute(text("select kind from mails order by id"))).scalars())


async def test_each_mail_of_a_life_is_written_once(database, lives, sells):
    await sells(wanted=True)
    await lives()
    assert await kinds(database) == [
        "order_confirmation", "payment_method_expiration_reminder", "subscription_trial_conversion_reminder",
        "order_confirmation", "order_confirmation", "subscription_cancellation", "subscription_uncanceled",
        "subscription_paused", "subscription_resumed", "subscription_past_due", "payment_failed",
        "subscription_revoked",
    ]  # fmt: skip


async def test_what_is_over_is_not_sent_and_the_rest_has_both_parts(database, lives, sells):
    await sells(wanted=True)
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


async def test_a_purchase_that_nobody_proved_says_what_to_do(bus, purchased, database, sells):
    await sells(wanted=True)
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
    client, bus, purchased, database, sandbox, processor, sells
):
    await sells(wanted=False)
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
