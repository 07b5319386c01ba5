"""A subscription is charged to its own card: that of its checkout, or one that its customer or the seller chose."""

import importlib.util
from pathlib import Path

import pytest
from servicekit import clock
from servicekit.testing.harness import signed_headers
from sqlalchemy import text

from services.billing.tests.renewals.steps import DAY, orders_of, renewed, subscription_of

MINE = "/v1/customer-portal/customers/me/payment-methods"
MIGRATION = Path(__file__).parents[2] / "migrations" / "versions" / "0023_cards_of_subscriptions.py"


@pytest.fixture
def portal(organization_id):
    def headers(event):
        return signed_headers(organization_id, "customer_portal:write", customer_id=event.data.customer.id)

    return headers


@pytest.fixture
async def victim(bus, purchased, sandbox):
    """A customer with a default card, kept by a purchase of their own."""
    event = purchased(card=sandbox.card())
    await bus.deliver(event)
    return event


@pytest.fixture
async def stranger_s(bus, purchased, victim):
    """A subscription that somebody began for the victim's e-mail, without a card."""
    event = purchased(off=9900)
    await bus.deliver(event)
    return event


async def cards(database):
    joined = "subscriptions s left join payment_methods m on m.id = s.payment_method_id"
    statement = text(f"select s.id, m.processor_id from {joined}")
    async with database.transaction() as session:
        return {str(row.id): row.processor_id for row in (await session.execute(statement)).all()}


async def payments_of(client, event):
    orders = [one for one in await orders_of(client) if one["subscription_id"] == str(event.data.subscription_id)]
    found = [await client.get("/v1/payments/", params={"order_id": one["id"]}) for one in orders]
    return [(one["status"], one["decline_reason"]) for answer in found for one in answer.json()["items"]]


async def test_a_stranger_s_subscription_is_never_charged_to_the_saved_card(
    client, victim, stranger_s, database, processor, sandbox
):
    """Case 1: the first month was free by a discount; the second is the stranger's to pay, not the victim's."""
    clock.move(32 * DAY)
    await renewed(database, processor)
    assert await payments_of(client, stranger_s) == [("failed", "no_payment_method")]
    assert (await subscription_of(client, stranger_s))["status"] == "past_due"
    assert (await payments_of(client, victim))[-1] == ("succeeded", None)
    assert sandbox.summary()["succeeded"] == 1


async def test_a_card_of_a_later_purchase_pays_for_that_purchase_alone(
    client, bus, purchased, victim, stranger_s, database, processor, sandbox
):
    """Case 1's kind: a public purchase moves no subscription in dunning onto its card."""
    clock.move(32 * DAY)
    await renewed(database, processor)
    was = await cards(database)
    other = purchased(card=sandbox.card("pm_card_mastercard"))
    await bus.deliver(other)
    clock.move(3 * DAY)
    await renewed(database, processor)
    now = await cards(database)
    assert now == {**was, str(other.data.subscription_id): other.data.payment.processor_payment_method_id}
    assert ("succeeded", None) not in await payments_of(client, stranger_s)
    listed = (await client.get(f"/v1/customers/{victim.data.customer.id}/payment-methods")).json()["items"]
    assert [one["is_default"] for one in listed] == [False, True]


@pytest.mark.parametrize("set_default", [True, False])
async def test_a_card_added_in_the_portal_pays_for_what_had_none(
    client, victim, stranger_s, database, processor, portal, set_default
):
    body = {
        "confirmation_token_id": "pm_card_mastercard",
        "set_default": set_default,
        "return_url": "https://a.example/",
    }
    added = await client.post(MINE, headers=portal(victim), json=body)
    assert added.status_code == 201, added.text
    held = await cards(database)
    assert held[str(victim.data.subscription_id)] == victim.data.payment.processor_payment_method_id
    assert held[str(stranger_s.data.subscription_id)] is not None
    clock.move(32 * DAY)
    await renewed(database, processor)
    assert await payments_of(client, stranger_s) == [("succeeded", None)]


async def test_a_removed_card_s_subscription_goes_on_with_the_default(
    client, bus, purchased, victim, database, portal, sandbox
):
    """Not with the latest card, which may be one of somebody else's purchase."""
    second, stranger = purchased(card=sandbox.card()), purchased(card=sandbox.card())
    for event in (second, stranger):
        await bus.deliver(event)
    listed = (await client.get(MINE, headers=portal(victim))).json()["items"]
    assert [one["is_default"] for one in listed] == [False, False, True]
    assert (await client.delete(f"{MINE}/{listed[1]['id']}", headers=portal(victim))).status_code == 204
    held = await cards(database)
    assert held[str(second.data.subscription_id)] == victim.data.payment.processor_payment_method_id


async def test_the_migration_keeps_what_the_released_version_charges(victim, stranger_s, database):
    """Subscriptions without a card of their own get the default that it fell back to; others keep theirs."""
    spec = importlib.util.spec_from_file_location("migration", MIGRATION)
    migration = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(migration)
    before = await cards(database)
    for _ in range(2):
        async with database.transaction() as session:
            await session.execute(text(migration.FALLBACK))
        card = victim.data.payment.processor_payment_method_id
        assert await cards(database) == {**before, str(stranger_s.data.subscription_id): card}
