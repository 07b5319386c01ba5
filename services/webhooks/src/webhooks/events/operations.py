"""What endpoints are told."""

import json
from typing import Any
from uuid import UUID

from contracts.event import Event
from servicekit import clock, ids
from servicekit.auth import Principal
from servicekit.database import wake
from servicekit.errors import ResourceNotFound
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from webhooks.endpoints.models import Endpoint
from webhooks.endpoints.schemas import spoken
from webhooks.events import queries
from webhooks.events.models import WebhookEvent
from webhooks.events.schemas import WebhookEventRead


async def announce(session: AsyncSession, event: Event[Any]) -> int:
    """Writes one webhook event for every endpoint that asked for this type, due now. Returns for how many.

    A disabled endpoint's wait until it is enabled again.
    """
    statement = select(Endpoint).where(Endpoint.organization_id == event.organization_id, Endpoint.deleted_at.is_(None))
    wanted = [endpoint for endpoint in (await session.execute(statement)).scalars() if endpoint.wants(event.name)]
    if not wanted:
        return 0
    now = clock.now()
    rows = [
        {
            "id": ids.uuid7(),
            "organization_id": event.organization_id,
            "created_at": now,
            "endpoint_id": endpoint.id,
            "event_id": event.id,
            "type": event.name,
            "api_version": endpoint.api_version,
            "resource_id": event.subject,
            "sequence": event.sequence,
            "payload": payload(event, endpoint.api_version),
            "correlation_id": event.correlation_id,
            "due_at": now,
            "attempts": 0,
        }
        for endpoint in wanted
    ]
    await session.execute(insert(WebhookEvent).values(rows).on_conflict_do_nothing())
    wake(session)
    return len(rows)


def payload(event: Event[Any], api_version: str) -> bytes:
    """The bytes that are signed and sent: `{type, timestamp, api_version, data}`.

    `data` is the resource as the SDKs know it, with the few extra keys of the documented API.
    """
    data = event.data.model_dump(mode="json")
    if event.name.startswith("order."):
        data["amount"] = data["net_amount"]
    if event.name.startswith("subscription."):
        data["price_id"] = data["prices"][0]["id"] if data["prices"] else None
    timestamp = clock.rfc3339(event.time)
    body = {"type": event.name, "timestamp": timestamp, "api_version": api_version, "data": data}
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()


async def replay(session: AsyncSession, principal: Principal, id: UUID) -> WebhookEvent:
    """Sends an event once more, with its id and its bytes, and with a full set of attempts.

    Raises `ResourceNotFound`.
    """
    event = await queries.find(session, principal, id, lock=True)
    if event is None:
        raise ResourceNotFound()
    event.due_at = event.modified_at = clock.now()
    event.attempts = 0
    wake(session)
    return event


def succeeded(event: WebhookEvent) -> bool | None:
    """Whether it was taken; None while nothing is decided."""
    if event.succeeded_at is not None:
        return True
    return None if event.due_at is not None else False


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
        payload=json.loads(event.payload),
        last_http_code=event.last_http_code,
        last_response=event.last_response,
        succeeded=succeeded(event),
        succeeded_at=event.succeeded_at,
        next_attempt_at=event.due_at,
        attempts=event.attempts,
        skipped=False,
        is_archived=False,
    )
