"""A service's broker user says its own events and hears its own queues, and nothing else."""

import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel
from aio_pika.exceptions import DeliveryError
from aiormq.exceptions import ChannelAccessRefused
from contracts.registry import EVENTS
from polar_cli.stack import Stack
from polar_cli.state import SERVICES
from servicekit.broker import EXCHANGE


@asynccontextmanager
async def connected(stack: Stack, service: str) -> AsyncIterator[aio_pika.abc.AbstractConnection]:
    connection = await aio_pika.connect(stack.environment(service)["RABBITMQ_URL"], timeout=10)
    try:
        yield connection
    finally:
        await connection.close()


async def publish(channel: AbstractChannel, exchange: str, routing_key: str) -> None:
    """Publishes and waits for the confirm. Raises `ChannelAccessRefused` when it is forbidden."""
    target = channel.default_exchange if not exchange else await channel.get_exchange(exchange, ensure=False)
    message = aio_pika.Message(b"{}", headers={"forged": "yes"})
    await target.publish(message, routing_key, mandatory=True, timeout=10)


async def refused(connection: aio_pika.abc.AbstractConnection, exchange: str, routing_key: str) -> bool:
    """Whether publishing is refused; the broker closes the channel, so each try has one of its own."""
    channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
    try:
        await publish(channel, exchange, routing_key)
    except ChannelAccessRefused:
        return True
    except DeliveryError:
        return False  # let through, and returned since nobody listens
    finally:
        await channel.close()
    return False


def queues(stack: Stack) -> list[str]:
    return sorted(queue["name"] for queue in stack.management.call("GET", "queues?columns=name"))


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_cannot_say_what_others_say(stack: Stack, service: str) -> None:
    foreign = sorted({event.routing_key() for event in EVENTS if event.source != f"/{service}"})
    assert len(foreign) > 20
    async with connected(stack, service) as connection:
        let_through = [key for key in foreign if not await refused(connection, EXCHANGE, key)]
    assert let_through == []


@pytest.mark.parametrize("service", [name for name in SERVICES if any(e.source == f"/{name}" for e in EVENTS)])
async def test_a_service_may_say_its_own(stack: Stack, service: str) -> None:
    """Otherwise the refusals above would prove nothing. The version is one that nobody listens to."""
    own = next(event for event in EVENTS if event.source == f"/{service}")
    async with connected(stack, service) as connection:
        assert not await refused(connection, EXCHANGE, f"{own.routing_key().rpartition('.')[0]}.v9999")


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_cannot_reach_around_the_exchange(stack: Stack, service: str) -> None:
    others = [name for name in queues(stack) if not name.startswith(f"{service}.")]
    async with connected(stack, service) as connection:
        # The default exchange puts a message into any queue by its name, the dead ones into another's dead letters.
        assert [name for name in others if not await refused(connection, "", name)] == []
        dead = [f"{other}.dead" for other in SERVICES if other != service]
        assert [name for name in dead if not await refused(connection, name, "any")] == []
        assert [name for name in ("amq.topic", "amq.fanout") if not await refused(connection, name, "any")] == []


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_cannot_touch_others_queues(stack: Stack, service: str) -> None:
    others = [name for name in queues(stack) if not name.startswith(f"{service}.")]
    assert {name.split(".")[0] for name in others} >= {"billing", "webhooks"} - {service}
    allowed = []
    async with connected(stack, service) as connection:
        for name in others:
            for action in ("get", "consume", "purge", "delete", "bind"):
                channel = await connection.channel()
                try:
                    queue = await channel.get_queue(name, ensure=False)
                    match action:
                        case "get":
                            await queue.get(fail=False, timeout=10)
                        case "consume":
                            await queue.consume(_never)
                        case "purge":
                            await queue.purge(timeout=10)
                        case "delete":
                            await queue.delete(if_unused=False, if_empty=False, timeout=10)
                        case "bind":
                            await queue.bind(EXCHANGE, "order.paid.v1", timeout=10)
                    allowed.append((action, name))
                except ChannelAccessRefused:
                    pass
                finally:
                    await channel.close()
    assert allowed == []


async def _never(_: aio_pika.abc.AbstractIncomingMessage) -> None:
    pytest.fail("a foreign queue delivered a message")


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_cannot_change_the_exchange_nor_make_one(stack: Stack, service: str) -> None:
    other = next(name for name in SERVICES if name != service)
    async with connected(stack, service) as connection:
        for name in (EXCHANGE, f"{other}.dead", "intruder"):
            channel = await connection.channel()
            with pytest.raises(ChannelAccessRefused):
                await channel.declare_exchange(name, aio_pika.ExchangeType.TOPIC, durable=True, timeout=10)
        channel = await connection.channel()
        with pytest.raises(ChannelAccessRefused):
            await channel.exchange_delete(EXCHANGE, timeout=10)
        channel = await connection.channel()
        with pytest.raises(ChannelAccessRefused):
            await channel.declare_queue(f"{other}.intruder", timeout=10)


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_may_not_manage_the_broker(stack: Stack, service: str) -> None:
    broker = urlsplit(stack.environment(service)["RABBITMQ_URL"])
    base = urlsplit(stack.management.url)
    request = urllib.request.Request(f"http://{base.hostname}:{base.port}/api/users")
    credentials = b64encode(f"{broker.username}:{broker.password}".encode()).decode()
    request.add_header("Authorization", f"Basic {credentials}")
    with pytest.raises(urllib.error.HTTPError) as refusal:
        urllib.request.urlopen(request, timeout=10)
    assert refusal.value.code == 401
