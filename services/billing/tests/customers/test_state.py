"""A customer's state: what it has, in one answer."""

import asyncio

import pytest
from billing.benefit_grants.consumers import consumers
from billing.customers import state
from billing.subscriptions.models import Subscription
from contracts.benefits import Benefit, BenefitGrant, BenefitGrantCreatedV1, BenefitGrantRevokedV1
from contracts.billing import CustomerCreatedV1, CustomerStateChangedV1
from servicekit import clock, ids, outbox
from servicekit.consumers import Message
from sqlalchemy import select


@pytest.fixture
async def granted(bus, purchased, organization_id):
    """A purchase, and the event of its grant."""
    event = purchased(customer={"external_id": "user-1"})
    await bus.deliver(event)
    now = clock.now()
    customer = (await bus.recorded(CustomerCreatedV1))[-1].data
    benefit = Benefit(
        id=ids.uuid7(), created_at=now, modified_at=None, type="custom", description="Thanks", selectable=True,
        deletable=True, is_deleted=False, organization_id=organization_id, metadata={"tier": "gold"},
        visibility="public", visibility_configurable=True, properties={"note": None},
    )  # fmt: skip
    grant = BenefitGrant(
        id=ids.uuid7(), created_at=now, modified_at=None, organization_id=organization_id, is_granted=True,
        is_revoked=False, granted_at=now, revoked_at=None, subscription_id=event.data.subscription_id, order_id=None,
        customer_id=customer.id, member_id=None, benefit_id=benefit.id, error=None, customer=customer, benefit=benefit,
        properties={}, previous_properties=None,
    )  # fmt: skip
    told = BenefitGrantCreatedV1(subject=grant.id, organization_id=organization_id, time=now, sequence=1, data=grant)
    await bus.deliver(told)
    return event.data, told


async def test_what_a_customer_has_now(client, stranger, bus, granted):
    purchase, _ = granted
    path = f"/v1/customers/{purchase.customer.id}/state"
    answer = (await client.get(path)).json()
    (subscription,) = answer["active_subscriptions"]
    assert (subscription["id"], subscription["status"]) == (str(purchase.subscription_id), "active")
    (grant,) = answer["granted_benefits"]
    assert grant["benefit_type"] == "custom"
    assert grant["benefit_metadata"] == {"tier": "gold"}
    assert answer["active_meters"] == []
    assert (await client.get("/v1/customers/external/user-1/state")).json() == answer
    assert (await stranger.get(path)).status_code == 404
    assert (await stranger.get("/v1/customers/external/user-1/state")).status_code == 404


async def test_what_ended_or_was_revoked_is_not_in_it(client, bus, granted):
    purchase, told = granted
    await client.delete(f"/v1/subscriptions/{purchase.subscription_id}")
    gone = told.data.model_copy(update={"is_granted": False, "is_revoked": True, "granted_at": None})
    revoked = BenefitGrantRevokedV1(
        subject=gone.id, organization_id=gone.organization_id, time=clock.now(), sequence=2, data=gone
    )
    await bus.deliver(revoked)
    answer = (await client.get(f"/v1/customers/{purchase.customer.id}/state")).json()
    assert (answer["active_subscriptions"], answer["granted_benefits"]) == ([], [])


async def test_every_change_tells_the_state_once_and_last(client, bus, granted):
    purchase, told = granted
    bought, held = await bus.recorded(CustomerStateChangedV1)
    (subscription,) = bought.data.active_subscriptions
    assert (bought.data.id, subscription.id) == (purchase.customer.id, purchase.subscription_id)
    assert bought.data.granted_benefits == [], "the benefit was given later"
    assert [grant.id for grant in held.data.granted_benefits] == [told.subject]
    before = len(await bus.names())
    await client.patch(f"/v1/subscriptions/{purchase.subscription_id}", json={"cancel_at_period_end": True})
    await client.patch(f"/v1/customers/{purchase.customer.id}", json={"name": "Ada Byron"})
    await client.delete(f"/v1/customers/{purchase.customer.id}")
    assert (await bus.names())[before:] == [
        "subscription.updated", "subscription.canceled", "customer.state_changed",
        "customer.updated", "customer.state_changed",
        "customer.deleted", "subscription.updated", "subscription.revoked", "customer.state_changed",
    ]  # fmt: skip
    canceled, renamed, deleted = (await bus.recorded(CustomerStateChangedV1))[2:]
    assert canceled.data.active_subscriptions[0].cancel_at_period_end
    assert (renamed.data.name, deleted.data.active_subscriptions) == ("Ada Byron", [])
    assert deleted.data.deleted_at is not None


async def test_what_comes_together_is_told_once(bus, granted, database):
    """Three grants of one customer in one transaction, and one that was heard of before: one state with all of them."""
    _, told = granted
    messages = [Message.read(told.to_bytes(), told.routing_key())]
    for _ in range(3):
        grant = told.data.model_copy(update={"id": ids.uuid7()})
        event = told.model_copy(update={"id": ids.uuid7(), "subject": grant.id, "data": grant})
        messages.append(Message.read(event.to_bytes(), event.routing_key()))
    before = len(await bus.recorded(CustomerStateChangedV1))
    async with database.transaction() as session:
        await consumers.handle(messages, session)
    (told_once,) = (await bus.recorded(CustomerStateChangedV1))[before:]
    assert len(told_once.data.granted_benefits) == 4
    assert told_once.sequence == before + 1
    async with database.transaction() as session:
        await consumers.handle(messages, session)
    assert len(await bus.recorded(CustomerStateChangedV1)) == before + 1, "nothing new, nothing said"


async def test_of_two_changes_at_once_the_later_state_has_both(client, bus, database, granted):
    """A grant is heard of while a cancellation is being written: what is said last is not what was before it."""
    purchase, told = granted
    grant = told.data.model_copy(update={"id": ids.uuid7()})
    event = told.model_copy(update={"id": ids.uuid7(), "subject": grant.id, "data": grant})
    async with database.transaction() as session:
        found = await session.execute(select(Subscription).where(Subscription.id == purchase.subscription_id))
        subscription = found.scalar_one()
        subscription.cancel_at_period_end = True
        outbox.at_end(session, state.told, purchase.customer.id)
        await outbox.flush(session)
        hearing = asyncio.create_task(bus.deliver(event))
        done, _ = await asyncio.wait([hearing], timeout=0.3)
        assert not done, "it waits for what is written about the same customer"
    await hearing
    first, last = (await bus.recorded(CustomerStateChangedV1))[-2:]
    assert (len(first.data.granted_benefits), len(last.data.granted_benefits)) == (1, 2)
    assert [one.cancel_at_period_end for one in last.data.active_subscriptions] == [True]
