"""`/v1/webhooks/endpoints`"""

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Request
from servicekit.auth import Principal, allow
from servicekit.errors import ResourceNotFound, responses
from servicekit.lists import ListResource, PageQuery
from servicekit.quotas import QuotaExceeded, QuotasOf
from servicekit.routing import ResourceRouter, SessionOf, SessionsOf, answers_with_secret

from webhooks.endpoints import operations
from webhooks.endpoints.schemas import EndpointCreate, EndpointRead, EndpointUpdate, SecretReset, TestWish
from webhooks.events.operations import shown
from webhooks.events.schemas import WebhookEventRead
from webhooks.settings import Settings

router = ResourceRouter("/webhooks/endpoints", "webhooks")
Reader = Annotated[Principal, allow("webhooks:read", "webhooks:write")]
Writer = Annotated[Principal, allow("webhooks:write")]


async def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


SettingsOf = Annotated[Settings, Depends(_settings)]


@router.get("/", name="list_webhook_endpoints")
async def list_endpoints(
    session: SessionOf,
    principal: Reader,
    page: PageQuery,
    settings: SettingsOf,
    organization_id: Annotated[list[UUID] | None, Query()] = None,
) -> ListResource[EndpointRead]:
    """Lists webhook endpoints; of their secrets only the end."""
    endpoints, total = await operations.list_endpoints(session, principal, organization_id, page)
    return page.of([operations.shown(endpoint, settings, with_secret=False) for endpoint in endpoints], total)


@router.post("/", name="create_webhook_endpoint", status_code=201, responses=responses(QuotaExceeded))
@answers_with_secret
async def create(
    session: SessionOf, principal: Writer, endpoint: EndpointCreate, settings: SettingsOf, quotas: QuotasOf
) -> EndpointRead:
    """Creates a webhook endpoint; only this answer, and that of a reset, shows its secret."""
    await operations.check_address(endpoint.url, settings)
    created = await operations.create(session, principal, endpoint, settings, quotas)
    return operations.shown(created, settings, with_secret=True)


@router.get("/{id}", name="get_webhook_endpoint", responses=responses(ResourceNotFound))
async def get(id: UUID, session: SessionOf, principal: Reader, settings: SettingsOf) -> EndpointRead:
    """Gets a webhook endpoint."""
    return operations.shown(await operations.find(session, principal, id), settings, with_secret=False)


@router.patch("/{id}", name="update_webhook_endpoint", responses=responses(ResourceNotFound))
async def update(
    id: UUID, sessions: SessionsOf, principal: Writer, changes: EndpointUpdate, settings: SettingsOf
) -> EndpointRead:
    """Changes a webhook endpoint."""
    changed = await operations.update(sessions, principal, id, changes, settings)
    return operations.shown(changed, settings, with_secret=False)


@router.patch("/{id}/secret", name="reset_webhook_endpoint_secret", responses=responses(ResourceNotFound))
@answers_with_secret
async def reset_secret(
    id: UUID, session: SessionOf, principal: Writer, settings: SettingsOf, wish: SecretReset | None = None
) -> EndpointRead:
    """Gives a webhook endpoint a new secret; the replaced one signs beside it for a day, or as long as is asked."""
    overlap = timedelta(seconds=(wish or SecretReset()).overlap_seconds)
    reset = await operations.reset_secret(session, principal, id, overlap, settings)
    return operations.shown(reset, settings, with_secret=True)


@router.post(
    "/{id}/test",
    name="test_webhook_endpoint",
    status_code=202,
    responses=responses(ResourceNotFound, operations.WebhookEndpointDisabled),
)
async def send_test(id: UUID, session: SessionOf, principal: Writer, wish: TestWish | None = None) -> WebhookEventRead:
    """Sends an example event to a webhook endpoint; its payload carries `is_test`."""
    return shown(await operations.send_test(session, principal, id, wish.event_type if wish else None))


@router.delete("/{id}", name="delete_webhook_endpoint", status_code=204, responses=responses(ResourceNotFound))
async def delete(id: UUID, session: SessionOf, principal: Writer) -> None:
    """Deletes a webhook endpoint."""
    await operations.delete(session, principal, id)
