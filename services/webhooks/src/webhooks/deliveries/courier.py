"""The courier: has many deliveries in hand at a time, with one pool of connections, and no transaction meanwhile."""

import asyncio
import time
from contextlib import suppress
from datetime import timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Self
from uuid import UUID

import aiohttp
import structlog
from aiohttp.abc import AbstractResolver
from opentelemetry.trace import SpanKind
from servicekit import clock, metrics, telemetry
from servicekit.database import Database, Sessions, driver_of, is_transient, plan_anew, wake
from yarl import URL

from webhooks.deliveries import claims, outcomes
from webhooks.deliveries.claims import Room
from webhooks.deliveries.lanes import AT_ONCE, PER_ENDPOINT, Lanes
from webhooks.deliveries.operations import Answer, Attempt
from webhooks.deliveries.outcomes import Outcome
from webhooks.endpoints.addresses import PublicResolver, objection
from webhooks.settings import Settings

log = structlog.get_logger()
delivered = telemetry.counter(metrics.DELIVERED)
failed = telemetry.counter(metrics.NOT_DELIVERED)

LEASE = timedelta(seconds=5)
"""How long after an attempt's timeout another worker takes it up, when the one that had it in hand has died."""
ANSWER_BYTES = 2048
"""How much of an answer is read and kept; what is longer costs the endpoint its connection."""
ANSWER_SECONDS = 2.0
"""How long the body of an answer is waited for: its status has said already what became of the delivery."""
GRACE_SECONDS = 15
AT_A_CLOCK = 64
"""Deliveries at a time for one test clock."""
FOUND_NOTHING_SECONDS = 0.02
"""Rest after a claim that found nothing: another worker was quicker, and will be again."""
TOGETHER = 500
"""Outcomes that one statement writes."""
TOGETHER_SECONDS = 0.01
"""For how long outcomes gather: a transaction for each would cost as much as the delivery."""
GATHERING_SECONDS = 0.05
_cached_objection = lru_cache(maxsize=10_000)(objection)
_parsed = lru_cache(maxsize=10_000)(URL)
"""yarl remembers 128 addresses only: with more endpoints each delivery would parse its own again."""


