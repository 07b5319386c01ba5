"""Charging what is due: many at once, each customer in a lane of their own, outcomes written down together.

A lane is a customer's from the claim of a payment until its outcome is written: a card that is slow to answer holds up
its own customer, takes one of `AT_ONCE` places of this worker, and nothing else. What a crash leaves open is due again
after `IN_HAND`, and Stripe is asked with the same key: no payment is made twice.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from uuid import UUID

import structlog
from processor import Outcome, StripeProcessor
from servicekit import clock, timers
from servicekit.database import CONFLICTS, Sessions, sqlstate
from sqlalchemy import ARRAY, Uuid, any_, literal, not_, select, update

from billing.payments import collect, requests
from billing.payments.models import Payment

log = structlog.get_logger()

AT_ONCE = 32
"""Charges that one worker has in flight."""
AHEAD = 32
"""Payments that one worker has claimed besides, so that a place which gets free is taken at once."""
TOGETHER = 100
"""Outcomes that share a transaction at most."""
ALONE_AT_ONCE = 4
CONFLICTS_IN_A_ROW = 3
LOOKS_EVERY_SECONDS = 0.25
"""While there is room: what became due since does not wait for a slow card to answer."""


def _is_due() -> timers.Conditions:
    return timers.due(Payment.due_at, Payment.organization_id), Payment.status == "open"


is_any_to_collect = timers.waiting(Payment.due_at, _is_due)


async def collect_due(sessions: Sessions, processor: StripeProcessor) -> int:
    """A timer's work: charges what is due, until nothing is, and all has ended. Returns how many it took.

    Payments are claimed with SKIP LOCKED, so that any number of workers may run.
    """
    return await _Lanes(sessions, processor).run()


class _Lanes:
    def __init__(self, sessions: Sessions, processor: StripeProcessor) -> None:
        self._sessions = sessions
        self._processor = processor
        self._busy: set[UUID] = set()
        """Customers who have a payment in hand here."""
        self._waiting: deque[Payment] = deque()
        self._charging: dict[asyncio.Task[Outcome | None], Payment] = {}
        self._answered: list[tuple[Payment, Outcome]] = []
        self._writing: asyncio.Task[None] | None = None
        self._alone: set[asyncio.Task[None]] = set()
        self._few = asyncio.Semaphore(ALONE_AT_ONCE)
        self._looked_at = float("-inf")
        self._there_is_more = True

    async def run(self) -> int:
        taken = 0
        try:
            while True:
                if self._is_turn():
                    claimed = await self._claim(AT_ONCE + AHEAD - len(self._busy))
                    taken += len(claimed)
                    self._waiting.extend(claimed)
                self._charge()
                self._write()
                tasks = {*self._charging, *self._alone, *([self._writing] if self._writing else [])}
                if not tasks:
                    return taken
                done, _ = await asyncio.wait(tasks, timeout=LOOKS_EVERY_SECONDS, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    self._end(task)
        finally:
            for task in (*self._charging, *self._alone, *([self._writing] if self._writing else [])):
                task.cancel()

    def _is_turn(self) -> bool:
        """A look costs a transaction: it is for half a hand of payments, or after a while for whatever there is."""
        if timers.is_stopping() or len(self._busy) >= AT_ONCE + AHEAD:
            return False
        now = asyncio.get_running_loop().time()
        is_wanted = not self._busy or (self._there_is_more and len(self._busy) <= AHEAD)
        if not is_wanted and now < self._looked_at + LOOKS_EVERY_SECONDS:
            return False
        self._looked_at = now
        return True

    async def _claim(self, room: int) -> Sequence[Payment]:
        """The payments that have waited longest, one of a customer, of customers who have none in hand here."""
        busy = literal(list(self._busy), ARRAY(Uuid()))
        statement = (
            select(Payment)
            .where(*_is_due(), not_(Payment.customer_id == any_(busy)))
            .order_by(Payment.due_at)
            .limit(room)
            .with_for_update(skip_locked=True)
        )
        async with self._sessions() as session:
            due = (await session.execute(statement)).scalars().all()
            first: dict[UUID, Payment] = {}
            for payment in due:
                first.setdefault(payment.customer_id, payment)
            if first:
                taken = update(Payment).where(Payment.id.in_([payment.id for payment in first.values()]))
                await session.execute(
                    taken.values(**requests.later(requests.IN_HAND, clock.now())).execution_options(
                        synchronize_session=False
                    )
                )
        self._there_is_more = len(due) == room
        self._busy |= first.keys()
        return list(first.values())

    def _charge(self) -> None:
        while self._waiting and len(self._charging) < AT_ONCE:
            payment = self._waiting.popleft()
            task = asyncio.create_task(collect.charge(self._processor, payment), name=f"payment {payment.id}")
            self._charging[task] = payment

    def _write(self) -> None:
        """One transaction at a time: while it is under way, the next outcomes gather."""
        if self._answered and self._writing is None:
            together, self._answered = self._answered[:TOGETHER], self._answered[TOGETHER:]
            self._writing = asyncio.create_task(self._settle(together), name="payments settle")

    def _end(self, task: asyncio.Task[Outcome | None] | asyncio.Task[None]) -> None:
        if task is self._writing:
            self._writing = None
            task.result()
        elif task in self._alone:
            self._alone.discard(task)
            task.result()
        else:
            payment = self._charging.pop(task)
            outcome = self._outcome(task, payment)
            if outcome is None:
                self._busy.discard(payment.customer_id)
            else:
                self._answered.append((payment, outcome))

    def _outcome(self, task: "asyncio.Task[Outcome | None]", payment: Payment) -> Outcome | None:
        try:
            return task.result()
        except Exception as error:
            # It stays open and due: it is asked about again. The others in flight go on.
            log.error("payment.unsettled", payment_id=str(payment.id), exc_info=error)
            return None

    async def _settle(self, answered: Sequence[tuple[Payment, Outcome]]) -> None:
        """Writes outcomes down together; those that could not be, each in a transaction of its own, beside the next."""
        settled: set[UUID] = set()
        try:
            async with self._sessions() as session:
                settled = await collect.settle_all(session, {payment.id: outcome for payment, outcome in answered})
        except Exception as error:
            settled = set()
            log.warning("payments.settled_alone", count=len(answered), reason=repr(error)[:300])
        for payment, outcome in answered:
            if payment.id in settled:
                self._busy.discard(payment.customer_id)
            else:
                alone = self._settle_alone(payment, outcome)
                self._alone.add(asyncio.create_task(alone, name=f"payment {payment.id}"))

    async def _settle_alone(self, payment: Payment, outcome: Outcome) -> None:
        try:
            await self._settle_patiently(payment.id, outcome)
        except Exception as error:
            log.error("payment.unsettled", payment_id=str(payment.id), exc_info=error)
        finally:
            self._busy.discard(payment.customer_id)

    async def _settle_patiently(self, payment_id: UUID, outcome: Outcome) -> None:
        """Again at once where another transaction was in the way: a payment that stays open is due a minute later."""
        for tries_left in reversed(range(CONFLICTS_IN_A_ROW)):
            try:
                async with self._few, self._sessions() as session:
                    await collect.settle(session, payment_id, outcome)
                return
            except Exception as error:
                if not tries_left or sqlstate(error) not in CONFLICTS:
                    raise
