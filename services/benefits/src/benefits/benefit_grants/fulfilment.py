"""Work at other systems: claimed in one transaction, done outside of any, and written down in another.

Any number of workers may run. A claim is for a while (`LEASE`): what a worker that died had in hand is done again,
which every outside call allows. New purchases come before what follows an edit, and organizations take turns.
"""

import asyncio
import random
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Self
from uuid import UUID

import structlog
from servicekit import clock, outbox
from servicekit.database import Sessions, is_transient, wake
from sqlalchemy.ext.asyncio import AsyncSession

from benefits.benefit_connections import queries as connections
from benefits.benefit_grants import operations, queries
from benefits.benefit_grants.models import BenefitGrant
from benefits.oauth_accounts import operations as oauth_accounts
from benefits.settings import Settings
from benefits.strategies.outside import Outsides
from benefits.strategies.properties import PLATFORMS
from benefits.strategies.protocol import ActionRequired, Job, NotConnected, OutsideError, Postponed

log = structlog.get_logger()
LEASE = timedelta(seconds=90)
"""Longer than a grant's calls can take together."""
IN_HAND = 32
"""How many grants one worker fulfils at once."""
PER_ORGANIZATION = 8
"""How many grants of one organization a worker has in hand, so that others find room."""
ATTEMPTS = 30
"""Tries over about a day before a grant has failed, or is counted as taken."""
FIRST, LONGEST = timedelta(seconds=4), timedelta(hours=1)
GRACE_SECONDS = 20
SPARE = timedelta(minutes=1)


@dataclass(frozen=True)
class Outcome:
    """What came of a job: the new properties of a grant that was given, or what was in the way."""

    properties: dict[str, Any] | None = None
    error: OutsideError | None = None


class Fulfilment:
    """Does what is due outside, many grants at a time."""

    def __init__(self, settings: Settings, outside: Outsides) -> None:
        self._settings = settings
        self._outside = outside
        self._tasks: set[asyncio.Task[None]] = set()
        self._in_hand: Counter[UUID] = Counter()

    async def __aenter__(self) -> Self:
        """Nothing to open: the clients are given."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Lets what is under way come to its end, for some seconds."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=GRACE_SECONDS)

    async def fulfil_due(self, sessions: Sessions) -> int:
        """Claims what is due, as far as there is room, and sets out with it. Returns how many were claimed."""
        room = IN_HAND - len(self._tasks)
        if room <= 0:
            await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
            return 1
        jobs = await self._claim(sessions, room)
        tasks = []
        for job in jobs:
            self._in_hand[job.organization_id] += 1
            task = asyncio.create_task(self._fulfil(sessions, job), name=f"grant {job.grant_id}")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            tasks.append(task)
        if tasks and clock.standing() is not None:
            await asyncio.wait(tasks)  # a test clock goes on when its work is done, not when it was begun
        return len(jobs)

    async def settle(self) -> None:
        """Waits for everything that is under way."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def _claim(self, sessions: Sessions, limit: int) -> list[Job]:
        full = [organization_id for organization_id, count in self._in_hand.items() if count >= PER_ORGANIZATION]
        async with sessions() as session:
            now = clock.wall()  # a claim is of this process, and the outside knows no other time
            jobs = []
            for grant in await queries.claimable(session, now, limit, PER_ORGANIZATION, full):
                grant.hand_out(now, LEASE)
                jobs.append(await queries.job(session, grant, self._settings.secret))
            return jobs

    async def _fulfil(self, sessions: Sessions, job: Job) -> None:
        try:
            try:
                outcome = await self._ask(sessions, job)
            finally:
                self._in_hand[job.organization_id] -= 1
            async with sessions() as session:
                await write_down(session, job, outcome)
                wake(session)  # what waited behind it, or for room, may begin
            log.info(
                "grant.fulfilled" if outcome.error is None else "grant.not_fulfilled",
                grant_id=str(job.grant_id),
                type=job.type,
                work=job.work,
                attempts=job.attempts,
                reason=str(outcome.error) if outcome.error else None,
            )
        except Exception as error:
            # The claim runs out, and it is done again.
            level = log.warning if is_transient(error) else log.error
            level("grant.not_written_down", grant_id=str(job.grant_id), reason=repr(error)[:300])

    async def _ask(self, sessions: Sessions, job: Job) -> Outcome:
        strategy = self._outside.strategies[job.type]
        try:
            if job.work == "take":
                await strategy.take(job)
                return Outcome({})
            account = job.account
            expires_at = account.tokens.expires_at if account is not None else None
            if account is not None and expires_at is not None and expires_at - SPARE <= clock.wall():
                tokens = await strategy.refreshed(account.tokens)
                if tokens != account.tokens:
                    async with sessions() as session:
                        refreshed = await oauth_accounts.keep_tokens(session, account.id, tokens, self._settings.secret)
                    job = job.with_account(refreshed)
            return Outcome(await strategy.give(job))
        except ActionRequired as error:
            if job.work == "give" and job.account is not None:
                async with sessions() as session:
                    await oauth_accounts.forget_tokens(
                        session, job.account.id, job.account.tokens, self._settings.secret
                    )
            return Outcome(error=error)
        except OutsideError as error:
            return Outcome(error=error)


