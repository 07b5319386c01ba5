"""The broker as the suite uses it: one topic exchange, quorum queues, and dead letters that keep their reason."""

import asyncio
from urllib.parse import urlsplit

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractExchange, AbstractQueue

EXCHANGE = "events"
DELIVERY_LIMIT = 20
"""Deliveries of one message before the broker sets it aside. Not lower: a crash counts for every message in flight."""


async def connect(url: str, name: str) -> AbstractConnection:
    """A connection that ends with its first fault; who holds it starts again with a new one, and so with a clean
    state. Raises `OSError` or `aio_pika.exceptions.AMQPError` when the broker is away.
    """
    return await aio_pika.connect(url, timeout=10, client_properties={"connection_name": name})


async def events_exchange(channel: AbstractChannel) -> AbstractExchange:
    """The exchange of all events; it is part of the broker's provisioning and only looked up here."""
    return await channel.get_exchange(EXCHANGE, ensure=False)


async def dead_exchange(channel: AbstractChannel, queue: str) -> AbstractExchange:
    """Where a service's dead letters go: an exchange of its own, so that it needs no right on anybody's queues."""
    return await channel.declare_exchange(f"{queue.split('.')[0]}.dead", aio_pika.ExchangeType.DIRECT, durable=True)


async def declare_queue(
    channel: AbstractChannel, name: str, routing_keys: list[str], *, in_order: bool = False
) -> AbstractQueue:
    """Declares a flow's queue, its bindings, and the queue of its dead letters (`<name>.dead`).

    With `in_order` the broker gives its messages to one consumer at a time; the next takes over when that one ends.
    """
    dead = await dead_exchange(channel, name)
    dead_queue = await channel.declare_queue(f"{name}.dead", durable=True, arguments={"x-queue-type": "quorum"})
    await dead_queue.bind(dead, routing_key=name)
    queue = await channel.declare_queue(
        name,
        durable=True,
        arguments={
            "x-queue-type": "quorum",
            "x-delivery-limit": DELIVERY_LIMIT,
            "x-dead-letter-exchange": dead.name,
            "x-dead-letter-routing-key": name,
            "x-dead-letter-strategy": "at-least-once",
            "x-overflow": "reject-publish",
            **({"x-single-active-consumer": True} if in_order else {}),
        },
    )
    exchange = await events_exchange(channel)
    for key in routing_keys:
        await queue.bind(exchange, routing_key=key)
    return queue


async def ping(url: str) -> None:
    """Raises `OSError` unless an AMQP broker answers at the address; opens no session and needs no client library."""
    address = urlsplit(url)
    async with asyncio.timeout(2):
        reader, writer = await asyncio.open_connection(address.hostname, address.port or 5672)
        try:
            writer.write(b"AMQP\x00\x00\x09\x01")
            frame = await reader.read(1)
            if frame != b"\x01":
                raise OSError("the broker does not speak AMQP 0-9-1")
        finally:
            writer.close()
