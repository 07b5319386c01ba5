"""`/v1/webhooks/events`"""

from typing import Annotated
from uuid import UUID

from fastapi import Query
from servicekit.auth import Principal, allow
from servicekit.errors import ResourceNotFound, responses
from servicekit.fields import InstantInput
from servicekit.lists import ListResource, PageQuery, Sorting, sorted_by
from servicekit.routing import ResourceRouter, SessionOf

from webhooks.events import operations, queries
from webhooks.events.queries import WebhookEventFilter
from webhooks.events.schemas import Replayed, WebhookEventRead

router = ResourceRouter("/webhooks/events", "webhooks")
Reader = Annotated[Principal, allow("webhooks:read", "webhooks:write")]
Writer = Annotated[Principal, allow("webhooks:write")]
Ids = Annotated[list[UUID] | None, Query()]
REFUSED = responses(ResourceNotFound, operations.WebhookEventArchived)


@router.get("/", name="list_webhook_events")
async def list_events(
    session: SessionOf,
    principal: Reader,
    page: PageQuery,
    sorting: Annotated[Sorting, sorted_by("created_at")],
    organization_id: Ids = None,
    webhook_endpoint_id: Ids = None,
    endpoint_id: Ids = None,
    event_type: Annotated[list[str] | None, Query()] = None,
    succeeded: bool | None = None,
    held: bool | None = None,
    skipped: bool | None = None,
    start_timestamp: InstantInput | None = None,
    end_timestamp: InstantInput | None = None,
) -> ListResource[WebhookEventRead]:
    """Lists webhook events and how far their delivery has come."""
    endpoints = webhook_endpoint_id or endpoint_id
    wanted = WebhookEventFilter(
        organization_id, endpoints, event_type, succeeded, held, skipped, start_timestamp, end_timestamp
    )
    events, total = await queries.list_events(session, principal, wanted, page, sorting)
    return page.of([operations.shown(event) for event in events], total)


@router.post("/{id}/replay", name="replay_webhook_event", status_code=202, responses=REFUSED)
async def replay(id: UUID, session: SessionOf, principal: Writer) -> Replayed:
    """Sends a webhook event once more."""
    await operations.replay(session, principal, id)
    return Replayed()


@router.post("/{id}/redeliver", name="redeliver_webhook_event", status_code=202, responses=REFUSED)
async def redeliver(id: UUID, session: SessionOf, principal: Writer) -> None:
    """Sends a webhook event once more."""
    await operations.replay(session, principal, id)
