"""Recording and numbering of events, in the transaction that makes them true."""

import asyncio
from typing import Any

import asyncpg
import pytest
from pamqp.commands import Basic
from servicekit import ids, outbox
from servicekit.database import Database, Wakeup
from servicekit.properties import EventProperties
from servicekit.testing.harness import Bus


async def test_numbers_have_no_gaps_when_transactions_fail_or_run_at_once(
    database: Database, bus: Bus, organization_event: Any
) -> None:
    subject = ids.uuid7()

    async def write(fail: bool) -> None:
        async with database.transaction() as session:
            outbox.record(session, organization_event(subject=subject), organization_event(subject=subject))
            if fail:
                raise RuntimeError("rolled back")

    results = await asyncio.gather(*(write(number % 3 == 0) for number in range(15)), return_exceptions=True)
    assert sum(isinstance(result, RuntimeError) for result in results) == 5
    assert [event.sequence for event in await bus.all()] == list(range(1, 21))


async def test_many_subjects_at_once_do_not_deadlock(database: Database, bus: Bus, organization_event: Any) -> None:
    subjects = [ids.uuid7() for _ in range(10)]

    async def write(order: list[Any]) -> None:
        async with database.transaction() as session:
            outbox.record(session, *(organization_event(subject=subject) for subject in order))

    await asyncio.gather(*(write(subjects if number % 2 else subjects[::-1]) for number in range(10)))
    assert len(await bus.all()) == 100


async def test_the_stored_bytes_are_the_event(database: Database, bus: Bus, organization_event: Any) -> None:
    async with database.transaction() as session:
        outbox.record(session, organization_event("Ünïcode"), correlation_id=ids.derive("s", "purchase"))
    (event,) = await bus.all()
    assert event.data.name == "Ünïcode"
    assert event.correlation_id == ids.derive("s", "purchase")
    assert event.id.version == 7
    assert event.origin == "/identity"


def test_the_message_properties_are_those_that_any_client_reads() -> None:
    attributes = {"type": "polar.order.paid.v1", "sequence": "0000000007", "subject": "Ünïcode"}
    written = EventProperties("an-id", "order.paid.v1", "/billing", attributes)
    flags, data = int.from_bytes(written.marshal()[:2], "big"), written.marshal()[2:]
    read = Basic.Properties()
    read.unmarshal(flags, data)
    assert (read.content_type, read.delivery_mode) == ("application/cloudevents+json; charset=UTF-8", 2)
    assert (read.message_id, read.message_type, read.app_id) == ("an-id", "order.paid.v1", "/billing")
    assert read.headers == {
        "cloudEvents_id": "an-id",
        "cloudEvents_source": "/billing",
        **{f"cloudEvents_{name}": value for name, value in attributes.items()},
    }
    with pytest.raises(ValueError, match="too long"):
        EventProperties("x" * 256, "a", "b", {}).marshal()


async def test_an_older_event_does_not_overwrite_a_projection(
    database: Database, bus: Bus, organization_event: Any, copies: Any
) -> None:
    subject = ids.uuid7()
    newer = organization_event("newer", subject=subject, sequence=5, updated=True)
    older = organization_event("older", subject=subject, sequence=4, updated=True)
    await bus.deliver(newer, older, newer)
    async with database.transaction() as session:
        copy = await session.get(copies, subject)
    assert (copy.name, copy.sequence) == ("newer", 5)


async def test_a_command_that_ends_right_after_its_commit_has_told_of_it(settings: Any, database_url: str) -> None:
    heard = asyncio.Event()
    listener = await asyncpg.connect(database_url)
    await listener.add_listener(Wakeup.CHANNEL, lambda *_: heard.set())
    try:
        command = Database(settings.database_url, name="command", pool_size=1)
        command.wakeup.wake("events")
        await command.close()
        await asyncio.wait_for(heard.wait(), 1)
    finally:
        await listener.close()


async def test_a_command_ends_where_there_is_nobody_to_tell() -> None:
    alone = Wakeup("postgresql://nobody@127.0.0.1:1/none")
    alone.wake("events")
    await asyncio.wait_for(alone.close(), 1)
