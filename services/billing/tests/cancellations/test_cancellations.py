"""Cancelling without a login: at the end of the period by number and address, at once by the mailed link."""

import re
from datetime import datetime, timedelta

import pytest
from billing.cancellations.timers import carry_out_received, forget_idle
from contracts.billing import SubscriptionCanceledV1, SubscriptionRevokedV1
from contracts.identity import ConsumerRight, ConsumerRights, Organization, OrganizationCreatedV1
from servicekit import clock, ids
from servicekit.testing.harness import SECRET
from sqlalchemy import text

PATH = "/v1/customer-portal/cancellations"


@pytest.fixture
def subscribed(client, bus, purchased, organization_id):
    """A monthly subscription of a customer; returns its first order as the API shows it."""

    async def subscribe(**rights):
        data = Organization(
            id=organization_id, created_at=clock.now(), modified_at=None, name="Acme", slug="acme", avatar_url=None,
            email=None, website=None, country="DE", consumer_rights=ConsumerRights(**rights),
        )  # fmt: skip
        await bus.deliver(
            OrganizationCreatedV1(subject=data.id, organization_id=data.id, time=data.created_at, data=data)
        )
        event = purchased(customer={"billing_address": {"country": "DE"}})
        await bus.deliver(event)
        return (await client.get(f"/v1/orders/{event.data.order_id}")).json()

    return subscribe


@pytest.fixture
def declared(anonymous, database, organization_id):
    """Declares a cancellation, and has the worker carry it out. Returns the answer."""

    async def declare(order, **changes):
        body = {
            "organization_id": str(organization_id), "email": "ada@example.com",
            "contract_number": order["invoice_number"], **changes,
        }  # fmt: skip
        answer = await anonymous.post(f"{PATH}/", json=body)
        assert answer.status_code == 202, answer.text
        while await carry_out_received(database.transaction, SECRET):
            pass
        return answer.json()

    return declare


@pytest.fixture
def mails(database):
    """The kinds and letters of the mails about subscriptions, the oldest first."""

    async def mails():
        statement = text("select kind, subject, body, letter from mails where kind <> 'order_confirmation' order by id")
        async with database.transaction() as session:
            return (await session.execute(statement)).all()

    return mails


async def subscription_of(client, order):
    return (await client.get(f"/v1/subscriptions/{order['subscription_id']}")).json()


async def statuses(database):
    async with database.transaction() as session:
        return list((await session.execute(text("select status from cancellations order by id"))).scalars())


@pytest.mark.parametrize("name", ["invoice_number", "subscription_id"])
async def test_the_ordinary_one_takes_effect_and_is_acknowledged_once(
    client, bus, subscribed, declared, mails, database, name
):
    order = await subscribed()
    said = await declared(order, contract_number=order[name], name="Ada Lovelace")
    subscription = await subscription_of(client, order)
    assert (subscription["cancel_at_period_end"], subscription["ended_at"]) == (True, None)
    (mail,) = await mails()
    received, ends = (datetime.fromisoformat(one) for one in (said["received_at"], subscription["ends_at"]))
    assert mail.kind == "cancellation"
    for part in (order[name], "Ada Lovelace", f"{received:%H:%M:%S} (UTC)", f"{ends:%H:%M:%S} (UTC)", str(ends.year)):
        assert part in mail.body
    assert mail.letter["action"]["path"] == "/acme/portal"
    for _ in range(3):
        await declared(order)
    assert len(await mails()) == 1
    assert len(await bus.recorded(SubscriptionCanceledV1)) == 1
    assert await statuses(database) == ["done"] * 4


async def test_taken_back_and_declared_again_is_another_cancellation(client, subscribed, declared, mails):
    order = await subscribed()
    await declared(order)
    path = f"/v1/subscriptions/{order['subscription_id']}"
    assert (await client.patch(path, json={"cancel_at_period_end": False})).status_code == 200
    clock.move(timedelta(seconds=1))
    await declared(order)
    assert (await subscription_of(client, order))["cancel_at_period_end"] is True
    assert [mail.kind for mail in await mails()] == ["cancellation", "subscription_uncanceled", "cancellation"]


