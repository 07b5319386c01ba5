"""Events in: a queue per flow, an inbox in the handler's transaction, and three outcomes.

A handler returns (done), raises `Retry` (a row of the consumer's own, tried again when due), or raises anything else:
then the message is set aside in `<queue>.dead` with the reason. When the database is away the messages in hand are
kept and tried again, since it is not their fault.

During a deploy two releases share a flow's queue, and the older one may be given what only the newer one handles. It
leaves such a message as a row too, which the newer one takes.
"""

import asyncio
import random
import traceback
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, TypeVar
from uuid import UUID

import aio_pika
import structlog
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage
from aio_pika.exceptions import AMQPError
from contracts.event import Event, EventClass
from contracts.registry import BY_ROUTING_KEY
from opentelemetry.trace import SpanKind
from pydantic import ValidationError
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from servicekit import broker, clock, ids, metrics, outbox, telemetry
from servicekit.clock import Standing
from servicekit.database import CONFLICTS, Database, is_transient, sqlstate

log = structlog.get_logger()
_handled = telemetry.counter(metrics.MESSAGES_HANDLED)
_retried = telemetry.counter(metrics.MESSAGES_RETRIED)
_dead = telemetry.counter(metrics.MESSAGES_DEAD)
_delay = telemetry.histogram(metrics.MESSAGE_DELAY, [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300, 3600])

BATCH = 200
CONFLICTS_IN_A_ROW = 3
"""How often a batch is tried again whole, when another transaction was in its way."""
RETRIES = 50
"""Attempts of one message that asks for `Retry` before it is set aside."""

Handler = Callable[[Any, AsyncSession], Awaitable[None]]
AnyHandler = TypeVar("AnyHandler", bound=Handler)

_ACCEPT = text("""
    with accepted as (
        insert into inbox (source, event_id, queue, handled_at)
        select source, event_id, :queue, :now
        from unnest(cast(:sources as text[]), cast(:ids as uuid[])) as arrived (source, event_id)
        order by event_id
        on conflict do nothing
        returning event_id
    )
    select event_id, null::uuid as organization_id, null::timestamptz as instant from accepted
    union all
    select null, organization_id, instant from clocks
    where organization_id = any(cast(:organizations as uuid[])) and not is_deleted
""")
"""Takes messages into the inbox, and says which are new; and where the test clocks of their organizations stand."""
_KEEP = text("""
    insert into retries (id, queue, routing_key, payload, attempts, due_at, reason)
    select id, :queue, routing_key, payload, :attempts, :due_at, :reason
    from unnest(cast(:ids as uuid[]), cast(:keys as text[]), cast(:payloads as bytea[]))
        as kept (id, routing_key, payload)
""")
UNKNOWN = "no handler in the release that was given it"
"""Why a message was left, with no attempt, to a newer release."""
_INSTANT = text("select instant from clocks where organization_id = :organization and not is_deleted")
_DUE = text("""
    select id, payload, routing_key, attempts from retries
    where queue = :queue and due_at <= :now and routing_key = any(cast(:keys as text[]))
    order by due_at limit 1 for update skip locked
""")
_AGAIN = text("update retries set attempts = attempts + 1, due_at = :due, reason = :reason where id = :id")


class Retry(Exception):
    """What the handler needs is not there yet; the message comes back after `after`."""

    def __init__(self, after: timedelta, reason: str) -> None:
        super().__init__(reason)
        self.after = after


class _Unknown(Event[Any]):
    """An event of a newer release."""


@dataclass(frozen=True)
class Message:
    """One event as it arrived: the bytes, and what they say when the contract could read them."""

    body: bytes
    routing_key: str
    event: Event[Any] | None
    problem: str = ""

    @classmethod
    def read(cls, body: bytes, routing_key: str) -> "Message":
        """Reads tolerantly, of an event that this release does not know the envelope.

        Bytes that even so are no event carry the `problem`.
        """
        contract = BY_ROUTING_KEY.get(routing_key, _Unknown)
        try:
            return cls(body, routing_key, contract.from_bytes(body))
        except ValidationError as error:
            fields = [".".join(str(part) for part in problem["loc"]) or "JSON" for problem in error.errors()]
            return cls(body, routing_key, None, f"not as {contract.__name__} says: {', '.join(fields[:5])}")


def _standing(event: Event[Any], instant: datetime | None) -> Standing | None:
    """The test clock that an event is handled at: where it stands here, or stood there, whichever is later.

    The event may be here before the clock is: it moved at its producer first.
    """
    instants = [one for one in (event.clock_time, instant) if one is not None]
    return Standing(event.organization_id, max(instants)) if instants else None


