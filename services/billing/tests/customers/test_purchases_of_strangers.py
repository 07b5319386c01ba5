"""Anybody can type anybody's e-mail at a checkout: what a purchase may do to a customer who exists."""

import pytest
from contracts.billing import CustomerUpdatedV1
from servicekit import clock, ids
from sqlalchemy import text

from services.billing.tests.renewals.steps import DAY, orders_of, renewed

EVIL = {
    "name": "Eve", "billing_name": "Evil Corp", "billing_address": {"country": "FR"}, "tax_id": "FR23334175221",
    "tax_id_format": "eu_vat",
}  # fmt: skip


async def made(client, **fields):
    answer = await client.post("/v1/customers/", json={"email": "ada@example.com", **fields})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def read(client, customer):
    return (await client.get(f"/v1/customers/{customer['id']}")).json()


async def owner_of(client, event):
    (order,) = (await client.get("/v1/orders/", params={"checkout_id": str(event.data.checkout_id)})).json()["items"]
    return order["customer_id"]


async def test_a_stranger_s_purchase_fills_nothing_in(client, bus, purchased, sandbox):
    """Case 15: the details stay on the order; the card is kept for its subscription, and is no default."""
    customer = await made(client)
    event = purchased(customer=EVIL, card=sandbox.card())
    await bus.deliver(event)
    assert await owner_of(client, event) == customer["id"]
    assert await read(client, customer) == customer
    assert await bus.recorded(CustomerUpdatedV1) == []
    (order,) = await orders_of(client)
    assert (order["billing_name"], order["billing_address"]["country"]) == ("Evil Corp", "FR")
    (card,) = (await client.get(f"/v1/customers/{customer['id']}/payment-methods")).json()["items"]
    assert card["is_default"] is False


async def test_renewals_are_made_out_as_the_checkout_was_for_that_subscription_alone(
    client, bus, purchased, sandbox, database, processor
):
    """The place decides over the tax: it is neither lost with the profile, nor given to other subscriptions."""
    await made(client)
    mine = purchased(customer={"name": None, "billing_address": None}, card=sandbox.card())
    theirs = purchased(customer=EVIL, card=sandbox.card())
    for event in (mine, theirs):
        await bus.deliver(event)
    clock.move(32 * DAY)
    await renewed(database, processor)
    places = {
        one["subscription_id"]: (one["billing_name"], (one["billing_address"] or {}).get("country"))
        for one in await orders_of(client)
        if one["billing_reason"] == "subscription_cycle"
    }
    assert places == {
        str(mine.data.subscription_id): (None, None),
        str(theirs.data.subscription_id): ("Evil Corp", "FR"),
    }
    async with database.transaction() as session:
        numbers = await session.execute(
            text("select tax_id ->> 0 from orders where billing_reason = 'subscription_cycle' order by 1 nulls last")
        )
        assert list(numbers.scalars()) == ["FR23334175221", None]


async def test_a_promised_id_does_not_take_a_purchase_from_who_has_the_email(client, bus, purchased, sandbox):
    """Case 2: the id of the attacker, from an earlier attempt of the checkout, with the payer's e-mail."""
    eve = await made(client, email="eve@example.com")
    event = purchased(email="victim@example.com", customer={"id": eve["id"]}, card=sandbox.card())
    await bus.deliver(event)
    owner = await owner_of(client, event)
    assert owner != eve["id"]
    assert (await client.get(f"/v1/customers/{owner}")).json()["email"] == "victim@example.com"
    again = purchased(email="victim@example.com", customer={"id": eve["id"]}, card=sandbox.card())
    await bus.deliver(again)
    assert await owner_of(client, again) == owner
    assert await read(client, eve) == eve
    assert (await client.get(f"/v1/customers/{eve['id']}/payment-methods")).json()["items"] == []


async def test_whom_the_seller_named_buys_whatever_their_email_is_now(client, bus, purchased, sandbox):
    customer = await made(client, email="new@example.com")
    event = purchased(email="old@example.com", customer={"id": customer["id"], "is_named": True}, card=sandbox.card())
    await bus.deliver(event)
    assert await owner_of(client, event) == customer["id"]
    (card,) = (await client.get(f"/v1/customers/{customer['id']}/payment-methods")).json()["items"]
    assert card["is_default"] is True


async def test_mailboxes_that_fold_alike_are_two_customers(client, bus, purchased):
    """Case 7, also for ids that the released version promised to both."""
    shared = ids.uuid7()
    events = [purchased(email=f"ada@{host}.example", customer={"id": shared}) for host in ("straße", "strasse")]
    for event in events:
        await bus.deliver(event)
    assert len({await owner_of(client, event) for event in events}) == 2
    both = [await made(client, email=f"bob@{host}.example") for host in ("straße", "strasse")]
    assert both[0]["id"] != both[1]["id"]


@pytest.mark.parametrize(("links", "known", "expected"), [(True, None, "x"), (False, None, None), (True, "y", "y")])
async def test_an_external_id_is_linked_where_the_seller_said_whose_it_is(
    client, bus, purchased, links, known, expected
):
    """F8: set on a customer without one; a typed e-mail alone does not lead the seller's id to its customer."""
    customer = await made(client, external_id=known)
    await bus.deliver(purchased(customer={"external_id": "x", "links_external_id": links}))
    assert (await read(client, customer))["external_id"] == expected


async def test_an_external_id_that_another_has_is_not_linked(client, bus, purchased):
    customer = await made(client)
    await made(client, email="other@example.com", external_id="x")
    await bus.deliver(purchased(customer={"external_id": "x", "links_external_id": True}))
    assert (await read(client, customer))["external_id"] is None