class Courier:
    """Makes deliveries. `resolver` stands in for the system's, for tests."""

    def __init__(self, settings: Settings, database: Database, resolver: AbstractResolver | None = None) -> None:
        self._settings = settings
        self._database = database
        self._resolver = resolver
        self._lanes = Lanes(settings.webhook_concurrency)
        self._tasks: set[asyncio.Task[None]] = set()
        self._ended: list[Outcome] = []
        self._recorder: asyncio.Task[None] | None = None
        self._slot = asyncio.Event()
        self._after = claims.FIRST
        self._rest_until = 0.0
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        """Opens the pool."""
        resolver = self._resolver
        if resolver is None and not self._settings.webhook_allow_internal_addresses:
            resolver = PublicResolver()
        connector = aiohttp.TCPConnector(limit=self._settings.webhook_concurrency, resolver=resolver)
        self._session = aiohttp.ClientSession(
            connector=connector,
            timeout=aiohttp.ClientTimeout(total=self._settings.webhook_timeout_seconds),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        """Lets what is under way come to its end and be written down, for some seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(GRACE_SECONDS):
                await self.settle()
        if self._session is not None:
            await self._session.close()

    async def deliver_due(self, sessions: Sessions) -> int:
        """A timer's work: claims what is due, as far as there is room, and sets out with it.

        Returns 0 when nothing more can be claimed until something ends, comes due, or is announced; at a test clock
        when everything that is due has been delivered.
        """
        if clock.standing() is not None:
            return await self._deliver_standing(sessions)
        await self._await_room()
        wanted = min(self._lanes.free, AT_ONCE)
        return int(await self.claim_due(sessions) >= wanted)

    async def claim_due(self, sessions: Sessions) -> int:
        """Claims once, and sets out. Returns how many were claimed."""
        began = time.monotonic()
        room = self._lanes.room()
        if not room.total:
            return 0
        lease = LEASE + timedelta(seconds=self._settings.webhook_timeout_seconds)
        claimed = await claims.claim(self._database.claim, room, lease, self._after, self._settings.secret)
        self._after = claimed.after
        now = time.monotonic()
        # At most half of the time is spent on claims, however many endpoints have something waiting.
        self._rest_until = now + max(min(now - began, 0.1), 0.0 if claimed.attempts else FOUND_NOTHING_SECONDS)
        for attempt in self._lanes.in_turn(claimed.attempts):
            self._lanes.take(attempt.endpoint_id)
            task = asyncio.create_task(self._deliver(sessions, attempt))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return len(claimed.attempts)

    async def _deliver_standing(self, sessions: Sessions) -> int:
        """What is due at the test clock, to its end: the clock goes on when this finds nothing more."""
        lease = LEASE + timedelta(seconds=self._settings.webhook_timeout_seconds)
        room = Room(AT_A_CLOCK, AT_A_CLOCK, PER_ENDPOINT)
        attempts: list[Attempt] = []
        after: UUID | None = None
        async with sessions() as session:
            await plan_anew(session)
            fetch = (await driver_of(session)).fetch
            while after != claims.FIRST and not attempts:
                claimed = await claims.claim(fetch, room, lease, after or claims.FIRST, self._settings.secret)
                attempts, after = claimed.attempts, claimed.after
            is_waiting = not attempts and await claims.are_in_hand(session)
        if is_waiting:
            await asyncio.sleep(0.2)

        async def deliver(attempt: Attempt) -> None:
            answer = await self._post(attempt)
            await self._one_by_one(sessions, [Outcome(attempt, answer, clock.now())])
            (delivered if answer.is_taken else failed).add(1)

        await asyncio.gather(*(deliver(attempt) for attempt in attempts))
        return len(attempts) or int(is_waiting)

    async def settle(self) -> None:
        """Waits until nothing is under way and everything is written down."""
        while self._tasks or self._recorder is not None:
            await asyncio.wait([*self._tasks, *([self._recorder] if self._recorder else [])])

    async def _await_room(self) -> None:
        """Waits until a worthwhile share of the places is free, so that claims stay large when there is much to do."""
        await asyncio.sleep(max(0.0, self._rest_until - time.monotonic()))
        deadline = time.monotonic() + GATHERING_SECONDS
        while not self._has_room():
            left = deadline - time.monotonic()
            if left <= 0 and self._lanes.free > 0:
                return
            self._slot.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._slot.wait(), left if left > 0 else None)

    def _has_room(self) -> bool:
        return self._lanes.free >= max(1, self._settings.webhook_concurrency // 4 - 1)

    async def _deliver(self, sessions: Sessions, attempt: Attempt) -> None:
        answer = Answer(None, "the worker was stopped", 0)
        try:
            with telemetry.span("deliver webhook", SpanKind.CLIENT, parent=attempt.traceparent):
                answer = await self._post(attempt)
        finally:
            self._lanes.put_down(attempt.endpoint_id, answer)
            if self._lanes.free == 1 or self._has_room():
                self._slot.set()  # when it matters, and not for each: a wake-up costs a good part of a delivery
        self._ended.append(Outcome(attempt, answer, clock.now()))
        (delivered if answer.is_taken else failed).add(1)
        if not answer.is_taken:
            log.info(
                "webhook.failed",
                webhook_id=str(attempt.event_id),
                endpoint_id=str(attempt.endpoint_id),
                code=answer.code,
                duration_ms=answer.duration_ms,
            )
        if self._recorder is None:
            self._recorder = asyncio.create_task(self._record(sessions))

    async def _record(self, sessions: Sessions) -> None:
        """Writes down what has ended; what ends meanwhile is written next, together."""
        try:
            while self._ended:
                await asyncio.sleep(TOGETHER_SECONDS)
                batch, self._ended = self._ended[:TOGETHER], self._ended[TOGETHER:]
                try:
                    await self._write_down(sessions, batch)
                except Exception as error:
                    await self._one_by_one(sessions, batch, error)
        finally:
            self._recorder = None

    async def _write_down(self, sessions: Sessions, batch: list[Outcome]) -> None:
        async with sessions() as session:
            await outcomes.write_down(session, batch, self._settings)
            if any(outcome.attempt.endpoint_id in self._lanes.full for outcome in batch):
                wake(session, here=True)

    async def _one_by_one(self, sessions: Sessions, batch: list[Outcome], error: Exception | None = None) -> None:
        """What cannot be written down is left to its lease: it is sent again then, with the same id."""
        if error is not None and is_transient(error):
            await asyncio.sleep(0.5)
        for outcome in batch:
            try:
                await self._write_down(sessions, [outcome])
            except Exception as reason:
                level = log.warning if is_transient(reason) else log.error
                level("webhook.not_written_down", webhook_id=str(outcome.attempt.event_id), reason=repr(reason)[:300])

    async def _post(self, attempt: Attempt) -> Answer:
        assert self._session is not None
        began = time.monotonic()

        def took() -> int:
            return int((time.monotonic() - began) * 1000)

        if not self._settings.webhook_allow_internal_addresses:
            refused = _cached_objection(attempt.url, self._settings.webhook_ports)
            if refused is not None:
                return Answer(None, f"not called: the address {refused}", took())
        headers = attempt.headers(clock.wall())
        try:
            async with self._session.post(
                _parsed(attempt.url), data=attempt.body, headers=headers, allow_redirects=False
            ) as response:
                text = await _beginning(response)
                return Answer(response.status, text, took(), _retry_after(response.headers.get("Retry-After")))
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            cause = f" ({error.os_error})" if isinstance(error, aiohttp.ClientConnectorError) else ""
            timed_out = isinstance(error, TimeoutError)
            return Answer(None, f"{type(error).__name__}: {str(error)[:300]}{cause[:200]}", took(), timed_out=timed_out)


async def _beginning(response: aiohttp.ClientResponse) -> str:
    """The first bytes of an answer's body, as far as they come; the rest is not read, and the connection closed."""
    if response.content.is_eof():
        # Nearly always: the whole answer came with its head.
        return _text(response.content.read_nowait(ANSWER_BYTES))
    chunks: list[bytes] = []
    size = 0
    with suppress(aiohttp.ClientError, TimeoutError, OSError):
        async with asyncio.timeout(ANSWER_SECONDS):
            while size < ANSWER_BYTES and (chunk := await response.content.read(ANSWER_BYTES - size)):
                chunks.append(chunk)
                size += len(chunk)
    if not response.content.at_eof():
        response.close()
    return _text(b"".join(chunks))


def _text(body: bytes) -> str:
    return body.decode("utf-8", "replace").replace("\x00", "")


def _retry_after(value: str | None) -> timedelta | None:
    """How long a `Retry-After` asks to wait: seconds, or a date."""
    if value is None:
        return None
    with suppress(ValueError, OverflowError):
        if value.strip().isdecimal():
            return timedelta(seconds=min(int(value), 10**8))
        return max(timedelta(0), parsedate_to_datetime(value) - clock.wall())
    return None
