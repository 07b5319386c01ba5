"""A subscription is charged to its own card: that of its checkout, or one that its customer or the seller chose."""

import importlib.util
from pathlib import Path

import pytest
from billing import commands
from billing.audit.run import audit
from billing.invariants import INVARIANTS
from servicekit import clock
from servicekit.invariants import Invariants
from servicekit.testing.harness import signed_headers
from sqlalchemy import text

from services.billing.tests.renewals.steps import DAY, orders_of, renewed, subscription_of

MINE = "/v1/customer-portal/customers/me/payment-methods"
MIGRATIONS = Path(__file__).parents[2] / "migrations" / "versions"


@pytest.fixture
def portal(organization_id):
    def headers(event):
        return signed_headers(organization_id, "customer_portal:write", customer_id=event.data.customer.id)

    return headers


@pytest.fixture
async def victim(bus, purchased, sandbox, seller):
    """A customer with a default card, kept by a purchase that the seller sold to them."""
    await seller()
    event = purchased(card=sandbox.card(), customer={"is_named": True})
    await bus.deliver(event)
    return event


@pytest.fixture
async def stranger_s(bus, purchased, victim):
    """A subscription that somebody began for the victim's e-mail, without a card."""
    event = purchased(off=9900)
    await bus.deliver(event)
    return event


