"""The relay: takes recorded events out of the outbox in order, publishes them, and marks what the broker confirmed.

Only one relay of a service is active at a time (an advisory lock of the batch's transaction), so that events of one
subject leave in the order in which they were committed; another takes over when the first one's connection ends.
"""

import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import Any

import structlog
from aio_pika.abc import AbstractConnection
from aio_pika.exceptions import AMQPError, DeliveryError, PublishError
from aiormq import Channel
from contracts.event import cloud_type_of
from opentelemetry.trace import SpanKind
from sqlalchemy import Row, text

from servicekit import broker, clock, metrics, telemetry
from servicekit.database import Database, is_transient
from servicekit.properties import EventProperties
from servicekit.timers import first_of, look

log = structlog.get_logger()
_published = telemetry.counter(metrics.EVENTS_PUBLISHED)

BATCH = 200
POLL_SECONDS = 1.0
CONFIRM_SECONDS = 20.0
UNROUTABLE_RETRY = timedelta(seconds=5)
_LOCK = text("""
    select pg_try_advisory_xact_lock(hashtext('outbox-relay')), set_config('synchronous_commit', 'off', true)
""")
"""A mark that a power cut loses is an event that is published again, so its commit need not wait for the disk."""
_CLAIM = text("""
    select id, created_at, event_id, routing_key, source, subject, sequence, organization_id, payload
    from outbox
    where published_at is null and (retry_at is null or retry_at <= :now)
    order by id limit :batch
""")
_is_any_recorded = look("""
    select 1 from outbox where published_at is null and (retry_at is null or retry_at <= $1) order by id limit 1
""")
_MARK = text("update outbox set published_at = :now where id = any(:ids) and published_at is null")
_LATER = text("update outbox set retry_at = :retry_at where id = any(:ids) and published_at is null")


class Relay:
    """Publishes a service's outbox until it is told to stop."""

    def __init__(self, database: Database, rabbitmq_url: str, name: str) -> None:
        self._database = database
        self._url = rabbitmq_url
        self._name = name

    async def run(self, stop: asyncio.Event) -> None:
        """Publishes whenever work was committed, and looks by itself every second; finishes its batch on `stop`."""
        woken = self._database.wakeup.listen("events")
        while not stop.is_set():
            connection: AbstractConnection | None = None
            try:
                connection = await broker.connect(self._url, f"{self._name}.relay")
                channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
                underlay = await channel.get_underlay_channel()
                assert isinstance(underlay, Channel)
                while not stop.is_set():
                    woken.clear()
                    if await self.publish_batch(underlay) < BATCH:
                        await self._wait(woken, stop)
            except Exception as error:
                expected = isinstance(error, AMQPError | RuntimeError) or is_transient(error)
                log.warning("relay.interrupted", reason=repr(error), exc_info=not expected)
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), 0.5)
            finally:
                if connection is not None:
                    with suppress(Exception):
                        await connection.close()

    async def _wait(self, woken: asyncio.Event, stop: asyncio.Event) -> None:
        """Until work was committed, or there is some though nobody said so."""
        while True:
            await first_of(woken, stop, seconds=POLL_SECONDS)
            if woken.is_set() or stop.is_set() or await _is_any_recorded(self._database):
                return

    async def publish_batch(self, channel: Channel) -> int:
        """Publishes up to a batch of events, all in flight at once. Returns how many the broker confirmed.

        Raises when the broker is lost: what it had confirmed is marked all the same, the rest stays for the next try.
        """
        async with self._database.engine.begin() as connection:
            if not (await connection.execute(_LOCK)).scalar():
                return 0
            claimed = (await connection.execute(_CLAIM, {"batch": BATCH, "now": clock.wall()})).all()
            if not claimed:
                return 0
            async with asyncio.timeout(CONFIRM_SECONDS):
                results = await asyncio.gather(*(_publish(channel, row) for row in claimed), return_exceptions=True)
            confirmed = [row.id for row, result in zip(claimed, results, strict=True) if result is None]
            unroutable = [row for row, result in zip(claimed, results, strict=True) if isinstance(result, PublishError)]
            if confirmed:
                await connection.execute(_MARK, {"ids": confirmed, "now": clock.wall()})
            if unroutable:
                # Nobody's queue is bound to it yet: it waits, and does not hold back the others.
                log.warning("relay.unroutable", types=sorted({row.routing_key for row in unroutable}))
                later = {"ids": [row.id for row in unroutable], "retry_at": clock.wall() + UNROUTABLE_RETRY}
                await connection.execute(_LATER, later)
        _published.add(len(confirmed))
        lost = [result for result in results if isinstance(result, BaseException)]
        for error in lost:
            if not isinstance(error, PublishError | DeliveryError):
                raise error
        return len(confirmed)


async def _publish(channel: Channel, row: Row[Any]) -> None:
    """Publishes one event and waits for its confirm; on aiormq's channel, which writes without a pause between two."""
    properties = EventProperties(
        message_id=str(row.event_id),
        message_type=row.routing_key,
        app_id=row.source,
        attributes={
            # Not from the registry: during a deploy, an older relay publishes what newer processes record.
            "type": cloud_type_of(row.routing_key),
            "subject": str(row.subject),
            "sequence": f"{row.sequence:010d}",
            "organizationid": str(row.organization_id),
        },
    )
    with telemetry.span(f"publish {row.routing_key}", SpanKind.PRODUCER, parent=_traceparent(row.payload)):
        await channel.basic_publish(
            row.payload, exchange=broker.EXCHANGE, routing_key=row.routing_key, properties=properties,
            mandatory=True, wait=False,
        )  # fmt: skip


def _traceparent(payload: bytes) -> str | None:
    """Reads the trace out of the stored bytes without decoding them whole."""
    mark = b'"traceparent":"'
    start = payload.find(mark, 0, 600)
    return payload[start + len(mark) : start + len(mark) + 55].decode() if start >= 0 else None
