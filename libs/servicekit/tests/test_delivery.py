"""From the outbox over the broker into a handler: relay, inbox, retries and dead letters on a real RabbitMQ."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import aio_pika
import asyncpg
import pytest
import pytest_asyncio
from contracts import identity
from servicekit import clock, ids, outbox
from servicekit.broker import EXCHANGE
from servicekit.consumers import ConsumerLoop, Consumers, Message, Retry
from servicekit.database import Database, project, project_all
from servicekit.relay import Relay
from servicekit.testing import eventually
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

Run = Callable[..., Any]


@asynccontextmanager
async def running(*works: Callable[[asyncio.Event], Any]) -> AsyncIterator[None]:
    """Runs parts of a worker for the length of a block, then stops them as SIGTERM does."""
    stop = asyncio.Event()
    tasks = [asyncio.create_task(work(stop)) for work in works]
    try:
        yield
    finally:
        stop.set()
        await asyncio.wait_for(asyncio.gather(*tasks), 15)


@pytest_asyncio.fixture
async def channel(amqp_channel: aio_pika.abc.AbstractChannel, flow: Consumers) -> AsyncIterator[Any]:
    """A channel; the sample's queues are declared, and empty."""
    await flow.declare(amqp_channel)
    for name in (flow.queue, f"{flow.queue}.dead"):
        queue = await amqp_channel.get_queue(name)
        await queue.purge()
    yield amqp_channel


@pytest.fixture
def publish(channel: Any) -> Callable[[Any], Any]:
    """Puts an event on the exchange as its producer's relay would."""

    async def put(event: Any, body: bytes | None = None, key: str | None = None) -> None:
        exchange = await channel.get_exchange(EXCHANGE)
        await exchange.publish(aio_pika.Message(body or event.to_bytes()), key or event.routing_key())

    return put


async def copied(database: Database, copies: Any) -> int:
    async with database.transaction() as session:
        return (await session.execute(select(func.count()).select_from(copies))).scalar_one()


async def dead(channel: Any, flow: Consumers) -> list[aio_pika.abc.AbstractIncomingMessage]:
    queue = await channel.get_queue(f"{flow.queue}.dead")
    found = []
    while (message := await queue.get(fail=False, no_ack=True)) is not None:
        found.append(message)
    return found


async def test_what_was_recorded_without_a_relay_arrives_once_one_runs(
    database: Database, rabbitmq_url: str, channel: Any, flow: Consumers, copies: Any, organization_event: Any
) -> None:
    for _ in range(5):
        async with database.transaction() as session:
            outbox.record(session, *(organization_event() for _ in range(100)))
    relays = [Relay(database, rabbitmq_url, f"sample{number}") for number in range(2)]
    loops = [ConsumerLoop(flow, database, rabbitmq_url) for _ in range(2)]
    async with running(*(part.run for part in (*relays, *loops))):
        await eventually(lambda: copied(database, copies), until=lambda count: count == 500)
    async with database.transaction() as session:
        assert (await session.execute(text("select count(*) from outbox where published_at is null"))).scalar() == 0
        assert (await session.execute(text("select count(*) from inbox"))).scalar() == 500
    assert await dead(channel, flow) == []


async def test_two_relays_keep_the_order_of_a_subject(
    database: Database, rabbitmq_url: str, channel: Any, organization_event: Any
) -> None:
    queue = await channel.declare_queue("probe.order", durable=True, arguments={"x-queue-type": "quorum"})
    await queue.bind(EXCHANGE, "organization.#")
    subjects = [ids.uuid7() for _ in range(4)]
    relays = [Relay(database, rabbitmq_url, f"sample{number}") for number in range(3)]
    arrived: dict[UUID, list[int]] = {subject: [] for subject in subjects}

    async def read() -> int:
        while (message := await queue.get(fail=False, no_ack=True)) is not None:
            event = identity.OrganizationCreatedV1.from_bytes(message.body)
            arrived[event.subject].append(event.sequence)
        return sum(len(sequences) for sequences in arrived.values())

    async with running(*(relay.run for relay in relays)):
        for _ in range(150):
            async with database.transaction() as session:
                outbox.record(session, *(organization_event(subject=subject) for subject in subjects))
        await eventually(read, until=lambda count: count == 600)
    assert all(sequences == list(range(1, 151)) for sequences in arrived.values())
    await queue.delete(if_unused=False, if_empty=False)


