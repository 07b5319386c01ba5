"""Deliveries that are due: claimed in one transaction, sent outside of any, and written down in another."""

import asyncio
import ipaddress
import socket
import time
from collections import Counter
from contextlib import suppress
from datetime import timedelta
from typing import Any, Self
from uuid import UUID

import aiohttp
import structlog
from aiohttp.abc import ResolveResult
from aiohttp.resolver import ThreadedResolver
from servicekit import clock
from servicekit.database import Sessions, is_transient

from webhooks.deliveries import operations, queries
from webhooks.deliveries.operations import Answer, Attempt
from webhooks.settings import Settings

log = structlog.get_logger()
LEASE = timedelta(seconds=5)
"""How long after an attempt's timeout another worker takes it up, when the one that had it in hand has died."""
ANSWER_BYTES = 2048
PER_ENDPOINT = 8
"""How many deliveries to one endpoint a worker has in hand, so that a slow one leaves room for the others."""
GRACE_SECONDS = 15


class PublicResolver(ThreadedResolver):
    """Resolves names to public addresses alone: a name that points inside is not called (DNS rebinding)."""

    async def resolve(self, host: str, port: int = 0, family: Any = socket.AF_INET) -> list[ResolveResult]:
        """Raises `OSError` when no public address is left."""
        found = await super().resolve(host, port, family)
        public = [entry for entry in found if ipaddress.ip_address(entry["host"]).is_global]
        if not public:
            raise OSError("the name does not resolve to a public address")
        return public


class Courier:
    """Makes deliveries, many at a time, with one pool of connections."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._tasks: set[asyncio.Task[None]] = set()
        self._in_hand: Counter[UUID] = Counter()
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        """Opens the pool."""
        resolver = None if self._settings.allows_private_addresses else PublicResolver()
        connector = aiohttp.TCPConnector(limit=self._settings.webhook_concurrency, resolver=resolver)
        timeout = aiohttp.ClientTimeout(total=self._settings.webhook_timeout_seconds)
        self._session = aiohttp.ClientSession(connector=connector, timeout=timeout, cookie_jar=aiohttp.DummyCookieJar())
        return self

    async def __aexit__(self, *_: object) -> None:
        """Lets what is under way come to its end, for some seconds."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=GRACE_SECONDS)
        if self._session is not None:
            await self._session.close()

    async def deliver_due(self, sessions: Sessions) -> int:
        """Claims what is due, as far as there is room, and sets out with it. Returns how many were claimed."""
        room = self._settings.webhook_concurrency - len(self._tasks)
        if room <= 0:
            await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
            return 1
        attempts = await self._claim(sessions, min(room, PER_ENDPOINT))
        for attempt in attempts:
            self._in_hand[attempt.endpoint_id] += 1
            task = asyncio.create_task(self._deliver(sessions, attempt), name=f"delivery {attempt.event_id}")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return len(attempts)

    async def settle(self) -> None:
        """Waits for everything that is under way."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def _claim(self, sessions: Sessions, limit: int) -> list[Attempt]:
        busy = [endpoint_id for endpoint_id, count in self._in_hand.items() if count >= PER_ENDPOINT]
        async with sessions() as session:
            now = clock.now()
            lease = LEASE + timedelta(seconds=self._settings.webhook_timeout_seconds)
            found = await queries.due(session, now, limit, busy)
            for event, _ in found:
                event.due_at = now + lease
            secret = self._settings.secret
            return [
                Attempt(event.id, endpoint.id, endpoint.url, endpoint.secret(secret), event.payload)
                for event, endpoint in found
            ]

    async def _deliver(self, sessions: Sessions, attempt: Attempt) -> None:
        try:
            try:
                answer = await self._post(attempt)
            finally:
                self._put_down(attempt.endpoint_id)
            delays = self._settings.webhook_retry_delays_seconds
            async with sessions() as session:
                await operations.write_down(session, attempt, answer, delays)
            log.info(
                "webhook.delivered" if answer.is_taken else "webhook.failed",
                webhook_id=str(attempt.event_id),
                endpoint_id=str(attempt.endpoint_id),
                code=answer.code,
                duration_ms=answer.duration_ms,
            )
        except Exception as error:
            # The lease brings it back: it is sent again with the same id.
            level = log.warning if is_transient(error) else log.error
            level("webhook.not_written_down", webhook_id=str(attempt.event_id), reason=repr(error)[:300])

    def _put_down(self, endpoint_id: UUID) -> None:
        self._in_hand[endpoint_id] -= 1
        if not self._in_hand[endpoint_id]:
            del self._in_hand[endpoint_id]

    async def _post(self, attempt: Attempt) -> Answer:
        assert self._session is not None
        began = time.monotonic()

        def took() -> int:
            return int((time.monotonic() - began) * 1000)

        headers = attempt.headers(clock.now())
        try:
            async with self._session.post(
                attempt.url, data=attempt.body, headers=headers, allow_redirects=False
            ) as response:
                text = (await response.content.read(ANSWER_BYTES)).decode("utf-8", "replace").replace("\x00", "")
                return Answer(response.status, text, took(), _retry_after(response.headers.get("Retry-After")))
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            return Answer(None, f"{type(error).__name__}: {str(error)[:300]}", took())


def _retry_after(value: str | None) -> timedelta | None:
    """The seconds of a `Retry-After`; a date is not heeded, and the schedule stands."""
    if value is not None:
        with suppress(ValueError, OverflowError):
            return timedelta(seconds=max(0, int(value)))
    return None