async def added(client, headers, *, set_default=True):
    body = {
        "confirmation_token_id": "pm_card_mastercard",
        "set_default": set_default,
        "return_url": "https://a.example/",
    }
    answer = await client.post(MINE, headers=headers, json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()["payment_method"]["id"]


async def choose(client, headers, event, card):
    """In the portal, or with the seller's token (no headers)."""
    area = "customer-portal/" if headers else ""
    path = f"/v1/{area}subscriptions/{event.data.subscription_id}"
    return await client.patch(path, headers=headers, json={"payment_method_id": card})


async def broken(database):
    invariants = Invariants(INVARIANTS)
    await invariants.check(database.transaction)
    own = {one.name for one in INVARIANTS}
    return {name: one.broken_by for name, one in invariants.states.items() if not one.holds and name in own}


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
async def test_a_card_added_in_the_portal_pays_for_the_customer_s_own_alone(
    client, bus, purchased, victim, stranger_s, database, processor, portal, set_default
):
    """A subscription that the seller sold to the customer gets it; one that somebody began waits until it is chosen."""
    own = purchased(off=9900, customer={"is_named": True})
    await bus.deliver(own)
    card = await added(client, portal(victim), set_default=set_default)
    held = await cards(database)
    assert held[str(victim.data.subscription_id)] == victim.data.payment.processor_payment_method_id
    assert held[str(own.data.subscription_id)] is not None
    assert held[str(stranger_s.data.subscription_id)] is None
    chosen = await choose(client, portal(victim), stranger_s, card)
    assert chosen.status_code == 200, chosen.text
    clock.move(32 * DAY)
    await renewed(database, processor)
    assert await payments_of(client, stranger_s) == [("succeeded", None)]


async def test_one_request_has_a_card_pay_for_all_that_is_the_customer_s_own(
    client, bus, purchased, victim, stranger_s, database, processor, portal, sandbox
):
    """The default and the running subscriptions together; one that somebody began for their e-mail is not theirs."""
    own = purchased(card=sandbox.card(), customer={"is_named": True})
    strangers = purchased(card=sandbox.card())
    for event in (own, strangers):
        await bus.deliver(event)
    before = await cards(database)
    body = {"confirmation_token_id": "pm_card_mastercard", "return_url": "https://a.example/"}
    wrong = {**body, "set_default": False, "for_subscriptions": True}
    assert (await client.post(MINE, headers=portal(victim), json=wrong)).status_code == 422
    wish = {**body, "set_default": True, "for_subscriptions": True}
    kept = (await client.post(MINE, headers=portal(victim), json=wish)).json()["payment_method"]
    assert kept["is_default"] is True
    held = await cards(database)
    (new,) = {held[str(event.data.subscription_id)] for event in (victim, own)}
    assert new not in before.values()
    unchanged = [str(event.data.subscription_id) for event in (strangers, stranger_s)]
    assert [held[id] for id in unchanged] == [before[id] for id in unchanged]
    chosen = {"is_default": True, "for_subscriptions": True}
    first = (await client.get(MINE, headers=portal(victim))).json()["items"][-1]
    answer = await client.patch(f"{MINE}/{first['id']}", headers=portal(victim), json=chosen)
    assert answer.status_code == 200, answer.text
    again = await cards(database)
    mine = victim.data.payment.processor_payment_method_id
    assert {again[str(event.data.subscription_id)] for event in (victim, own)} == {mine}
    assert [again[id] for id in unchanged] == [before[id] for id in unchanged]
    assert await broken(database) == {}


async def test_a_new_default_is_not_asked_for_what_a_stranger_owes(
    client, victim, stranger_s, database, processor, portal
):
    """Until the customer chooses it for that subscription: then it is asked at once."""
    clock.move(32 * DAY)
    await renewed(database, processor)
    card = await added(client, portal(victim))
    await renewed(database, processor)
    assert await payments_of(client, stranger_s) == [("failed", "no_payment_method")]
    assert (await choose(client, portal(victim), stranger_s, card)).status_code == 200
    await renewed(database, processor)
    assert ("succeeded", None) in await payments_of(client, stranger_s)
    assert (await subscription_of(client, stranger_s))["status"] == "active"
    assert await broken(database) == {}


@pytest.mark.parametrize("act", ["adds", "adds for subscriptions", "removes"])
async def test_who_came_first_is_no_more_than_who_came_later(
    client, bus, purchased, seller, database, processor, portal, sandbox, act
):
    """A stranger began with the victim's e-mail before they ever bought: what they do with cards is not for that."""
    await seller()
    strange = purchased(off=9900, card=sandbox.card("pm_card_chargeCustomerFail"))
    await bus.deliver(strange)
    own = purchased(card=sandbox.card())
    await bus.deliver(own)
    clock.move(32 * DAY)
    await renewed(database, processor)
    assert (await subscription_of(client, strange))["status"] == "past_due"
    if act == "removes":
        card = await added(client, portal(own), set_default=False)
        assert (await choose(client, portal(own), own, card)).status_code == 200
        path = f"{MINE}/{(await client.get(MINE, headers=portal(own))).json()['items'][1]['id']}"
        assert (await client.delete(path, headers=portal(own))).status_code in (204, 400)
    else:
        body = {
            "confirmation_token_id": "pm_card_mastercard", "return_url": "https://a.example/", "set_default": True,
            "for_subscriptions": act != "adds",
        }  # fmt: skip
        assert (await client.post(MINE, headers=portal(own), json=body)).status_code == 201
    await renewed(database, processor)
    assert "succeeded" not in [status for status, _ in await payments_of(client, strange)]
    assert (await subscription_of(client, strange))["status"] == "past_due"
    assert await broken(database) == {}


@pytest.mark.parametrize("is_proven", [True, False])
async def test_the_only_purchase_is_its_customer_s_own(
    client, bus, purchased, seller, database, processor, sandbox, organization_id, is_proven
):
    """It goes on with a card that they add, also in the session that came with it; another purchase ends that."""
    await seller()
    event = purchased(card=sandbox.card("pm_card_chargeCustomerFail"))
    await bus.deliver(event)
    clock.move(32 * DAY)
    await renewed(database, processor)
    assert (await subscription_of(client, event))["status"] == "past_due"
    whose = {} if is_proven else {"checkout_id": event.data.checkout_id}
    own = signed_headers(organization_id, "customer_portal:write", customer_id=event.data.customer.id, **whose)
    await added(client, own)
    await renewed(database, processor)
    assert (await subscription_of(client, event))["status"] == "active"
    was = await cards(database)
    await bus.deliver(purchased(card=sandbox.card()))
    body = {
        "confirmation_token_id": "pm_card_visa", "return_url": "https://a.example/", "set_default": True,
        "for_subscriptions": True,
    }  # fmt: skip
    proven = signed_headers(organization_id, "customer_portal:write", customer_id=event.data.customer.id)
    assert (await client.post(MINE, headers=proven, json=body)).status_code == 201
    id = str(event.data.subscription_id)
    assert ((await cards(database))[id] != was[id]) == is_proven
    assert await broken(database) == {}


async def test_a_removed_card_s_subscription_never_moves_to_another_card_by_itself(
    client, bus, purchased, victim, database, portal, sandbox
):
    """The card of a checkout is removed once another one was chosen for its subscription, or that is to end."""
    second, stranger = purchased(card=sandbox.card()), purchased(card=sandbox.card())
    for event in (second, stranger):
        await bus.deliver(event)
    third, card, default = (await client.get(MINE, headers=portal(victim))).json()["items"]
    assert [one["is_default"] for one in (third, card, default)] == [False, False, True]
    before = await cards(database)
    refused = await client.delete(f"{MINE}/{card['id']}", headers=portal(victim))
    assert (refused.status_code, refused.json()["error"]) == (400, "PaymentMethodInUseByActiveSubscription")
    assert await cards(database) == before
    assert (await choose(client, portal(victim), second, default["id"])).status_code == 200
    assert (await client.delete(f"{MINE}/{card['id']}", headers=portal(victim))).status_code == 204
    path = f"/v1/customer-portal/subscriptions/{stranger.data.subscription_id}"
    assert (await client.delete(path, headers=portal(victim))).status_code == 200
    assert (await client.delete(f"{MINE}/{third['id']}", headers=portal(victim))).status_code == 204
    held = await cards(database)
    mine = victim.data.payment.processor_payment_method_id
    assert [held[str(one.data.subscription_id)] for one in (victim, second, stranger)] == [mine, mine, None]
    assert await broken(database) == {}


async def test_the_default_is_never_replaced_by_a_stranger_s_card(client, bus, purchased, victim, portal, sandbox):
    """The only card that is left is one of somebody's checkout: the customer's own card stays."""
    await bus.deliver(purchased(card=sandbox.card()))
    default = (await client.get(MINE, headers=portal(victim))).json()["items"][-1]
    refused = await client.delete(f"{MINE}/{default['id']}", headers=portal(victim))
    assert (refused.status_code, refused.json()["error"]) == (400, "PaymentMethodInUseByActiveSubscription")


async def test_a_card_of_somebody_s_checkout_pays_for_nothing_else_of_the_customer_s(
    client, bus, purchased, victim, stranger_s, database, processor, portal, sandbox
):
    """Somebody paid a subscription with this customer's e-mail: that card is not theirs to spend, or to make their own.

    Not for another subscription, not for what is owed, not by choosing it anew where it pays, and not as the default.
    """
    gift = purchased(card=sandbox.card())
    await bus.deliver(gift)
    card = (await client.get(MINE, headers=portal(victim))).json()["items"][0]
    assert not card["is_default"]
    clock.move(32 * DAY)
    await renewed(database, processor)
    (owed,) = [one for one in await orders_of(client) if one["status"] == "pending"]
    for path, body in (
        (f"/v1/customer-portal/subscriptions/{victim.data.subscription_id}", {"payment_method_id": card["id"]}),
        (f"/v1/customer-portal/orders/{owed['id']}/confirm-payment", {"payment_method_id": card["id"]}),
    ):
        method = client.post if path.endswith("payment") else client.patch
        refused = await method(path, headers=portal(victim), json=body)
        assert (refused.status_code, refused.json()["detail"][0]["loc"]) == (422, ["body", "payment_method_id"]), path
    assert (await choose(client, portal(victim), gift, card["id"])).status_code == 200
    default = await client.patch(f"{MINE}/{card['id']}", headers=portal(victim), json={"is_default": True})
    assert (default.status_code, default.json()["error"]) == (400, "PaymentMethodOfCheckout")
    assert (await choose(client, portal(victim), victim, card["id"])).status_code == 422


async def test_the_seller_chooses_among_the_customer_s_cards(client, bus, purchased, victim, database, sandbox):
    other = purchased(card=sandbox.card(), email="bob@example.com")
    await bus.deliver(other)
    (foreign,) = (await client.get(f"/v1/customers/{other.data.customer.id}/payment-methods")).json()["items"]
    refused = await choose(client, None, victim, foreign["id"])
    assert (refused.status_code, refused.json()["detail"][0]["loc"]) == (422, ["body", "payment_method_id"])
    (own,) = (await client.get(f"/v1/customers/{victim.data.customer.id}/payment-methods")).json()["items"]
    assert (await choose(client, None, victim, own["id"])).status_code == 200
    path = f"/v1/subscriptions/{victim.data.subscription_id}"
    assert (await client.delete(path)).status_code == 200
    assert (await choose(client, None, victim, own["id"])).json()["error"] == "AlreadyCanceledSubscription"


CHARGED_ELSEWHERE = """
    update payments p set payment_method_id = m.id, processor_payment_method_id = m.processor_id
    from payment_methods m, subscriptions s, orders o
    where o.id = p.order_id and s.id = o.subscription_id and m.customer_id = p.customer_id
      and m.id <> s.payment_method_id and p.trigger = 'subscription_cycle'
"""
MOVED = """
    update subscriptions s set payment_method_id = m.id from payment_methods m
    where m.customer_id = s.customer_id and m.id <> s.payment_method_id
"""


@pytest.mark.parametrize(
    ("fault", "name"),
    [
        (CHARGED_ELSEWHERE, "every charge belongs to an agreement"),
        ("update payments set agreement = 'seller' where checkout_id is null", "every charge belongs to an agreement"),
        ("update payment_methods set customer_id = gen_random_uuid()", "every charge belongs to an agreement"),
        (MOVED, "the card of a subscription is the one that was last agreed to for it"),
    ],
    ids=["another card of the customer", "a timer's charge as the seller's", "somebody else's card", "a moved card"],
)
async def test_the_invariants_name_a_charge_that_nobody_agreed_to(
    client, bus, purchased, victim, database, processor, sandbox, fault, name
):
    await bus.deliver(purchased(card=sandbox.card()))
    clock.move(32 * DAY)
    await renewed(database, processor)
    assert await broken(database) == {}
    async with database.transaction() as session:
        await session.execute(text(fault))
    found = await broken(database)
    assert name in found
    report = await audit(database, None)
    assert name in report.differences


def migration(name):
    found = MIGRATIONS / name
    spec = importlib.util.spec_from_file_location("migration", found)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


async def test_the_migration_keeps_what_the_released_version_charges(victim, stranger_s, database):
    """Subscriptions without a card of their own get the default that it fell back to; others keep theirs."""
    before = await cards(database)
    for _ in range(2):
        async with database.transaction() as session:
            await session.execute(text(migration("0023_cards_of_subscriptions.py").FALLBACK))
        card = victim.data.payment.processor_payment_method_id
        assert await cards(database) == {**before, str(stranger_s.data.subscription_id): card}


async def test_cards_that_an_earlier_release_chose_are_listed_and_taken(
    bus, purchased, victim, database, settings, sandbox, capsys
):
    """The migration records what is known: two cards of checkouts, and a default that nobody chose."""
    clock.move(DAY)
    stranger_s = purchased(off=9900)
    await bus.deliver(stranger_s)
    await bus.deliver(purchased(card=sandbox.card()))
    async with database.transaction() as session:
        await session.execute(text(migration("0023_cards_of_subscriptions.py").FALLBACK))
        await session.execute(text("delete from subscription_cards"))
        await session.execute(text("update payments set agreement = null"))
        for _ in range(2):
            await session.execute(text(migration("0024_agreements.py").CARDS), {"now": clock.wall()})
    async with database.transaction() as session:
        known = await session.execute(text("select subscription_id, agreed_by from subscription_cards"))
        by = {str(row.subscription_id): row.agreed_by for row in known}
    mine, theirs = str(victim.data.subscription_id), str(stranger_s.data.subscription_id)
    assert (by.pop(mine), by.pop(theirs), *by.values()) == ("own_checkout", "earlier_release", "checkout")
    assert await commands.run_moved_cards(settings, released=False) == 1
    listed = capsys.readouterr().out
    assert theirs in listed
    assert mine not in listed
    before = await cards(database)
    for _ in range(2):
        assert await commands.run_moved_cards(settings, released=True) == 0
        assert await cards(database) == {**before, theirs: None}
    assert await broken(database) == {}