async def test_an_event_that_nobody_is_bound_to_waits_and_holds_nobody_up(
    database: Database, rabbitmq_url: str, channel: Any, flow: Consumers, copies: Any, organization_event: Any
) -> None:
    queue = await channel.get_queue(flow.queue)
    await queue.unbind(EXCHANGE, "organization.updated.v1")
    async with database.transaction() as session:
        outbox.record(session, organization_event("unheard", updated=True), organization_event("heard"))
    async with running(
        Relay(database, rabbitmq_url, "sample").run, ConsumerLoop(Consumers("sample.none"), database, rabbitmq_url).run
    ):

        async def waiting() -> list[str]:
            async with database.transaction() as session:
                rows = await session.execute(text("select routing_key from outbox where published_at is null"))
                return list(rows.scalars())

        await eventually(waiting, until=lambda keys: keys == ["organization.updated.v1"])
        await queue.bind(EXCHANGE, "organization.updated.v1")
        clock.move(timedelta(seconds=6))
        await eventually(waiting, until=lambda keys: keys == [])
    async with running(ConsumerLoop(flow, database, rabbitmq_url).run):
        await eventually(lambda: copied(database, copies), until=lambda count: count == 2)


async def test_a_relay_publishes_what_a_newer_release_records(
    database: Database, rabbitmq_url: str, channel: Any, organization_event: Any
) -> None:
    """During a deploy both releases share an outbox, and the older one's relay may be the one that runs."""
    queue = await channel.declare_queue("probe.newer", durable=True, arguments={"x-queue-type": "quorum"})
    await queue.bind(EXCHANGE, "organization.#")
    async with database.transaction() as session:
        outbox.record(session, organization_event(), organization_event())
    async with database.transaction() as session:
        await session.execute(
            text("update outbox set routing_key = 'organization.renamed.v9' where id = (select min(id) from outbox)")
        )
    kinds: list[str | None] = []

    async def read() -> int:
        while (message := await queue.get(fail=False, no_ack=True)) is not None:
            kinds.append(message.type)
        return len(kinds)

    async with running(Relay(database, rabbitmq_url, "sample").run):
        await eventually(read, until=lambda count: count == 2)
    assert sorted(str(kind) for kind in kinds) == ["organization.created.v1", "organization.renamed.v9"]
    await queue.delete(if_unused=False, if_empty=False)


async def test_what_only_a_newer_release_handles_is_left_to_it(
    database: Database, rabbitmq_url: str, publish: Run, channel: Any, flow: Consumers, organization_event: Any
) -> None:
    """During a deploy both releases share a queue; its bindings are the newer one's."""
    queue = await channel.get_queue(flow.queue)
    await queue.bind(EXCHANGE, "organization.renamed.v9")
    handled: dict[str, list[UUID]] = {"older": [], "newer": []}
    older, newer = Consumers(flow.queue), Consumers(flow.queue)

    @older.on(identity.OrganizationCreatedV1)
    @newer.on(identity.OrganizationCreatedV1)
    async def created(event: identity.OrganizationCreatedV1, session: Any) -> None:
        handled["older"].append(event.id)

    @newer.on(identity.OrganizationUpdatedV1)
    async def updated(event: identity.OrganizationUpdatedV1, session: Any) -> None:
        handled["newer"].append(event.id)

    async def open_channel() -> Any:
        return channel

    known, later, of_nobody = organization_event(), organization_event(updated=True), organization_event()
    for event in (known, later, later):
        await publish(event)
    await publish(of_nobody, key="organization.renamed.v9")
    loop = ConsumerLoop(older, database, rabbitmq_url)
    async with running(loop.run):
        await eventually(lambda: inbox(database), until=lambda count: count == 3)
        await publish(later)
        await eventually(lambda: waiting_in(channel, flow.queue), until=lambda count: count == 0)
    assert await loop.retry_due(open_channel) == 0
    assert handled == {"older": [known.id], "newer": []}
    loop = ConsumerLoop(newer, database, rabbitmq_url)
    assert [await loop.retry_due(open_channel) for _ in range(2)] == [1, 0]
    assert handled == {"older": [known.id], "newer": [later.id]}
    async with database.transaction() as session:
        left = await session.execute(text("select routing_key, attempts from retries"))
        assert left.all() == [("organization.renamed.v9", 0)]
    assert await dead(channel, flow) == []
    await queue.unbind(EXCHANGE, "organization.renamed.v9")


async def waiting_in(channel: Any, queue: str) -> int:
    found: int = (await channel.declare_queue(queue, passive=True)).declaration_result.message_count
    return found


async def test_duplicates_are_handled_once(
    database: Database, rabbitmq_url: str, publish: Run, flow: Consumers, copies: Any, organization_event: Any
) -> None:
    handled: list[UUID] = []
    counting = Consumers(flow.queue)

    @counting.on(identity.OrganizationCreatedV1)
    async def count(event: identity.OrganizationCreatedV1, session: Any) -> None:
        handled.append(event.id)

    first, second = organization_event(), organization_event()
    for event in (first, first, second, first):
        await publish(event)
    async with running(ConsumerLoop(counting, database, rabbitmq_url).run):
        await eventually(lambda: inbox(database), until=lambda count: count == 2)
        await publish(first)
        await publish(third := organization_event())
        await eventually(lambda: inbox(database), until=lambda count: count == 3)
    assert sorted(handled) == sorted([first.id, second.id, third.id])