async def test_what_fits_nothing_is_answered_the_same_and_forgotten(
    client, subscribed, declared, mails, database, organization_id
):
    order = await subscribed()
    answers = [
        await declared(order, email="eve@example.com"),
        await declared(order, contract_number="ACME-NOBODY-0001"),
        await declared(order, contract_number=str(ids.uuid7())),
        await declared(order, organization_id=str(ids.uuid7())),
        await declared(order, contract_number=order["id"]),
    ]
    assert {tuple(answer) for answer in answers} == {("status", "received_at")}
    assert (await subscription_of(client, order))["cancel_at_period_end"] is False
    assert await mails() == []
    assert await statuses(database) == ["unmatched"] * 4
    clock.move(timedelta(days=1, seconds=1))
    assert await forget_idle(database.transaction) == 4
    assert await statuses(database) == []


async def test_at_once_waits_for_the_link_and_gives_nothing_back(
    client, anonymous, bus, subscribed, declared, mails, database
):
    order = await subscribed()
    await declared(order, kind="extraordinary", reason="It never worked.")
    await declared(order, kind="extraordinary")
    assert (await subscription_of(client, order))["ended_at"] is None
    (mail,) = await mails()
    token = re.fullmatch(r"/acme/cancel\?locale=en#([A-Za-z0-9_-]{43})", mail.letter["action"]["path"])[1]
    assert token not in mail.body
    answers = [await anonymous.post(f"{PATH}/confirm", json={"token": token}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200], answers[0].text
    assert answers[0].json() == answers[1].json()
    subscription = await subscription_of(client, order)
    assert subscription["ended_at"] is not None
    assert subscription["customer_cancellation_comment"] == "It never worked."
    assert [mail.kind for mail in await mails()] == ["cancellation_link", "cancellation"]
    assert len(await bus.recorded(SubscriptionRevokedV1)) == 1
    assert (await client.get("/v1/refunds/")).json()["items"] == []
    assert await statuses(database) == ["done", "repeated"]


async def test_a_paused_one_ends_by_the_link(client, anonymous, subscribed, declared, mails, database):
    """It would end at once, which cannot be taken back: number and address are not enough."""
    order = await subscribed()
    async with database.transaction() as session:
        paused = "update subscriptions set status = 'paused', current_period_end = current_period_start"
        await session.execute(text(paused))
    await declared(order)
    assert (await subscription_of(client, order))["status"] == "paused"
    token = (await mails())[-1].letter["action"]["path"].partition("#")[2]
    assert (await anonymous.post(f"{PATH}/confirm", json={"token": token})).status_code == 200
    assert (await subscription_of(client, order))["ended_at"] is not None


async def test_a_link_is_good_for_a_day_and_its_address(client, anonymous, subscribed, declared, mails):
    order = await subscribed()
    tokens = []
    for hours in (25, 0):
        await declared(order, kind="extraordinary")
        tokens.append((await mails())[-1].letter["action"]["path"].partition("#")[2])
        clock.move(timedelta(hours=hours))
    (customer,) = (await client.get("/v1/customers/")).json()["items"]
    over = await anonymous.post(f"{PATH}/confirm", json={"token": tokens[0]})
    assert over.status_code == 404
    await client.patch(f"/v1/customers/{customer['id']}", json={"email": "new@example.com"})
    for token in (tokens[1], "x" * 43):
        answer = await anonymous.post(f"{PATH}/confirm", json={"token": token})
        assert answer.json() == over.json()
    assert (await subscription_of(client, order))["ended_at"] is None


@pytest.mark.parametrize("right", [{"enabled": False}, {"countries": {"DE": False}}])
async def test_a_seller_may_switch_it_off(client, subscribed, declared, mails, right):
    order = await subscribed(cancellation=ConsumerRight(**right))
    await declared(order)
    assert (await subscription_of(client, order))["cancel_at_period_end"] is False
    assert await mails() == []


async def test_what_has_ended_is_said_so(client, subscribed, declared, mails):
    order = await subscribed()
    await client.delete(f"/v1/subscriptions/{order['subscription_id']}")
    await declared(order, kind="extraordinary")
    assert [mail.kind for mail in await mails()] == ["subscription_revoked", "cancellation"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"email": "a b@c.de"}, "email"),
        ({"contract_number": ""}, "contract_number"),
        ({"contract_number": "A\n1"}, "contract_number"),
        ({"kind": "maybe"}, "kind"),
        ({"reason": "x" * 2001}, "reason"),
        ({"until": "2027"}, "until"),
    ],
)
async def test_what_is_not_taken(anonymous, database, organization_id, changes, field):
    body = {"organization_id": str(organization_id), "email": "ada@example.com", "contract_number": "X-1", **changes}
    answer = await anonymous.post(f"{PATH}/", json=body)
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["body", field]