async def write_down(session: AsyncSession, job: Job, outcome: Outcome) -> None:
    """What came of a job. A wish that changed meanwhile still stands; what was given is noted all the same."""
    error = outcome.error
    if isinstance(error, NotConnected):
        await connections.lock(session, job.organization_id)
        if await connections.external_ids(session, job.organization_id, PLATFORMS[job.type]) != job.connected:
            error = Postponed(str(error))  # it was connected, or changed, meanwhile
    grant = await queries.locked(session, job.grant_id)
    is_current = grant.version == job.version
    grant.in_hand_until = None
    marks = outbox.correlation.set(grant.entitlement_id)
    try:
        if error is not None:
            if is_current:
                await _failed(session, grant, job, error)
        elif job.work == "give":
            before, grant.properties = dict(grant.properties), _properties(grant, outcome, is_current=is_current)
            grant.account = grant.properties["granted_account_id"]
            if is_current:
                grant.done()
            await operations.given(session, grant, before)
        else:
            await _was_taken(session, grant, job, is_current=is_current)
    finally:
        outbox.correlation.reset(marks)


def _properties(grant: BenefitGrant, outcome: Outcome, *, is_current: bool) -> dict[str, Any]:
    """Of what was given; the account that the customer chose meanwhile stays chosen."""
    properties = dict(outcome.properties or {})
    if not is_current and grant.properties.get("account_id"):
        properties["account_id"] = grant.properties["account_id"]
    return properties


async def _was_taken(session: AsyncSession, grant: BenefitGrant, job: Job, *, is_current: bool) -> None:
    account = grant.account
    grant.account = None
    grant.properties = {name: value for name, value in grant.properties.items() if name != "granted_account_id"}
    if is_current:
        grant.done()
        await operations.taken(session, grant)
    else:
        grant.granted_at = None
    if account is not None and not job.others_hold_it:
        await queries.give_again(session, grant, account, clock.now())


async def _failed(session: AsyncSession, grant: BenefitGrant, job: Job, error: OutsideError) -> None:
    now, shown = clock.now(), operations.problem(error)
    if isinstance(error, Postponed) and job.attempts < ATTEMPTS:
        is_news = grant.error is None or grant.error["message"] != shown["message"]
        grant.postpone(now + delay(job.attempts, error.after), shown)
        if is_news and job.attempts >= 3:
            await operations.tell(session, grant)
        return
    if job.work == "take":
        grant.done()
        grant.error = shown
        await operations.taken(session, grant)
        return
    if isinstance(error, ActionRequired):
        grant.await_customer(shown)
        grant.modified_at = now
    else:
        grant.fail(now, shown)
    await operations.tell(session, grant)


def delay(attempts: int, after: timedelta | None) -> timedelta:
    """How long to wait after so many tries: doubling with jitter, and never less than the outside asked for."""
    grown = min(FIRST * 2 ** min(attempts - 1, 12), LONGEST)
    jittered = grown * random.uniform(0.5, 1.0)
    return jittered if after is None else max(after * random.uniform(1.0, 1.1), timedelta(seconds=0.1))
