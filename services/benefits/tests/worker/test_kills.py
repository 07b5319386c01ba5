"""Real workers, killed with -9 in the middle of giving: everybody gets it once, and nothing is stuck."""

import asyncio
import signal

import pytest
from contracts.benefits import BenefitGrantCreatedV1
from servicekit import broker
from servicekit.testing import worker_process
from sqlalchemy import text

BUYERS = 3_000
PATIENCE = 120.0
GUILD, ROLE = "222222222222222222", "333333333333333333"


@pytest.fixture
def worker(service, settings, rabbitmq_url, github, discord):
    """Starts the service's message process."""
    outside = {"GITHUB_API_URL": f"{github.url}/api/v3", "DISCORD_API_URL": f"{discord.url}/api/v10"}
    return lambda: worker_process(service, settings, rabbitmq_url, **outside)


@pytest.fixture
async def heard(amqp_channel):
    """A queue to which every event is routed."""
    queue = await amqp_channel.declare_queue(exclusive=True)
    await queue.bind(broker.EXCHANGE, "#")
    return queue


async def until(condition):
    async with asyncio.timeout(PATIENCE):
        while not await condition():
            await asyncio.sleep(0.02)


async def counted(database, statement, **values):
    async with database.transaction() as session:
        return (await session.execute(text(statement), values)).scalar_one()


async def test_a_worker_killed_while_it_gives_outside_gives_once(
    story, bus, database, github, discord, outside, worker, heard
):
    github.repository("acme", "app")
    discord.guild(GUILD, ROLE)
    github.roles["acme", 1] = "admin"
    discord.permissions[GUILD, "1"] = 32
    await story.connect_place(github, 1)
    await story.connect_place(discord, "1", guild_id=GUILD)
    place = {"repository_owner": "acme", "repository_name": "app", "permission": "push"}
    product = await story.product(
        await story.benefit(type="github_repository", properties=place),
        await story.benefit(type="discord", properties={"guild_id": GUILD, "role_id": ROLE, "kick_member": False}),
    )
    accounts = range(100, 106)
    for number in accounts:
        buyer = story.customer(email=f"b{number}@example.com")
        await story.connect(github, buyer, number)
        await story.connect(discord, buyer, str(number))
        await story.subscribed(product, buyer)
    github.answering.clear()
    discord.answering.clear()

    async def some_were_given():
        return github.count("PUT") >= 3 and discord.count("PUT") >= 3

    async def all_are_granted():
        return not await counted(database, "select count(*) from benefit_grants where granted_at is null")

    async with worker() as first:
        await until(some_were_given)
        first.send_signal(signal.SIGKILL)
        await first.wait()
    assert await counted(database, "select count(*) from benefit_grants where granted_at is not null") == 0
    github.answering.set()
    discord.answering.set()
    async with database.transaction() as session:  # as when the claims of the dead worker have run out
        await session.execute(text("update benefit_grants set in_hand_until = now() where in_hand_until is not null"))
    async with worker():
        await until(all_are_granted)
    assert set(discord.guilds[GUILD]["members"]) == {str(number) for number in accounts}
    assert sorted(github.invitations["acme", "app"].values()) == list(accounts)
    created = [event.subject for event in await bus.recorded(BenefitGrantCreatedV1)]
    assert len(created) == len(set(created)) == 2 * len(accounts)
    stuck = "select count(*) from benefit_grants where work is not null or due_at is not null or in_hand_until > now()"
    assert await counted(database, stuck) == 0


async def test_a_worker_killed_in_the_middle_of_a_backlog_gives_each_once(story, bus, database, worker, heard):
    product = await story.product(await story.benefit(type="custom", properties={}))
    model = await story.bought_once(product)
    async with database.transaction() as session:
        await session.execute(_MORE_BUYERS, {"count": BUYERS - 1, "model": model.id})
    keys = await story.benefit()
    await story.product(keys, id=product.id)
    given = "select count(*) from benefit_grants where benefit_id = :keys"

    for share in (0.1, 0.4, 0.7):

        async def enough_were_given(wanted=share * BUYERS):
            return await counted(database, given, keys=keys["id"]) >= wanted

        async with worker() as one, worker() as other:
            await until(enough_were_given)
            one.send_signal(signal.SIGKILL)
            other.send_signal(signal.SIGKILL)
            await asyncio.gather(one.wait(), other.wait())
        assert await counted(database, "select count(*) from product_changes") == 1

    async def nothing_is_left():
        waiting = "select count(*) from outbox where published_at is null"
        changes = await counted(database, "select count(*) from product_changes")
        return changes == 0 and await counted(database, waiting) == 0

    async with worker():
        await until(nothing_is_left)
    held = (
        "select count(distinct entitlement_id) from benefit_grants where benefit_id = :keys and granted_at is not null"
    )
    assert await counted(database, held, keys=keys["id"]) == await counted(database, given, keys=keys["id"]) == BUYERS
    assert await counted(database, "select count(distinct grant_id) from license_keys") == BUYERS
    created = [event.subject for event in await bus.recorded(BenefitGrantCreatedV1)]
    assert len(created) == len(set(created)), "told of once each"
    granted = "select count(*) from benefit_grants where benefit_id = :keys and id = any(:told)"
    assert await counted(database, granted, keys=keys["id"], told=created) == BUYERS


_MORE_BUYERS = text("""
    with model as (select * from entitlements where id = :model),
    numbered as (select gen_random_uuid() as customer_id, gen_random_uuid() as id from generate_series(1, :count)),
    known as (
        insert into customers (id, organization_id, sequence, data)
        select n.customer_id, c.organization_id, 1, jsonb_set(c.data, '{id}', to_jsonb(n.customer_id))
        from numbered n, model m join customers c on c.id = m.customer_id
    )
    insert into entitlements (id, organization_id, sequence, kind, customer_id, product_id, is_active)
    select n.id, m.organization_id, 1, 'order', n.customer_id, m.product_id, true from numbered n, model m
""")