async def inbox(database: Database) -> int:
    async with database.transaction() as session:
        return (await session.execute(text("select count(*) from inbox"))).scalar_one()


async def test_a_poison_message_is_set_aside_with_its_reason_and_the_others_pass(
    database: Database,
    rabbitmq_url: str,
    publish: Run,
    channel: Any,
    flow: Consumers,
    copies: Any,
    organization_event: Any,
) -> None:
    poison = organization_event("poison")
    for event in (organization_event(), poison, organization_event()):
        await publish(event)
    await publish(None, b"not an event", "organization.created.v1")
    async with running(ConsumerLoop(flow, database, rabbitmq_url).run):
        await eventually(lambda: copied(database, copies), until=lambda count: count == 2)
        letters: list[Any] = []

        async def collect() -> int:
            letters.extend(await dead(channel, flow))
            return len(letters)

        await eventually(collect, until=lambda count: count == 2)
    by_body = {letter.body: letter.headers for letter in letters}
    assert by_body[poison.to_bytes()]["x-reason"] == "ValueError: this one cannot be handled"
    assert "not as OrganizationCreatedV1 says" in str(by_body[b"not an event"]["x-reason"])
    assert await inbox(database) == 2


async def test_a_retry_waits_as_a_row_and_is_handled_when_due(
    database: Database, rabbitmq_url: str, publish: Run, channel: Any, flow: Consumers, organization_event: Any
) -> None:
    attempts: list[int] = []
    patient = Consumers(flow.queue)

    @patient.on(identity.OrganizationCreatedV1)
    async def wait(event: identity.OrganizationCreatedV1, session: Any) -> None:
        attempts.append(len(attempts))
        outbox.record(session, organization_event("said once"))
        if len(attempts) < 3:
            raise Retry(timedelta(minutes=10), "the projection is on its way")

    loop = ConsumerLoop(patient, database, rabbitmq_url)

    async def open_channel() -> Any:
        return channel

    await publish(event := organization_event())
    async with running(loop.run):
        await eventually(lambda: inbox(database), until=lambda count: count == 1)
        await publish(event)
    for due in (0, 1, 1, 0):
        assert await loop.retry_due(open_channel) == due
        clock.move(timedelta(minutes=11))
    assert len(attempts) == 3
    async with database.transaction() as session:
        assert (await session.execute(text("select count(*) from retries"))).scalar() == 0
        assert (await session.execute(text("select count(*) from outbox"))).scalar() == 1


async def test_a_consumer_waits_for_its_database_and_loses_nothing(
    database: Database,
    postgres_url: str,
    rabbitmq_url: str,
    publish: Run,
    channel: Any,
    flow: Consumers,
    copies: Any,
    organization_event: Any,
) -> None:
    async def sever() -> None:
        connection = await asyncpg.connect(postgres_url)
        await connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1", database.engine.url.database
        )
        await connection.close()

    async def arrived() -> int:
        """How many came; none while the pool has not heard yet of a connection that was cut."""
        try:
            return await copied(database, copies)
        except DBAPIError:
            return 0

    async with running(ConsumerLoop(flow, database, rabbitmq_url).run):
        for _ in range(10):
            await publish(organization_event())
            await sever()
        await eventually(arrived, until=lambda count: count == 10)
    assert await dead(channel, flow) == []


async def test_one_trace_runs_from_the_record_to_the_handler(
    database: Database, rabbitmq_url: str, channel: Any, flow: Consumers, organization_event: Any
) -> None:
    from servicekit import telemetry

    seen: list[str | None] = []
    watching = Consumers(flow.queue)

    @watching.on(identity.OrganizationCreatedV1)
    async def watch(event: identity.OrganizationCreatedV1, session: Any) -> None:
        seen.extend((event.traceparent, telemetry.traceparent(), str(outbox.causation.get())))

    with telemetry.span("request", parent=f"00-{'a' * 32}-{'b' * 16}-01"):
        async with database.transaction() as session:
            outbox.record(session, organization_event())
    async with running(Relay(database, rabbitmq_url, "sample").run, ConsumerLoop(watching, database, rabbitmq_url).run):
        await eventually(lambda: inbox(database), until=lambda count: count == 1)
    assert [str(part).split("-")[1] for part in seen[:2]] == ["a" * 32] * 2


def test_two_handlers_for_one_event_are_refused() -> None:
    twice = Consumers("sample.twice")
    twice.on(identity.OrganizationCreatedV1)(lambda event, session: asyncio.sleep(0))
    with pytest.raises(ValueError, match="two handlers"):
        twice.on(identity.OrganizationCreatedV1)(lambda event, session: asyncio.sleep(0))


