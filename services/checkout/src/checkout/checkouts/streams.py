"""Live news of checkouts for their pages, as server-sent events: what changed, read from the database when it changed.

A process listens to the database once, however many pages look at it, and asks for all their checkouts in one
statement. A page that connects again gets the present state first, so that nothing is lost in between.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog
from servicekit.database import UNREACHABLE, Database
from servicekit.errors import ServiceError
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError
from starlette.applications import Starlette

from checkout.checkouts.models import Checkout

log = structlog.get_logger()
STREAMS = 1000
"""Of one process."""
STREAMS_OF_ONE = 8
"""Of one checkout: a page and its copies in other tabs."""
LASTS_SECONDS = 55.0
"""Then the page connects again: shorter than the gateway waits for an answer."""
COMMENT_SECONDS = 15.0
"""Between two comments, which keep proxies from closing a silent connection."""
LOOK_SECONDS = 5.0
"""Between two looks without a wake-up, which a restart of the database may have swallowed."""
GATHER_SECONDS = 0.05
"""Changes within that time are one look."""
STOP_SECONDS = 0.5
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


class TooManyStreams(ServiceError):
    """The process, or the checkout, has as many streams as it takes; the page asks for the checkout instead."""

    status_code = 503


@dataclass(frozen=True)
class State:
    """What pages are told of a checkout."""

    status: str
    modified_at: Any = None
    order_id: UUID | None = None
    subscription_id: UUID | None = None
    has_order: bool = False
    has_subscription: bool = False

    @classmethod
    def of(cls, checkout: Any) -> "State":
        """Of a checkout, or of a row with these columns."""
        return cls(
            status=checkout.status,
            modified_at=checkout.modified_at,
            order_id=checkout.order_id,
            subscription_id=checkout.subscription_id,
            has_order=checkout.order_created_at is not None,
            has_subscription=checkout.subscription_created_at is not None,
        )

    def since(self, before: "State | None") -> Iterator[tuple[str, dict[str, Any]]]:
        """Key and payload (Polar's words) of each message about what became true since an earlier state."""
        if before is None or (before.status, before.modified_at) != (self.status, self.modified_at):
            yield "checkout.updated", {"status": self.status}
        if self.has_order and not (before is not None and before.has_order):
            yield "checkout.order_created", {"order_id": str(self.order_id)}
        if self.has_subscription and not (before is not None and before.has_subscription):
            yield "checkout.subscription_created", {"subscription_id": str(self.subscription_id)}


@dataclass(eq=False)
class Watcher:
    """One page: the state that it was told of last, and what it is to be told."""

    checkout_id: UUID
    told: State | None
    news: asyncio.Queue[tuple[str, dict[str, Any]]]

    def see(self, state: State) -> None:
        """Takes up what changed."""
        for message in state.since(self.told):
            self.news.put_nowait(message)
        self.told = state


class Streams:
    """The streams of one process. `begin` and `end` frame the process's life."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._watchers: dict[UUID, list[Watcher]] = {}
        self._stop = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def count(self) -> int:
        """How many are open."""
        return sum(len(watchers) for watchers in self._watchers.values())

    def ensure_room(self, checkout_id: UUID) -> None:
        """Raises `TooManyStreams`."""
        of_one = self._watchers.get(checkout_id, [])
        if self.count >= STREAMS or len(of_one) >= STREAMS_OF_ONE:
            raise TooManyStreams("as many pages as are allowed are looking already", headers={"Retry-After": "5"})

    @contextmanager
    def watching(self, checkout_id: UUID, state: State) -> Iterator[Watcher]:
        """Watches a checkout that was just read, for which there is room."""
        watcher = Watcher(checkout_id, None, asyncio.Queue())
        watcher.see(state)
        self._watchers.setdefault(checkout_id, []).append(watcher)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name="streams")
        try:
            yield watcher
        finally:
            self._watchers[checkout_id].remove(watcher)
            if not self._watchers[checkout_id]:
                del self._watchers[checkout_id]

    async def close(self) -> None:
        """Ends what listens to the database."""
        self._stop.set()
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        woken = self._database.wakeup.listen("events", "work")
        listening = asyncio.create_task(self._database.wakeup.watch(self._stop), name="streams.wakeup")
        try:
            while True:
                with suppress(TimeoutError):
                    await asyncio.wait_for(woken.wait(), LOOK_SECONDS)
                await asyncio.sleep(GATHER_SECONDS)
                woken.clear()
                if not self._watchers:
                    continue
                try:
                    await self._look(list(self._watchers))
                except (*UNREACHABLE, DBAPIError) as error:
                    log.warning("streams.unavailable", reason=type(error).__name__)
        finally:
            listening.cancel()

    async def _look(self, watched: Sequence[UUID]) -> None:
        columns = (
            Checkout.id, Checkout.status, Checkout.modified_at, Checkout.order_id, Checkout.subscription_id,
            Checkout.order_created_at, Checkout.subscription_created_at,
        )  # fmt: skip
        async with self._database.transaction() as session:
            rows = (await session.execute(select(*columns).where(Checkout.id.in_(watched)))).all()
        for row in rows:
            for watcher in self._watchers.get(row.id, ()):
                watcher.see(State.of(row))


async def events(streams: Streams, app: Starlette, checkout_id: UUID, state: State) -> AsyncIterator[str]:
    """The lines of one stream: the present state, what changes, and after 55 seconds the wish to connect again.

    It ends at once when the process is told to stop, so that a restart does not wait for pages.
    """
    loop = asyncio.get_running_loop()
    ends, comment_at = loop.time() + LASTS_SECONDS, loop.time() + COMMENT_SECONDS
    with streams.watching(checkout_id, state) as watcher:
        yield "retry: 1000\n\n"
        while loop.time() < ends and not app.state.is_stopping:
            try:
                key, payload = await asyncio.wait_for(watcher.news.get(), STOP_SECONDS)
            except TimeoutError:
                if loop.time() >= comment_at:
                    comment_at = loop.time() + COMMENT_SECONDS
                    yield ": still here\n\n"
                continue
            yield f"data: {json.dumps({'key': key, 'payload': payload})}\n\n"
        yield "event: reconnect\ndata: {}\n\n"
