"""Grants follow purchases and products, in whatever order they are heard of."""

import asyncio
from contextlib import contextmanager
from uuid import UUID

import pytest
import sqlalchemy
from benefits.benefit_grants import timers
from benefits.benefit_grants.timers import Backlog
from contracts.benefits import BenefitGrantCreatedV1, BenefitGrantRevokedV1, BenefitGrantUpdatedV1
from contracts.billing import OrderPaidV1, OrderUpdatedV1, SubscriptionActiveV1, SubscriptionRevokedV1
from servicekit import clock
from servicekit.consumers import Retry
from sqlalchemy import text

from services.benefits.tests.support import Story

CUSTOM = {"type": "custom", "description": "Thanks"}


async def test_a_subscription_gives_and_its_end_takes(client, stranger, story, bus):
    keys, custom = await story.benefit(), await story.benefit(type="custom", properties={"note": "hi"})
    product = await story.product(keys, custom)
    subscription = await story.subscribed(product)
    grants = await story.grants(is_granted=True)
    assert {grant["benefit_id"] for grant in grants} == {keys["id"], custom["id"]}
    assert {grant["subscription_id"] for grant in grants} == {str(subscription.id)}
    assert len(await bus.recorded(BenefitGrantCreatedV1)) == 2
    key = await story.key()
    assert key["key"].startswith("DEMO-")
    assert key["customer"]["email"] == "ada@example.com"
    assert (await stranger.get("/v1/benefit-grants/")).json()["items"] == []
    assert (await stranger.get("/v1/license-keys/")).json()["items"] == []
    assert (await stranger.get(f"/v1/license-keys/{key['id']}")).status_code == 404
    await story.ended(subscription)
    assert await story.grants(is_granted=True) == []
    assert all(grant["is_revoked"] for grant in await story.grants())
    assert (await story.key())["status"] == "revoked"
    assert len(await bus.recorded(BenefitGrantRevokedV1)) == 2


async def test_a_one_time_order_gives_for_good(story, bus):
    product = await story.product(await story.benefit())
    order = await story.bought_once(product)
    (grant,) = await story.grants()
    assert (grant["order_id"], grant["subscription_id"], grant["is_granted"]) == (str(order.id), None, True)


async def test_a_refund_takes_what_a_one_time_order_gave_and_its_failure_gives_it_back(story, bus):
    order = await story.bought_once(await story.product(await story.benefit()))
    taken = order.model_copy(update={"benefits_revoked_at": clock.now(), "status": "refunded"})
    await bus.deliver(story.event(OrderUpdatedV1, taken))
    (grant,) = await story.grants()
    assert grant["is_revoked"] is True
    await bus.deliver(story.event(OrderUpdatedV1, order))
    (grant,) = await story.grants()
    assert grant["is_granted"] is True
    gone = order.customer.model_copy(update={"deleted_at": clock.now()})
    await bus.deliver(story.event(OrderUpdatedV1, order.model_copy(update={"customer": gone})))
    assert await story.grants(is_granted=True) == []


async def test_a_refund_heard_before_the_payment_stays(story, bus):
    product = await story.product(await story.benefit())
    order = story.order(product)
    taken = order.model_copy(update={"benefits_revoked_at": clock.now()})
    await bus.deliver(story.event(OrderUpdatedV1, taken, 7), story.event(OrderPaidV1, order, 3))
    assert await story.grants() == []


async def test_the_end_heard_first_stays_the_end(story, bus):
    product = await story.product(await story.benefit())
    active = story.subscription(product)
    ended = active.model_copy(update={"status": "canceled"})
    await bus.deliver(story.event(SubscriptionRevokedV1, ended, 5), story.event(SubscriptionActiveV1, active, 2))
    assert await story.grants() == []