async def test_a_flow_in_order_is_handled_by_one_worker_at_a_time(
    database: Database, rabbitmq_url: str, amqp_channel: Any, organization_event: Any
) -> None:
    ordered = Consumers("sample.ordered", in_order=True)
    handled: dict[UUID, list[int]] = {}

    @ordered.on(identity.OrganizationCreatedV1)
    async def note(event: identity.OrganizationCreatedV1, session: Any) -> None:
        handled.setdefault(event.subject, []).append(event.sequence)

    await ordered.declare(amqp_channel)
    subjects = [ids.uuid7() for _ in range(4)]

    async def handled_so_far() -> int:
        return sum(len(sequences) for sequences in handled.values())

    first, second = (ConsumerLoop(ordered, database, rabbitmq_url) for _ in range(2))
    async with running(Relay(database, rabbitmq_url, "sample").run, second.run):
        async with running(first.run):
            for _ in range(100):
                async with database.transaction() as session:
                    outbox.record(session, *(organization_event(subject=subject) for subject in subjects))
        await eventually(handled_so_far, until=lambda count: count == 400)
    assert all(sequences == list(range(1, 101)) for sequences in handled.values())
    queue = await amqp_channel.get_queue("sample.ordered")
    await queue.delete(if_unused=False, if_empty=False)


async def test_events_together_are_handed_over_as_one_list_in_order(
    database: Database, organization_event: Any
) -> None:
    together = Consumers("sample.together")
    calls: list[Any] = []

    @together.on(identity.OrganizationCreatedV1, together=True)
    async def many(events: Any, session: Any) -> None:
        calls.append([event.data.name for event in events])

    @together.on(identity.OrganizationUpdatedV1)
    async def one(event: Any, session: Any) -> None:
        calls.append(event.data.name)

    events = [organization_event(name) for name in ("a", "b")]
    events += [organization_event("c", updated=True), organization_event("d"), organization_event("e", updated=True)]
    messages = [Message.read(event.to_bytes(), event.routing_key()) for event in [*events, events[0]]]
    async with database.transaction() as session:
        assert await together.handle(messages, session) == 5
    assert calls == [["a", "b"], "c", ["d"], "e"]
    async with database.transaction() as session:
        assert await together.handle(messages, session) == 0
    assert len(calls) == 4


async def test_a_batch_that_was_in_another_s_way_is_tried_again_whole(
    database: Database, rabbitmq_url: str, channel: Any, flow: Consumers, copies: Any, organization_event: Any
) -> None:
    """One by one it would be as many transactions, while another worker does the same."""
    calls: list[int] = []
    together = Consumers(flow.queue)
    again, free = asyncio.Event(), asyncio.Event()

    @together.on(identity.OrganizationCreatedV1, together=True)
    async def write(events: list[identity.OrganizationCreatedV1], session: Any) -> None:
        calls.append(len(events))
        if len(calls) == 2:
            again.set()
            await free.wait()
        await session.execute(text("set local lock_timeout = '50ms'"))
        rows = [(event, {"organization_id": event.subject, "name": event.data.name}) for event in events]
        await project_all(session, copies, rows)

    events = [organization_event(name) for name in ("a", "b", "c")]
    messages = [Message.read(event.to_bytes(), event.routing_key()) for event in events]
    loop = ConsumerLoop(together, database, rabbitmq_url)
    async with database.transaction() as other:
        await project(other, copies, events[1], organization_id=events[1].subject, name="b")
        attempt = asyncio.create_task(loop.handle_whole(messages))
        await again.wait()
    free.set()
    assert await attempt is None
    assert calls == [3, 3]
    assert await copied(database, copies) == 3


async def test_several_events_are_projected_in_one_statement_as_one_by_one(
    database: Database, organization_event: Any, copies: Any
) -> None:
    one, two = ids.uuid7(), ids.uuid7()
    events = [
        organization_event("new", subject=one, sequence=3),
        organization_event("old", subject=one, sequence=2),
        organization_event("older than what is there", subject=two, sequence=4),
    ]
    async with database.transaction() as session:
        await project(session, copies, organization_event(subject=two, sequence=5), organization_id=two, name="there")
        rows = [(event, {"organization_id": event.subject, "name": event.data.name}) for event in events]
        await project_all(session, copies, rows)
    async with database.transaction() as session:
        found = {copy.id: (copy.name, copy.sequence) for copy in (await session.execute(select(copies))).scalars()}
        checked = await session.execute(
            text("select bool_and(checksum = md5(jsonb_strip_nulls(to_jsonb(c) - 'checksum')::text)) from copies c")
        )
        assert checked.scalar_one()
    assert found == {one: ("new", 3), two: ("there", 5)}
