"""Sending many events once more: one wish, worked off in pages so that nobody else waits for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from servicekit import clock, ids
from servicekit.auth import Principal, owned_by
from servicekit.database import wake
from servicekit.errors import ResourceNotFound
from servicekit.lists import Page, fetch_page
from sqlalchemy import and_, or_, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession

from webhooks.endpoints.models import Endpoint
from webhooks.endpoints.schemas import ALIASES
from webhooks.events.models import WebhookEvent
from webhooks.redeliveries.models import Redelivery
from webhooks.redeliveries.schemas import RedeliveryCreate

PAGE = 500
STATUSES = {
    "failed": and_(
        WebhookEvent.succeeded_at.is_(None),
        WebhookEvent.due_at.is_(None),
        WebhookEvent.held_at.is_(None),
        WebhookEvent.skipped_reason.is_(None),
    ),
    "held": WebhookEvent.held_at.is_not(None),
    "skipped": WebhookEvent.skipped_reason.is_not(None),
    "succeeded": WebhookEvent.succeeded_at.is_not(None),
}


@dataclass(frozen=True)
class Selection:
    """Which events are sent once more; what is not given narrows nothing."""

    endpoint_id: UUID | None = None
    event_types: Sequence[str] | None = None
    statuses: Sequence[str] = ("failed",)
    http_code_class: str | None = None
    start_timestamp: datetime | None = None
    end_timestamp: datetime | None = None


def start(session: AsyncSession, organization_id: UUID, selection: Selection) -> Redelivery:
    """Begins a redelivery of what happened until now, in the caller's transaction."""
    now = clock.now()
    end = selection.end_timestamp
    redelivery = Redelivery(
        id=ids.uuid7(),
        organization_id=organization_id,
        created_at=now,
        endpoint_id=selection.endpoint_id,
        event_types=None if selection.event_types is None else list(selection.event_types),
        statuses=list(selection.statuses),
        http_code_class=selection.http_code_class,
        start_timestamp=selection.start_timestamp,
        end_timestamp=now if end is None else min(end, now),
        events_count=0,
        due_at=now,
    )
    session.add(redelivery)
    wake(session)
    return redelivery


async def create(session: AsyncSession, principal: Principal, wish: RedeliveryCreate) -> Redelivery:
    """Begins a redelivery. Raises `ResourceNotFound` for an endpoint that is not the caller's."""
    organization_id = principal.organization(wish.organization_id)
    if wish.endpoint_id is not None:
        owned = select(Endpoint.id).where(
            owned_by(principal, Endpoint), Endpoint.id == wish.endpoint_id, Endpoint.deleted_at.is_(None)
        )
        if (await session.execute(owned)).first() is None:
            raise ResourceNotFound("There is no such endpoint")
    types = None if wish.event_type is None else [ALIASES.get(name, name) for name in wish.event_type]
    selection = Selection(
        wish.endpoint_id, types, wish.status, wish.http_code_class, wish.start_timestamp, wish.end_timestamp
    )
    return start(session, organization_id, selection)


async def find(session: AsyncSession, principal: Principal, id: UUID) -> Redelivery:
    """A redelivery of the caller. Raises `ResourceNotFound`."""
    statement = select(Redelivery).where(owned_by(principal, Redelivery), Redelivery.id == id)
    redelivery = (await session.execute(statement)).scalar_one_or_none()
    if redelivery is None:
        raise ResourceNotFound()
    return redelivery


async def list_redeliveries(session: AsyncSession, principal: Principal, page: Page) -> tuple[list[Redelivery], int]:
    """A page of the caller's redeliveries, the newest first."""
    statement = select(Redelivery).where(owned_by(principal, Redelivery))
    return await fetch_page(session, statement, page, [Redelivery.created_at.desc(), Redelivery.id.desc()])


async def work_off(session: AsyncSession, redelivery: Redelivery) -> int:
    """Makes a page of its events due, the oldest first. Returns how many; the redelivery is finished when none is left.

    Events whose payload was archived, and those of deleted endpoints, cannot be sent and are left as they are.
    """
    now = clock.now()
    alive = select(Endpoint.id).where(
        Endpoint.organization_id == redelivery.organization_id, Endpoint.deleted_at.is_(None)
    )
    statement = select(WebhookEvent.id, WebhookEvent.created_at).where(
        *_conditions(redelivery), WebhookEvent.archived_at.is_(None), WebhookEvent.endpoint_id.in_(alive)
    )
    key = tuple_(WebhookEvent.created_at, WebhookEvent.id)
    if redelivery.after_created_at is not None:
        statement = statement.where(key > (redelivery.after_created_at, redelivery.after_id))
    page = statement.order_by(WebhookEvent.created_at, WebhookEvent.id).limit(PAGE)
    found = (await session.execute(page.with_for_update())).all()
    again = update(WebhookEvent).where(WebhookEvent.id.in_([row.id for row in found]))
    if found:
        await session.execute(again.values(due_at=now, modified_at=now, held_at=None, skipped_reason=None, attempts=0))
        redelivery.after_created_at, redelivery.after_id = found[-1].created_at, found[-1].id
        redelivery.events_count += len(found)
    redelivery.modified_at = redelivery.due_at = now
    if len(found) < PAGE:
        redelivery.due_at, redelivery.finished_at = None, now
    wake(session)
    return len(found)


def _conditions(redelivery: Redelivery) -> list[Any]:
    found: list[Any] = [
        WebhookEvent.organization_id == redelivery.organization_id,
        WebhookEvent.created_at <= redelivery.end_timestamp,
        or_(*(STATUSES[status] for status in redelivery.statuses)),
    ]
    if redelivery.endpoint_id is not None:
        found.append(WebhookEvent.endpoint_id == redelivery.endpoint_id)
    if redelivery.event_types is not None:
        found.append(WebhookEvent.type.in_(redelivery.event_types))
    if redelivery.http_code_class is not None:
        first = int(redelivery.http_code_class[0]) * 100
        found.append(WebhookEvent.last_http_code.between(first, first + 99))
    if redelivery.start_timestamp is not None:
        found.append(WebhookEvent.created_at >= redelivery.start_timestamp)
    return found