async def test_a_product_heard_of_later_is_waited_for(story, bus):
    benefit = await story.benefit()
    product = story.product_shape(benefit)
    event = story.event(SubscriptionActiveV1, story.subscription(product))
    try:
        await bus.deliver(event)
        raise AssertionError("nothing was asked for again")
    except Retry:
        pass
    assert await story.grants() == []
    await story.product(benefit, id=product.id)
    await bus.deliver(event)
    assert len(await story.grants()) == 1


async def test_buyers_follow_their_product(story, bus, database, monkeypatch):
    monkeypatch.setattr(timers, "SHARE", 3)
    first, second = await story.benefit(), await story.benefit(type="custom", properties={})
    product = await story.product(first)
    for _ in range(7):
        await story.subscribed(product)
    await work_off(database)
    key = (await story.client.get("/v1/license-keys/")).json()["items"][0]
    await story.product(second, id=product.id)
    await work_off(database)
    assert len(await story.grants(benefit_id=first["id"], is_granted=True)) == 0
    assert len(await story.grants(benefit_id=second["id"], is_granted=True)) == 7
    await story.product(first, second, id=product.id)
    await work_off(database)
    assert len(await story.grants(benefit_id=first["id"], is_granted=True)) == 7
    revived = (await story.client.get(f"/v1/license-keys/{key['id']}")).json()
    assert (revived["key"], revived["status"]) == (key["key"], "granted")
    assert len(await bus.recorded(BenefitGrantUpdatedV1)) == 7
    assert len(await bus.recorded(BenefitGrantRevokedV1)) == 7


async def test_a_benefit_of_another_organization_is_not_given(story, stranger, bus):
    answer = await stranger.post("/v1/benefits/", json={"type": "custom", "description": "Foreign"})
    product = await story.product(answer.json())
    await story.subscribed(product)
    assert await story.grants() == []


async def test_organizations_take_turns(story, bus, database, monkeypatch):
    monkeypatch.setattr(timers, "SHARE", 1)
    benefit = await story.benefit(type="custom", properties={})
    products = [await story.product() for _ in range(2)]
    for product in products:
        for _ in range(3):
            await story.subscribed(product)
    for product in products:
        await story.product(benefit, id=product.id)
    backlog = Backlog()
    for _ in range(4):
        await backlog.follow_changed_products(database.transaction)
    async with database.transaction() as session:
        rows = await session.execute(text("select count(*) from benefit_grants g join entitlements e on "
                                          "e.id = g.entitlement_id group by e.product_id"))  # fmt: skip
        assert sorted(rows.scalars()) == [2, 2]


async def test_who_edits_much_does_not_go_before_who_edits_little(story, stranger, bus, database):
    """Twenty products of one organization, and one that another organization edited last: it comes second."""
    benefit = await story.benefit(type="custom", properties={})
    products = [await story.product() for _ in range(20)]
    for product in products:
        await story.subscribed(product)
    other = Story(stranger, bus, UUID((await stranger.post("/v1/benefits/", json=CUSTOM)).json()["organization_id"]))
    theirs, gift = await other.product(), await other.benefit(type="custom", properties={})
    await other.subscribed(theirs)
    for product in products:
        await story.product(benefit, id=product.id)
    await other.product(gift, id=theirs.id)
    backlog = Backlog()
    for _ in range(2):
        await backlog.follow_changed_products(database.transaction)
    assert (len(await story.grants()), len(await other.grants())) == (1, 1)


async def test_a_purchase_in_hand_is_waited_for_without_holding_its_row_up(story, database):
    """The work-off stops before an entitlement that somebody has in hand, and goes on there when it is free."""
    product = await story.product()
    for _ in range(5):
        await story.subscribed(product)
    await story.product(await story.benefit(), id=product.id)
    backlog = Backlog()
    async with database.transaction() as holder:
        third = "select id from entitlements order by id offset 2 limit 1 for update"
        await holder.execute(text(third))
        for _ in range(3):
            async with asyncio.timeout(60):
                await backlog.follow_changed_products(database.transaction)
        assert len(await story.grants()) == 2
    await work_off(database)
    assert len(await story.grants()) == 5


