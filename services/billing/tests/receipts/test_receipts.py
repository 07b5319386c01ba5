"""Receipts: numbered when an order is paid, and mailed once where the seller lets them."""

from datetime import timedelta

import pytest
from billing.receipts.operations import FREE_MAILS
from contracts.identity import CustomerEmailSettings, Organization, OrganizationCreatedV1
from servicekit import clock
from sqlalchemy import text


async def mails(database):
    async with database.transaction() as session:
        return (await session.execute(text("select recipient, subject, body from mails order by id"))).all()


async def told(bus, organization_id, **settings):
    data = Organization(
        id=organization_id, created_at=clock.now(), modified_at=None, name="Acme\nShop", slug="acme", avatar_url=None,
        email=None, website=None, country="DE", **settings,
    )  # fmt: skip
    await bus.deliver(OrganizationCreatedV1(subject=data.id, organization_id=data.id, time=data.created_at, data=data))


async def test_a_paid_order_has_a_receipt_and_its_mail_once(client, bus, purchased, organization_id, database):
    await told(bus, organization_id)
    event = purchased(amount=2900, tax=551, interval=None)
    await bus.deliver(event)
    await bus.deliver(event)
    order = (await client.get(f"/v1/orders/{event.data.order_id}")).json()
    assert order["receipt_number"].startswith("RCPT-")
    assert order["receipt_number"].endswith("-0001")
    assert order["invoice_number"].startswith("ACME-")
    (mail,) = await mails(database)
    assert (mail.recipient, mail.subject) == (
        "ada@example.com",
        f"Your receipt from Acme Shop ({order['receipt_number']})",
    )
    for shown in ("29.00 USD", "5.51 USD", "34.51 USD", order["invoice_number"]):
        assert shown in mail.body


async def test_what_costs_nothing_is_confirmed_without_a_receipt(client, bus, purchased, database):
    event = purchased(amount=2900, off=2900)
    await bus.deliver(event)
    assert (await client.get(f"/v1/orders/{event.data.order_id}")).json()["receipt_number"] is None
    (mail,) = await mails(database)
    assert mail.subject == "Your order at the shop"
    assert "Nothing was charged" in mail.body


async def test_nobody_is_flooded_with_mails_about_what_costs_nothing(bus, purchased, database):
    """Anybody may take it, as often as they like, with anybody's address; a day later there is a mail again."""
    for _ in range(FREE_MAILS + 3):
        await bus.deliver(purchased(amount=0, interval=None))
    await bus.deliver(purchased(amount=0, interval=None, email="else@example.com"))
    assert [mail.recipient for mail in await mails(database)] == ["ada@example.com"] * FREE_MAILS + ["else@example.com"]
    clock.move(timedelta(days=1))
    await bus.deliver(purchased(amount=0, interval=None))
    assert len(await mails(database)) == FREE_MAILS + 2


@pytest.mark.parametrize(("interval", "switch"), [(None, "order_confirmation"), ("month", "subscription_confirmation")])
async def test_a_seller_may_switch_the_mails_off(client, bus, purchased, organization_id, database, interval, switch):
    await told(bus, organization_id, customer_email_settings=CustomerEmailSettings(**{switch: False}))
    event = purchased(interval=interval)
    await bus.deliver(event)
    assert (await client.get(f"/v1/orders/{event.data.order_id}")).json()["receipt_number"]
    assert await mails(database) == []
