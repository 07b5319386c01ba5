"""How much a worker may have in hand, of each endpoint and of all: kept in its memory, and soon learned anew."""

import time
from collections import Counter, OrderedDict
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from servicekit import clock

from webhooks.deliveries.claims import Room
from webhooks.deliveries.operations import Answer, Attempt

PER_ENDPOINT = 8
"""Deliveries to one endpoint that a worker has in hand."""
AFTER_TIMEOUT = 2
"""The same, when the endpoint's last answer did not come in time."""
RATE = 100.0
"""Deliveries a second to one endpoint, by one worker; as many may come at once after a pause."""
QUICK_MS = 1000
"""An endpoint that answered within this is proven."""
SHARE_OF_UNPROVEN = 0.75
"""Of all deliveries in hand, those to endpoints that are new or slow: the rest is left to proven ones."""
LONGEST_PAUSE = timedelta(seconds=60)
"""For how long an endpoint that answers 429 is left alone at most; the event itself waits for as long as it asks."""
REMEMBERED = 2000
AT_ONCE = 512
"""Claimed by one statement at most: while these set out, the next are claimed."""


class Lane:
    """One endpoint as this worker has met it."""

    __slots__ = ("_paused_until", "_refilled_at", "_tokens", "in_hand", "proven", "timed_out", "turn")

    def __init__(self) -> None:
        self.in_hand = 0
        self.proven = False
        self.timed_out = False
        self.turn = 0
        self._tokens = RATE
        self._refilled_at = time.monotonic()
        self._paused_until: datetime | None = None

    def room(self, now: float) -> int:
        """How many more it may be given at this (monotonic) moment."""
        if self._paused_until is not None and clock.now() < self._paused_until:
            return 0
        self._tokens = min(RATE, self._tokens + (now - self._refilled_at) * RATE)
        self._refilled_at = now
        most = AFTER_TIMEOUT if self.timed_out else PER_ENDPOINT
        # Who sends as much as it may is served by handfuls: one by one each would cost a claim and a transaction.
        return 0 if self._tokens < PER_ENDPOINT else max(0, most - self.in_hand)

    @property
    def is_full(self) -> bool:
        """Whether only the end of what is in hand makes room."""
        return self.in_hand >= (AFTER_TIMEOUT if self.timed_out else PER_ENDPOINT)

    def take(self, turn: int) -> None:
        """One delivery more is in hand; `turn` counts those of all endpoints."""
        self.in_hand += 1
        self.turn = turn
        self._tokens -= 1

    def put_down(self, answer: Answer) -> None:
        """A delivery has ended."""
        self.in_hand -= 1
        self.timed_out = answer.timed_out
        self.proven = answer.duration_ms <= QUICK_MS
        if answer.code == 429 and answer.retry_after is not None:
            self._paused_until = clock.now() + min(answer.retry_after, LONGEST_PAUSE)


class Lanes:
    """The endpoints that this worker has met of late, and what all of them together have in hand."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lanes: OrderedDict[UUID, Lane] = OrderedDict()
        self._turns = 0
        self.in_hand = 0
        self.full: set[UUID] = set()
        """Those that had their hands full at the last claim: something may wait for the end of what they have."""

    @property
    def free(self) -> int:
        """How many deliveries more this worker can take in hand."""
        return self._most - self.in_hand

    def room(self) -> Room:
        """What may be claimed now."""
        now = time.monotonic()
        known = [(id, lane.room(now), lane.proven, lane.turn) for id, lane in self._lanes.items()]
        self.full = {id for id, lane in self._lanes.items() if lane.is_full}
        unproven = sum(lane.in_hand for lane in self._lanes.values() if not lane.proven)
        left = max(0, int(self._most * SHARE_OF_UNPROVEN) - unproven)
        return Room(max(0, min(self.free, AT_ONCE)), left, PER_ENDPOINT, known)

    def in_turn(self, attempts: Sequence[Attempt]) -> list[Attempt]:
        """Attempts in the order in which they set out: each endpoint's first before any endpoint's second.

        Those of a loud one, which wait for longest, would otherwise take the time of all others.
        """
        of: Counter[UUID] = Counter({id: lane.in_hand for id, lane in self._lanes.items() if lane.in_hand})
        ranked = []
        for attempt in attempts:
            ranked.append((of[attempt.endpoint_id], attempt))
            of[attempt.endpoint_id] += 1
        return [attempt for _, attempt in sorted(ranked, key=lambda pair: pair[0])]

    def take(self, endpoint_id: UUID) -> None:
        """A delivery was taken in hand."""
        lane = self._lanes.get(endpoint_id)
        if lane is None:
            lane = self._lanes[endpoint_id] = Lane()
            self._forget()
        self._lanes.move_to_end(endpoint_id)
        self._turns += 1
        lane.take(self._turns)
        self.in_hand += 1
        if lane.is_full:
            self.full.add(endpoint_id)

    def put_down(self, endpoint_id: UUID, answer: Answer) -> None:
        """A delivery has ended."""
        self._lanes[endpoint_id].put_down(answer)
        self.in_hand -= 1

    def _forget(self) -> None:
        for id in [id for id, lane in self._lanes.items() if not lane.in_hand]:
            if len(self._lanes) <= REMEMBERED:
                return
            del self._lanes[id]