async def test_a_share_begins_when_the_events_of_earlier_ones_are_told(story, database):
    """The work-off waits while more events are unpublished than a purchase's should have to wait behind."""
    product = await story.product()
    await story.subscribed(product)
    await story.product(await story.benefit(), id=product.id)
    fill = text("insert into outbox (event_id, routing_key, source, subject, sequence, organization_id, payload, "
                "created_at) select gen_random_uuid(), 'x', '/x', gen_random_uuid(), 1, gen_random_uuid(), '', now() "
                "from generate_series(1, 400)")  # fmt: skip
    async with database.transaction() as session:
        await session.execute(fill)
    backlog = Backlog()
    assert await backlog.follow_changed_products(database.transaction) == 1
    assert await story.grants() == []
    async with database.transaction() as session:
        await session.execute(text("update outbox set published_at = now() where routing_key = 'x'"))
    assert await backlog.follow_changed_products(database.transaction) == 1
    assert len(await story.grants()) == 1


@contextmanager
def statements(database):
    """Those that are sent inside."""
    sent = []

    def note(connection, cursor, statement, *_):
        sent.append(statement)

    sqlalchemy.event.listen(database.engine.sync_engine, "before_cursor_execute", note)
    yield sent
    sqlalchemy.event.remove(database.engine.sync_engine, "before_cursor_execute", note)


@pytest.mark.parametrize("edit", ["added", "changed", "deleted"])
async def test_a_share_of_many_buyers_takes_no_more_statements_than_one_of_few(story, database, edit):
    """An edit with 24 buyers, and one with 4: a product's new benefit, a benefit's new terms, a benefit's end."""
    keys = {"properties": {"prefix": "demo", "activations": {"limit": 2}, "offline": True}}
    counts = []
    for buyers in (4, 24):
        benefit, product = await story.benefit(**keys), await story.product()
        if edit != "added":
            product = await story.product(benefit, id=product.id)
        for _ in range(buyers):
            await story.bought_once(product)
        if edit == "added":
            await story.product(benefit, id=product.id)
        elif edit == "changed":
            await story.client.patch(f"/v1/benefits/{benefit['id']}", json={"properties": {"limit_usage": 5}})
        else:
            await story.client.delete(f"/v1/benefits/{benefit['id']}")
        async with database.transaction() as session:
            await session.execute(text("update outbox set published_at = now()"))
        backlog = Backlog()
        work = backlog.follow_changed_products if edit == "added" else backlog.follow_changed_benefits
        with statements(database) as sent:
            assert await work(database.transaction) == buyers
        counts.append(len(sent))
        held = await story.grants(benefit_id=benefit["id"], is_granted=True, limit=100)
        assert len(held) == (0 if edit == "deleted" else buyers)
    assert counts[1] <= counts[0]


async def test_a_buyer_who_is_not_known_holds_nobody_up(story, database):
    product = await story.product()
    await story.subscribed(product)
    await story.subscribed(product)
    async with database.transaction() as session:
        await session.execute(text("delete from customers where id = (select min(customer_id::text)::uuid "
                                   "from entitlements)"))  # fmt: skip
    await story.product(await story.benefit(type="custom", properties={}), id=product.id)
    await work_off(database)
    async with database.transaction() as session:
        left = (await session.execute(text("select count(*) from product_changes"))).scalar_one()
        known = "select count(*) from entitlements e join customers c on c.id = e.customer_id"
        assert (left, len(await story.grants())) == (0, (await session.execute(text(known))).scalar_one())


async def test_a_deleted_customer_loses_everything(story):
    product = await story.product(await story.benefit())
    customer = story.customer()
    await story.bought_once(product, customer)
    await story.deleted(customer)
    assert await story.grants(is_granted=True) == []


async def work_off(database):
    """Four workers at once, until nothing is left."""
    workers = [Backlog() for _ in range(4)]
    while sum(await asyncio.gather(*(one.follow_changed_products(database.transaction) for one in workers))):
        pass