class Consumers:
    """The handlers of one flow: `queue` is `<service>.<flow>`. At most one handler for an event.

    Several workers share a flow's messages, and one may overtake another, unless the flow is `in_order`.
    """

    def __init__(self, queue: str, *, in_order: bool = False) -> None:
        self.queue = queue
        self.in_order = in_order
        self.handlers: dict[str, Handler] = {}
        self._together: set[Handler] = set()

    def on(self, *contracts: EventClass, together: bool = False) -> Callable[[AnyHandler], AnyHandler]:
        """Makes a function the handler of these events. Raises `ValueError` when an event has one already.

        A handler of events `together` is given a list of those that arrived one behind the other, so that it can write
        them in one statement. It may record no events, as they would not know what caused them, but have something
        said `at_end` with the correlation of the event.
        """

        def register(handler: AnyHandler) -> AnyHandler:
            for contract in contracts:
                key = contract.routing_key()
                if key in self.handlers:
                    raise ValueError(f"{self.queue} has two handlers for {key}")
                self.handlers[key] = handler
            if together:
                self._together.add(handler)
            return handler

        return register

    async def declare(self, channel: AbstractChannel) -> aio_pika.abc.AbstractQueue:
        """Declares the queue with a binding for each event that has a handler."""
        return await broker.declare_queue(channel, self.queue, sorted(self.handlers), in_order=self.in_order)

    async def handle(self, messages: list[Message], session: AsyncSession) -> int:
        """Handles messages inside the caller's transaction; those in the inbox are skipped. Returns how many were new.

        Those without a handler are left to a newer release. Raises `Retry`, or whatever a handler raises: the
        transaction must then be rolled back.
        """
        first: dict[UUID, Message] = {}
        unknown: dict[UUID, Message] = {}
        for message in messages:
            if message.event is None:
                raise ValueError(message.problem)
            (first if message.routing_key in self.handlers else unknown).setdefault(message.event.id, message)
        if unknown:
            await self._leave(unknown.values(), session)
        if not first:
            return 0
        events = [message.event for message in first.values() if message.event is not None]
        arrived = {
            "sources": [event.origin for event in events],
            "ids": [event.id for event in events],
            "organizations": list({event.organization_id for event in events}),
        }
        found = (await session.execute(_ACCEPT, {**arrived, "queue": self.queue, "now": clock.wall()})).all()
        fresh = {row.event_id for row in found if row.event_id is not None}
        instants = {row.organization_id: row.instant for row in found if row.event_id is None}

        def alike(event: Event[Any]) -> tuple[Handler, Standing | None]:
            return self._handler_of(event), _standing(event, instants.get(event.organization_id))

        for (handler, standing), run in groupby((event for event in events if event.id in fresh), alike):
            if handler in self._together:
                several = list(run)
                parents = (event.traceparent for event in several)
                with clock.standing_at(standing), telemetry.spans(self._span(handler), SpanKind.CONSUMER, parents):
                    await handler(several, session)
                continue
            for event in run:
                await self.call(event, session, standing)
        return len(fresh)

    async def _keep(
        self, messages: Collection[Message], session: AsyncSession, *, attempts: int, due_at: datetime, reason: str
    ) -> int:
        """Keeps messages as rows, and their ids in the inbox. Returns how many were not there before."""
        events = {message.event.id: message for message in messages if message.event is not None}
        arrived = {
            "sources": [message.event.origin for message in events.values() if message.event is not None],
            "ids": list(events),
            "organizations": [],
        }
        found = (await session.execute(_ACCEPT, {**arrived, "queue": self.queue, "now": clock.wall()})).all()
        fresh = [events[row.event_id] for row in found]
        if fresh:
            kept = {
                "ids": [ids.uuid7() for _ in fresh],
                "keys": [message.routing_key for message in fresh],
                "payloads": [message.body for message in fresh],
            }
            own = {"queue": self.queue, "attempts": attempts, "due_at": due_at, "reason": reason}
            await session.execute(_KEEP, {**kept, **own})
        return len(fresh)

    async def _leave(self, unknown: Collection[Message], session: AsyncSession) -> None:
        count = await self._keep(unknown, session, attempts=0, due_at=clock.wall(), reason=UNKNOWN)
        types = sorted({message.routing_key for message in unknown})
        log.warning("consumer.left_to_newer", queue=self.queue, types=types, count=count)

    def _span(self, handler: Handler) -> str:
        return f"{self.queue} {getattr(handler, '__name__', 'handler')}"

    def _handler_of(self, event: Event[Any]) -> Handler:
        return self.handlers[event.routing_key()]

    async def call(self, event: Event[Any], session: AsyncSession, standing: Standing | None = None) -> None:
        """Hands an event to its handler, whether or not it was handled before. Raises what the handler raises.

        The handler stands at the test clock of the event's organization: `standing`, or else where its producer stood.
        """
        handler = self._handler_of(event)
        standing = standing or _standing(event, None)
        if handler in self._together:
            with clock.standing_at(standing):
                await handler([event], session)
            return
        marks = (outbox.correlation.set(event.correlation_id), outbox.causation.set(event.id))
        try:
            span = telemetry.span(self._span(handler), SpanKind.CONSUMER, parent=event.traceparent)
            with clock.standing_at(standing), span:
                await handler(event, session)
        finally:
            outbox.correlation.reset(marks[0])
            outbox.causation.reset(marks[1])

    async def store_retry(self, message: Message, retry: Retry, session: AsyncSession) -> None:
        """Keeps a message that asked for `Retry` as a row, and its id in the inbox, in the caller's transaction."""
        _retried.add(1, {"queue": self.queue})
        await self._keep([message], session, attempts=1, due_at=clock.wall() + retry.after, reason=str(retry)[:500])


