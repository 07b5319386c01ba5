"""Writing down what came of attempts: many in one statement, and what follows for their endpoints."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from servicekit import clock, ids, mail, outbox
from servicekit.database import wake
from servicekit.languages import DEFAULT, Texts, chosen
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from webhooks.deliveries.operations import GONE, Answer, Attempt, next_attempt
from webhooks.endpoints import events
from webhooks.endpoints.models import Endpoint
from webhooks.mails.operations import LANGUAGES, endpoint_disabled
from webhooks.organizations.models import Organization
from webhooks.settings import Settings

log = structlog.get_logger()

FAILING = timedelta(hours=12)
"""For how long at least an endpoint must have failed every time before it is disabled."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """An attempt that has ended: when, and how."""

    attempt: Attempt
    answer: Answer
    at: datetime


async def write_down(session: AsyncSession, outcomes: Sequence[Outcome], settings: Settings) -> None:
    """Records attempts: done, the next one, or given up. Endpoints that are gone, or failed too often, are disabled."""
    delays = settings.webhook_retry_delays_seconds
    columns = {
        "deliveries": [ids.uuid7() for _ in outcomes],
        "events": [outcome.attempt.event_id for outcome in outcomes],
        "claimed": [outcome.attempt.due_at for outcome in outcomes],
        "at": [outcome.at for outcome in outcomes],
        "taken": [outcome.answer.is_taken for outcome in outcomes],
        "codes": [outcome.answer.code for outcome in outcomes],
        "answers": [outcome.answer.text for outcome in outcomes],
        "durations": [outcome.answer.duration_ms for outcome in outcomes],
        "due": [_due(outcome, delays) for outcome in outcomes],
    }
    if (await session.execute(_WRITE, columns)).scalar_one():
        wake(session, here=True)  # the next about the same resource may leave
    await _judge(session, outcomes, settings)


def _due(outcome: Outcome, delays: Sequence[int]) -> datetime | None:
    if outcome.answer.is_taken:
        return None
    return next_attempt(outcome.attempt.attempts + 1, outcome.answer, delays, outcome.at)


_WRITE = text("""
    with ended as (
        select * from unnest(
            cast(:deliveries as uuid[]), cast(:events as uuid[]), cast(:claimed as timestamptz[]),
            cast(:at as timestamptz[]), cast(:taken as bool[]), cast(:codes as int[]), cast(:answers as text[]),
            cast(:durations as int[]), cast(:due as timestamptz[])
        ) as e (delivery, event, claimed, at, taken, code, answer, duration, due)
    ), marked as (
        update webhook_events w set
            attempts = case when w.due_at is distinct from e.claimed then w.attempts else w.attempts + 1 end,
            first_attempt_at = coalesce(w.first_attempt_at, e.at),
            modified_at = e.at,
            last_http_code = e.code,
            last_response = e.answer,
            succeeded_at = case when e.taken then e.at else w.succeeded_at end,
            -- A replay that was asked for meanwhile set another instant, and a merchant's choice none: they stand.
            due_at = case when w.due_at is distinct from e.claimed then w.due_at else e.due end,
            claimed_until = null
        from ended e where w.id = e.event
        returning
            w.id, w.organization_id, w.endpoint_id, w.resource_id, w.sequence, w.type, e.delivery, e.at, e.taken,
            e.code, e.answer, e.duration
    ), written as (
        insert into webhook_deliveries (
            id, organization_id, created_at, endpoint_id, webhook_event_id, event_type, succeeded, http_code, response,
            duration_ms
        )
        select delivery, organization_id, at, endpoint_id, id, type, taken, code, answer, duration from marked
    )
    select exists (
        -- Fenced by the offset: it is run for each row of the other side, by the resource's index. A join might walk
        -- all that waits, and the index of what is due all that waits for an endpoint.
        select from marked cross join lateral (
            select later.due_at from webhook_events later
            where later.endpoint_id = marked.endpoint_id and later.resource_id = marked.resource_id
                and later.sequence > marked.sequence and later.first_attempt_at is null
            offset 0
        ) later
        where later.due_at is not null
    )
""")


@dataclass
class _Record:
    """What a batch says of one endpoint: whether it took anything, and how many failures came after the last time."""

    taken: bool = False
    failed: int = 0
    since: datetime | None = None
    gone: bool = False
    known: int = 0


async def _judge(session: AsyncSession, outcomes: Sequence[Outcome], settings: Settings) -> None:
    records: dict[UUID, _Record] = {}
    for outcome in outcomes:
        record = records.setdefault(outcome.attempt.endpoint_id, _Record())
        record.known = max(record.known, outcome.attempt.failures)
        if outcome.answer.is_taken:
            record.taken, record.failed, record.since = True, 0, None
        else:
            record.failed += 1
            record.since = record.since or outcome.at
            record.gone = record.gone or outcome.answer.code == GONE
    changed = {id: record for id, record in records.items() if record.failed or record.known}
    if not changed:
        return
    statement = select(Endpoint).where(Endpoint.id.in_(changed)).order_by(Endpoint.id).with_for_update()
    for endpoint in (await session.execute(statement)).scalars():
        record = changed[endpoint.id]
        if record.taken:
            endpoint.failures, endpoint.failing_since = 0, None
        if record.failed:
            endpoint.failures += record.failed
            endpoint.failing_since = endpoint.failing_since or record.since
        reason = _reason(endpoint, record, settings)
        if reason is not None:
            await _disable(session, endpoint, reason)


@dataclass(frozen=True, slots=True)
class _Reason:
    """Why an endpoint is disabled: the name of its text, and the values in it."""

    name: str
    values: dict[str, Any]

    def text(self, texts: Texts) -> str:
        """The reason in a language."""
        return str(texts.data[self.name]).format(**self.values)


def _reason(endpoint: Endpoint, record: _Record, settings: Settings) -> _Reason | None:
    if not endpoint.enabled:
        return None
    if record.gone:
        return _Reason("gone", {})
    since = endpoint.failing_since
    if endpoint.failures >= settings.webhook_disable_after and since and clock.now() - since >= FAILING:
        return _Reason("failing", {"count": endpoint.failures, "since": clock.rfc3339(since)})
    return None


async def _disable(session: AsyncSession, endpoint: Endpoint, reason: _Reason) -> None:
    """Disables an endpoint, says so as an event and, where the organization's address is known, in a mail."""
    endpoint.disable(reason.text(LANGUAGES[DEFAULT]), clock.now())
    outbox.record(session, events.disabled(endpoint))
    log.warning("webhook_endpoint.disabled", endpoint_id=str(endpoint.id), reason=reason.name)
    organization = await session.get(Organization, endpoint.organization_id)
    if organization is not None and organization.email:
        texts = chosen(LANGUAGES, organization.locale)
        letter = endpoint_disabled(texts, organization.name, endpoint.url, reason.text(texts))
        occasion = clock.rfc3339(endpoint.disabled_at or clock.now())
        notice = mail.Notice(organization.email, letter, "webhook_endpoint_disabled", endpoint.id, occasion)
        await mail.write_notices(session, [notice])
