"""What endpoints are told."""

import json
from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from contracts.event import Event
from servicekit import clock, ids
from servicekit.auth import Principal
from servicekit.database import wake
from servicekit.errors import Conflict, ResourceNotFound
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from webhooks.endpoints.models import Endpoint
from webhooks.endpoints.schemas import spoken
from webhooks.events import queries, rendering
from webhooks.events.models import WebhookEvent
from webhooks.events.schemas import WebhookEventRead


class WebhookEventArchived(Conflict):
    """The event is older than its payload is kept."""


async def announce(session: AsyncSession, events: Sequence[Event[Any]]) -> int:
    """Writes one webhook event for every endpoint that asked for its type, due now. Returns how many, new or not.

    A disabled endpoint's are written too, and held until the merchant decides. The endpoints are locked against
    changes, so that no event slips through while one is deselected, disabled or deleted.
    """
    public = [event for event in events if event.public]
    organizations = {event.organization_id for event in public}
    statement = select(Endpoint).where(Endpoint.organization_id.in_(organizations), Endpoint.deleted_at.is_(None))
    listening: dict[UUID, list[Endpoint]] = {}
    for endpoint in (await session.execute(statement.order_by(Endpoint.id).with_for_update(read=True))).scalars():
        listening.setdefault(endpoint.organization_id, []).append(endpoint)
    rows = [row for event in public for row in _rows(event, listening.get(event.organization_id, ()))]
    if rows:
        columns = {f"{name}s": [row[name] for row in rows] for name in rows[0]}
        await session.execute(_ANNOUNCE, {**columns, "now": clock.now()})
        wake(session)
    return len(rows)


def _rows(event: Event[Any], endpoints: Sequence[Endpoint]) -> Iterator[dict[str, Any]]:
    rendered: dict[tuple[str, str, str], bytes] = {}
    for endpoint in endpoints:
        name = endpoint.name_of(event.name)
        if name is None:
            continue
        kind = (endpoint.api_version, name, endpoint.format)
        if kind not in rendered:
            rendered[kind] = rendering.body(event, *kind)
        yield {
            "id": ids.uuid7(),
            "organization": event.organization_id,
            "endpoint": endpoint.id,
            "event": event.id,
            "type": event.name,
            "version": endpoint.api_version,
            "resource": event.subject,
            "sequence": event.sequence,
            "payload": rendered[kind],
            "correlation": event.correlation_id,
            "trace": event.traceparent,
        }


_ANNOUNCE = text("""
    insert into webhook_events (
        id, organization_id, created_at, endpoint_id, event_id, type, api_version, resource_id, sequence, payload,
        correlation_id, traceparent, due_at, attempts
    )
    select
        id, organization, :now, endpoint, event, type, version, resource, sequence, payload, correlation, trace, :now, 0
    from unnest(
        cast(:ids as uuid[]), cast(:organizations as uuid[]), cast(:endpoints as uuid[]), cast(:events as uuid[]),
        cast(:types as text[]), cast(:versions as text[]), cast(:resources as uuid[]), cast(:sequences as bigint[]),
        cast(:payloads as bytea[]), cast(:correlations as uuid[]), cast(:traces as text[])
    ) as told (id, organization, endpoint, event, type, version, resource, sequence, payload, correlation, trace)
    order by endpoint, event
    on conflict do nothing
""")


def written(endpoint: Endpoint, event: Event[Any], payload: bytes) -> WebhookEvent:
    """One event for one endpoint, as a row that is due now."""
    now = clock.now()
    return WebhookEvent(
        id=ids.uuid7(),
        organization_id=endpoint.organization_id,
        created_at=now,
        endpoint_id=endpoint.id,
        event_id=event.id,
        type=event.name,
        api_version=endpoint.api_version,
        resource_id=event.subject,
        sequence=event.sequence,
        payload=payload,
        correlation_id=event.correlation_id,
        traceparent=event.traceparent,
        due_at=now,
        attempts=0,
    )


async def replay(session: AsyncSession, principal: Principal, id: UUID) -> WebhookEvent:
    """Sends an event once more, with its id and its bytes, and with a full set of attempts.

    Raises `ResourceNotFound`, or `WebhookEventArchived`.
    """
    event = await queries.find(session, principal, id, lock=True)
    if event is None:
        raise ResourceNotFound()
    if event.archived_at is not None:
        raise WebhookEventArchived("Its payload was archived: there is nothing left to send")
    event.send_again(clock.now())
    wake(session)
    return event


def succeeded(event: WebhookEvent) -> bool | None:
    """Whether it was taken; None while nothing is decided."""
    if event.succeeded_at is not None:
        return True
    waits = event.due_at is not None or event.held_at is not None
    return None if waits or event.skipped_reason is not None else False


def shown(event: WebhookEvent) -> WebhookEventRead:
    """A webhook event as the API shows it."""
    name = spoken([event.type])[0]
    return WebhookEventRead(
        id=event.id,
        created_at=event.created_at,
        modified_at=event.modified_at,
        webhook_endpoint_id=event.endpoint_id,
        event_type=name,
        type=name,
        api_version=event.api_version,
        payload=None if event.payload is None else json.loads(event.payload),
        last_http_code=event.last_http_code,
        last_response=event.last_response,
        succeeded=succeeded(event),
        succeeded_at=event.succeeded_at,
        next_attempt_at=event.due_at,
        attempts=event.attempts,
        held=event.held_at is not None,
        skipped=event.skipped_reason is not None,
        skipped_reason=event.skipped_reason,
        is_archived=event.archived_at is not None,
    )