class ConsumerLoop:
    """Runs one flow: takes what has arrived, at most 200 messages, as one transaction and one acknowledgement."""

    def __init__(self, consumers: Consumers, database: Database, rabbitmq_url: str) -> None:
        self._consumers = consumers
        self._database = database
        self._url = rabbitmq_url
        self.connected = False
        self.queue = consumers.queue
        self.keys = list(consumers.handlers)

    async def run(self, stop: asyncio.Event) -> None:
        """Consumes until `stop`, then finishes the messages in hand; connects again when the broker was away."""
        while not stop.is_set():
            connection: AbstractConnection | None = None
            try:
                connection = await broker.connect(self._url, self._consumers.queue)
                await self._consume(connection, stop)
            except Exception as error:
                expected = isinstance(error, AMQPError | RuntimeError) or is_transient(error)
                log.warning("consumer.interrupted", queue=self.queue, reason=repr(error), exc_info=not expected)
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), 0.5)
            finally:
                self.connected = False
                if connection is not None:
                    with suppress(Exception):
                        await connection.close()

    async def _consume(self, connection: AbstractConnection, stop: asyncio.Event) -> None:
        channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
        await channel.set_qos(prefetch_count=2 * BATCH)
        queue = await self._consumers.declare(channel)
        waiting: asyncio.Queue[AbstractIncomingMessage] = asyncio.Queue()
        await queue.consume(waiting.put)
        self.connected = True
        closed = asyncio.ensure_future(_closed(channel))
        stopped = asyncio.ensure_future(stop.wait())
        try:
            while True:
                arrival = asyncio.ensure_future(waiting.get())
                await asyncio.wait({arrival, closed, stopped}, return_when=asyncio.FIRST_COMPLETED)
                if closed.done():
                    arrival.cancel()
                    raise ConnectionError("the channel was closed")
                if stopped.done():
                    arrival.cancel()
                    # Not cancelled first: what we were given goes back as another takes over, so in order.
                    return
                batch = [arrival.result()]
                while len(batch) < BATCH and not waiting.empty():
                    batch.append(waiting.get_nowait())
                await self._process(batch, channel, stop)
        finally:
            closed.cancel()
            stopped.cancel()

    async def _process(
        self, batch: list[AbstractIncomingMessage], channel: AbstractChannel, stop: asyncio.Event
    ) -> None:
        messages = [Message.read(delivery.body, delivery.routing_key or "") for delivery in batch]
        failure = await self.handle_whole(messages)
        if failure is None:
            await batch[-1].ack(multiple=True)
            return
        log.info("consumer.one_by_one", queue=self.queue, size=len(batch), reason=repr(failure)[:300])
        alone = failure if len(batch) == 1 else None
        for delivery, message in zip(batch, messages, strict=True):
            await self._settle(message, alone, channel, stop)
            await delivery.ack()

    async def handle_whole(self, messages: list[Message]) -> Exception | None:
        """Handles messages in one transaction, again when another one was in the way; returns what still is.

        Another worker's batch may have rows of the same resources in another order; one by one they would take long.
        """
        failure = await self._attempt(messages)
        for _ in range(CONFLICTS_IN_A_ROW):
            if failure is None or sqlstate(failure) not in CONFLICTS:
                break
            await asyncio.sleep(random.uniform(0.01, 0.1))
            failure = await self._attempt(messages)
        return failure

    async def _attempt(self, messages: list[Message]) -> Exception | None:
        """Handles messages in one transaction; returns what was in the way."""
        try:
            async with self._database.transaction() as session:
                fresh = await self._consumers.handle(messages, session)
        except Exception as error:
            return error
        if fresh and telemetry.is_exporting():
            self._measure(messages, fresh)
        return None

    def _measure(self, messages: list[Message], fresh: int) -> None:
        _handled.add(fresh, {"queue": self.queue})
        now = clock.now()
        for message in messages:
            if message.event is not None:
                _delay.record(max(0.0, (now - message.event.time).total_seconds()), {"queue": self.queue})

    async def _settle(
        self, message: Message, failure: Exception | None, channel: AbstractChannel, stop: asyncio.Event
    ) -> None:
        """Brings one message to one of the three outcomes; `failure` is that of an attempt already made."""
        pause = 0.05
        while True:
            failure = failure or await self._attempt([message])
            if failure is None:
                return
            if isinstance(failure, Retry):
                async with self._database.transaction() as session:
                    await self._consumers.store_retry(message, failure, session)
                return
            if not is_transient(failure):
                await set_aside(channel, self.queue, message.body, message.routing_key, failure)
                return
            if stop.is_set() or channel.is_closed:
                raise ConnectionError("left unhandled: the broker delivers it again") from failure
            await asyncio.sleep(pause)
            pause = min(pause * 2, 2.0)
            failure = None

    async def retry_due(self, channel_of: Callable[[], Awaitable[AbstractChannel]]) -> int:
        """Handles one message whose retry is due. Returns 1, or 0 when none is due."""
        failure: tuple[Any, Exception] | None = None
        try:
            async with self._database.transaction() as session:
                wanted = {"queue": self.queue, "now": clock.wall(), "keys": self.keys}
                due = (await session.execute(_DUE, wanted)).first()
                if due is None:
                    return 0
                event = Message.read(due.payload, due.routing_key).event
                assert event is not None
                try:
                    async with session.begin_nested():
                        instant = await session.scalar(_INSTANT, {"organization": event.organization_id})
                        await self._consumers.call(event, session, _standing(event, instant))
                    await session.execute(text("delete from retries where id = :id"), {"id": due.id})
                except Retry as retry:
                    session.info.pop("events", None)
                    if due.attempts >= RETRIES:
                        failure = (due, retry)
                    else:
                        again = {"due": clock.wall() + retry.after, "reason": str(retry)[:500], "id": due.id}
                        await session.execute(_AGAIN, again)
                except Exception as error:
                    if is_transient(error):
                        raise
                    session.info.pop("events", None)
                    failure = (due, error)
        except Exception as error:
            if not is_transient(error):
                raise
            log.warning("retry.postponed", queue=self._consumers.queue, reason=repr(error))
            return 0
        if failure is not None:
            due, reason = failure
            await set_aside(await channel_of(), self._consumers.queue, due.payload, due.routing_key, reason)
            async with self._database.transaction() as session:
                await session.execute(text("delete from retries where id = :id"), {"id": due.id})
        return 1


async def set_aside(channel: AbstractChannel, queue: str, body: bytes, routing_key: str, error: Exception) -> None:
    """Publishes a message to the queue's dead letters, byte for byte, with the reason as headers."""
    _dead.add(1, {"queue": queue})
    log.error("message.dead", queue=queue, routing_key=routing_key, exc_info=error)
    where = traceback.extract_tb(error.__traceback__)[-1] if error.__traceback__ else None
    exchange = await broker.dead_exchange(channel, queue)
    headers: dict[str, Any] = {
        "x-reason": f"{type(error).__name__}: {str(error)[:500]}",
        "x-where": f"{where.name}:{where.lineno}" if where else "",
        "x-original-routing-key": routing_key,
        "x-set-aside-at": clock.rfc3339(clock.wall()),
    }
    await exchange.publish(
        aio_pika.Message(
            body,
            headers=headers,
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
            type=routing_key,
            content_type="application/cloudevents+json; charset=UTF-8",
        ),
        queue,
        timeout=10,
    )


async def _closed(channel: AbstractChannel) -> None:
    with suppress(Exception, asyncio.CancelledError):
        await channel.closed()
