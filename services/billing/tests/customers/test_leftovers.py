"""Purchases that an earlier release gave to somebody else: listed with checkout's addresses, and cards taken back."""

import json

import pytest
from billing import commands
from contracts.billing import CustomerUpdatedV1
from sqlalchemy import text

BUYER, OTHER = "ada@strasse.example.com", "ada@straße.example.com"


@pytest.fixture
def bought(bus, client, database, sandbox, purchased):
    """A purchase with one address that 6270c0c kept with the customer of another, whose default its card became."""

    async def buy(email, owner):
        customer = (await client.post("/v1/customers/", json={"email": owner})).json()
        event = purchased(email=email, card=sandbox.card())
        await bus.deliver(event)
        moved = {"customer": customer["id"], "order": event.data.order_id}
        async with database.transaction() as session:
            for table, key in (("orders", "id"), ("payments", "order_id")):
                await session.execute(text(f"update {table} set customer_id = :customer where {key} = :order"), moved)
            await session.execute(text("update subscriptions set customer_id = :customer"), moved)
            await session.execute(text("update payment_methods set customer_id = :customer"), moved)
            default = "update customers set default_payment_method_id = (select id from payment_methods) where id = "
            await session.execute(text(f"{default} :customer"), moved)
        return event.data, customer, [json.dumps({"checkout_id": str(event.data.checkout_id), "email": email})]

    return buy


@pytest.mark.parametrize(
    ("owner", "why"), [(OTHER, "took their addresses for one"), ("eve@example.com", "with another address")]
)
async def test_they_are_named_and_the_card_is_released_once(
    bought, settings, client, bus, capsys, database, owner, why
):
    purchase, customer, lines = await bought(BUYER, owner)
    assert await commands.run_misplaced(settings, lines, repaired=False) == 1
    said = capsys.readouterr().out
    assert f"order {purchase.order_id} belongs to customer {customer['id']}" in said
    assert why in said
    before = len(await bus.recorded(CustomerUpdatedV1))
    for _ in range(2):
        assert await commands.run_misplaced(settings, lines, repaired=True) == 0
    (told,) = (await bus.recorded(CustomerUpdatedV1))[before:]
    assert told.data.default_payment_method_id is None
    async with database.transaction() as session:
        paying = "select s.payment_method_id = m.id from subscriptions s, payment_methods m"
        assert (await session.execute(text(paying))).scalar_one()
    assert await commands.run_misplaced(settings, lines, repaired=False) == 0
    assert f"order {purchase.order_id}" in capsys.readouterr().out, "whose the order is, a person decides"


async def test_who_changed_their_own_address_is_not_named(bus, client, purchased, sandbox, settings, capsys):
    event = purchased(email=BUYER, card=sandbox.card())
    await bus.deliver(event)
    (order,) = (await client.get("/v1/orders/")).json()["items"]
    changed = await client.patch(f"/v1/customers/{order['customer_id']}", json={"email": "new@example.com"})
    assert changed.status_code == 200
    lines = [json.dumps({"checkout_id": str(event.data.checkout_id), "email": BUYER})]
    assert await commands.run_misplaced(settings, lines, repaired=True) == 0
    assert capsys.readouterr().out == ""
