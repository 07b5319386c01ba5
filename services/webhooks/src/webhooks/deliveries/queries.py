"""Finding deliveries, and what is due."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from servicekit.auth import Principal, owned_by
from servicekit.lists import Page, fetch_page
from sqlalchemy import and_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from webhooks.deliveries.models import Delivery
from webhooks.endpoints.models import Endpoint
from webhooks.endpoints.schemas import ALIASES
from webhooks.events.models import WebhookEvent

HELD_BACK = timedelta(minutes=1)
"""For how long an event waits at most for the first attempts of earlier ones about the same resource."""


@dataclass(frozen=True)
class DeliveryFilter:
    """What a list of deliveries is narrowed to."""

    organization_id: Sequence[UUID] | None = None
    endpoint_id: Sequence[UUID] | None = None
    event_type: Sequence[str] | None = None
    succeeded: bool | None = None
    http_code_class: str | None = None
    start_timestamp: datetime | None = None
    end_timestamp: datetime | None = None


async def list_deliveries(
    session: AsyncSession, principal: Principal, wanted: DeliveryFilter, page: Page
) -> tuple[list[tuple[Delivery, WebhookEvent]], int]:
    """A page of the caller's deliveries, the newest first, with their events."""
    statement = select(Delivery).where(owned_by(principal, Delivery))
    if wanted.organization_id is not None:
        statement = statement.where(Delivery.organization_id.in_(wanted.organization_id))
    if wanted.endpoint_id is not None:
        statement = statement.where(Delivery.endpoint_id.in_(wanted.endpoint_id))
    if wanted.event_type is not None:
        names = [ALIASES.get(name, name) for name in wanted.event_type]
        of_type = select(WebhookEvent.id).where(owned_by(principal, WebhookEvent), WebhookEvent.type.in_(names))
        statement = statement.where(Delivery.webhook_event_id.in_(of_type))
    if wanted.succeeded is not None:
        statement = statement.where(Delivery.succeeded.is_(wanted.succeeded))
    if wanted.http_code_class is not None:
        first = int(wanted.http_code_class[0]) * 100
        statement = statement.where(Delivery.http_code.between(first, first + 99))
    if wanted.start_timestamp is not None:
        statement = statement.where(Delivery.created_at >= wanted.start_timestamp)
    if wanted.end_timestamp is not None:
        statement = statement.where(Delivery.created_at <= wanted.end_timestamp)
    order: list[Any] = [Delivery.created_at.desc(), Delivery.id.desc()]
    found, total = await fetch_page(session, statement, page, order)
    wanted_events = select(WebhookEvent).where(WebhookEvent.id.in_({delivery.webhook_event_id for delivery in found}))
    events = {event.id: event for event in (await session.execute(wanted_events)).scalars()}
    return [(delivery, events[delivery.webhook_event_id]) for delivery in found], total


async def due(
    session: AsyncSession, now: datetime, limit: int, busy: Sequence[UUID]
) -> list[tuple[WebhookEvent, Endpoint]]:
    """Events whose time has come, locked, with their endpoints; those of `busy` endpoints are left for later.

    First attempts about one resource leave in the order in which things happened: an event waits, for a minute at
    most, while an earlier one about the same resource has not been tried yet.
    """
    earlier = aliased(WebhookEvent)
    held_back = (
        select(earlier.id)
        .where(
            earlier.endpoint_id == WebhookEvent.endpoint_id,
            earlier.resource_id == WebhookEvent.resource_id,
            earlier.sequence < WebhookEvent.sequence,
            earlier.first_attempt_at.is_(None),
            earlier.created_at > now - HELD_BACK,
        )
        .exists()
    )
    statement = (
        select(WebhookEvent, Endpoint)
        .join(Endpoint, and_(Endpoint.id == WebhookEvent.endpoint_id, Endpoint.enabled))
        .where(
            WebhookEvent.due_at <= now,
            WebhookEvent.endpoint_id.not_in(busy),
            or_(WebhookEvent.first_attempt_at.is_not(None), ~held_back),
        )
        .order_by(WebhookEvent.due_at, WebhookEvent.id)
        .limit(limit)
        .with_for_update(of=WebhookEvent, skip_locked=True)
    )
    return [(event, endpoint) for event, endpoint in (await session.execute(statement)).tuples()]
