"""Finding webhook events."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from servicekit.auth import Principal, owned_by
from servicekit.lists import Page, Sorting, fetch_page
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from webhooks.endpoints.schemas import ALIASES
from webhooks.events.models import WebhookEvent


@dataclass(frozen=True)
class WebhookEventFilter:
    """What a list of webhook events is narrowed to."""

    organization_id: Sequence[UUID] | None = None
    endpoint_id: Sequence[UUID] | None = None
    event_type: Sequence[str] | None = None
    succeeded: bool | None = None
    held: bool | None = None
    skipped: bool | None = None
    start_timestamp: datetime | None = None
    end_timestamp: datetime | None = None


async def list_events(
    session: AsyncSession, principal: Principal, wanted: WebhookEventFilter, page: Page, sorting: Sorting
) -> tuple[list[WebhookEvent], int]:
    """A page of the caller's webhook events."""
    statement = select(WebhookEvent).where(owned_by(principal, WebhookEvent))
    if wanted.organization_id is not None:
        statement = statement.where(WebhookEvent.organization_id.in_(wanted.organization_id))
    if wanted.endpoint_id is not None:
        statement = statement.where(WebhookEvent.endpoint_id.in_(wanted.endpoint_id))
    if wanted.event_type is not None:
        statement = statement.where(WebhookEvent.type.in_([ALIASES.get(name, name) for name in wanted.event_type]))
    if wanted.succeeded is not None:
        taken = WebhookEvent.succeeded_at.is_not(None)
        statement = statement.where(taken if wanted.succeeded else ~taken)
    for wish, column in ((wanted.held, WebhookEvent.held_at), (wanted.skipped, WebhookEvent.skipped_reason)):
        if wish is not None:
            statement = statement.where(column.is_not(None) if wish else column.is_(None))
    if wanted.start_timestamp is not None:
        statement = statement.where(WebhookEvent.created_at >= wanted.start_timestamp)
    if wanted.end_timestamp is not None:
        statement = statement.where(WebhookEvent.created_at <= wanted.end_timestamp)
    order = sorting.clauses({"created_at": WebhookEvent.created_at}, WebhookEvent.id)
    return await fetch_page(session, statement, page, order)


async def find(session: AsyncSession, principal: Principal, id: UUID, *, lock: bool = False) -> WebhookEvent | None:
    """A webhook event of the caller."""
    statement = select(WebhookEvent).where(owned_by(principal, WebhookEvent), WebhookEvent.id == id)
    if lock:
        statement = statement.with_for_update()
    return (await session.execute(statement)).scalar_one_or_none()
