"""Finding deliveries."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from servicekit.auth import Principal, owned_by
from servicekit.lists import Page, fetch_page, text_matches
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from webhooks.deliveries.models import Delivery
from webhooks.endpoints.schemas import ALIASES
from webhooks.events.models import WebhookEvent


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
    query: str | None = None
    """In the name of the event, or in what the endpoint answered."""


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
        statement = statement.where(Delivery.event_type.in_(names))
    if wanted.succeeded is not None:
        statement = statement.where(Delivery.succeeded if wanted.succeeded else ~Delivery.succeeded)
    if wanted.http_code_class is not None:
        first = int(wanted.http_code_class[0]) * 100
        statement = statement.where(
            Delivery.http_code.between(first, first + 99), Delivery.succeeded if first == 200 else ~Delivery.succeeded
        )
    if wanted.start_timestamp is not None:
        statement = statement.where(Delivery.created_at >= wanted.start_timestamp)
    if wanted.end_timestamp is not None:
        statement = statement.where(Delivery.created_at <= wanted.end_timestamp)
    if wanted.query:
        statement = statement.where(text_matches(wanted.query, Delivery.event_type, Delivery.response))
    order: list[Any] = [Delivery.created_at.desc(), Delivery.id.desc()]
    found, total = await fetch_page(session, statement, page, order)
    wanted_events = select(WebhookEvent).where(WebhookEvent.id.in_({delivery.webhook_event_id for delivery in found}))
    events = {event.id: event for event in (await session.execute(wanted_events)).scalars()}
    return [(delivery, events[delivery.webhook_event_id]) for delivery in found], total
