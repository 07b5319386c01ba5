"""What can be done with endpoints."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from servicekit import clock, ids
from servicekit.auth import Principal, owned_by
from servicekit.database import Sessions, wake
from servicekit.errors import Conflict, InvalidInput, ResourceNotFound
from servicekit.lists import Page, Sorting, fetch_page
from servicekit.quotas import Quotas
from sqlalchemy import or_, select
from sqlalchemy import update as update_rows
from sqlalchemy.ext.asyncio import AsyncSession
from yarl import URL

from webhooks.endpoints import addresses
from webhooks.endpoints.models import PREFIX, Endpoint, new_secret
from webhooks.endpoints.schemas import ALIASES, EndpointCreate, EndpointRead, EndpointUpdate, spoken
from webhooks.event_types.examples import BY_NAME, example
from webhooks.events import operations as events
from webhooks.events import rendering
from webhooks.events.models import WebhookEvent
from webhooks.redeliveries import operations as redeliveries
from webhooks.redeliveries.operations import Selection
from webhooks.settings import Settings


class WebhookEndpointDisabled(Conflict):
    """The endpoint is told nothing while it is disabled."""


async def check_address(url: str, settings: Settings) -> None:
    """Raises `InvalidInput` for an address that may not be called. Asks the resolver, so no transaction may be open."""
    try:
        known = URL(url).host
    except ValueError:
        known = None
    if not known:
        raise InvalidInput(("body", "url"), "is not an address")
    if settings.webhook_allow_internal_addresses:
        return
    refused = await addresses.check(url, settings.webhook_ports)
    if refused is not None:
        raise InvalidInput(("body", "url"), refused)


async def create(
    session: AsyncSession, principal: Principal, wish: EndpointCreate, settings: Settings, quotas: Quotas
) -> Endpoint:
    """Creates an endpoint with a new secret; its address was checked before. Raises `QuotaExceeded`."""
    organization_id = principal.organization(wish.organization_id)
    await quotas.ensure_room(session, Endpoint, organization_id, Endpoint.deleted_at.is_(None))
    endpoint = Endpoint(
        id=ids.uuid7(),
        organization_id=organization_id,
        created_at=clock.now(),
        url=wish.url,
        name=wish.name,
        format=wish.format,
        api_version=wish.api_version,
        events=wish.events,
        enabled=True,
        failures=0,
    )
    endpoint.set_secret(new_secret(), settings.secret)
    session.add(endpoint)
    return endpoint


async def find(session: AsyncSession, principal: Principal, id: UUID, *, lock: bool = False) -> Endpoint:
    """An endpoint of the caller. Raises `ResourceNotFound`."""
    statement = select(Endpoint).where(owned_by(principal, Endpoint), Endpoint.id == id, Endpoint.deleted_at.is_(None))
    if lock:
        statement = statement.with_for_update()
    endpoint = (await session.execute(statement)).scalar_one_or_none()
    if endpoint is None:
        raise ResourceNotFound()
    return endpoint


async def list_endpoints(
    session: AsyncSession, principal: Principal, organization_id: Sequence[UUID] | None, page: Page
) -> tuple[list[Endpoint], int]:
    """A page of the caller's endpoints, the newest first."""
    statement = select(Endpoint).where(owned_by(principal, Endpoint), Endpoint.deleted_at.is_(None))
    if organization_id is not None:
        statement = statement.where(Endpoint.organization_id.in_(organization_id))
    order = Sorting((("created_at", True),)).clauses({"created_at": Endpoint.created_at}, Endpoint.id)
    return await fetch_page(session, statement, page, order)


async def update(
    sessions: Sessions, principal: Principal, id: UUID, changes: EndpointUpdate, settings: Settings
) -> Endpoint:
    """Changes an endpoint. Its address is checked whenever it is set, and when it is enabled.

    Raises `ResourceNotFound`, or `InvalidInput` for an address that may not be called.
    """
    async with sessions() as session:
        present = await find(session, principal, id)
    if changes.url is not None or (changes.enabled and not present.enabled):
        await check_address(changes.url or present.url, settings)
    async with sessions() as session:
        return await _change(session, principal, id, changes)


async def _change(session: AsyncSession, principal: Principal, id: UUID, changes: EndpointUpdate) -> Endpoint:
    endpoint = await find(session, principal, id, lock=True)
    now = clock.now()
    given = changes.model_dump(exclude_unset=True, exclude={"enabled", "held_events"})
    for name, value in given.items():
        if value is not None or name == "name":
            setattr(endpoint, name, value)
    endpoint.modified_at = now
    if changes.enabled is False and endpoint.enabled:
        endpoint.enabled, endpoint.disabled_at = False, now
    if changes.events is not None:
        await _skip_deselected(session, endpoint)
    if changes.enabled and not endpoint.enabled:
        endpoint.enable(now)
        await _decide_on_held(session, endpoint, changes.held_events)
    wake(session)
    return endpoint


async def _skip_deselected(session: AsyncSession, endpoint: Endpoint) -> None:
    """What waits for an endpoint and is of a type that it no longer asks for is not sent, and not tried again."""
    selected = [ALIASES.get(name, name) for name in endpoint.events]
    waits = or_(WebhookEvent.due_at.is_not(None), WebhookEvent.held_at.is_not(None))
    statement = update_rows(WebhookEvent).where(
        WebhookEvent.endpoint_id == endpoint.id, waits, WebhookEvent.type.not_in(selected)
    )
    reason = "The endpoint does not ask for this type any more."
    await session.execute(
        statement.values(due_at=None, held_at=None, skipped_reason=reason, modified_at=endpoint.modified_at)
    )


async def _decide_on_held(session: AsyncSession, endpoint: Endpoint, choice: str) -> None:
    """What becomes of what was held: many rows are a redelivery's work, page by page."""
    if choice == "send":
        redeliveries.start(session, endpoint.organization_id, Selection(endpoint_id=endpoint.id, statuses=("held",)))
    elif choice == "skip":
        held = update_rows(WebhookEvent).where(
            WebhookEvent.endpoint_id == endpoint.id,
            or_(WebhookEvent.held_at.is_not(None), WebhookEvent.due_at.is_not(None)),
        )
        reason = "It was skipped when the endpoint was enabled again."
        await session.execute(
            held.values(due_at=None, held_at=None, skipped_reason=reason, modified_at=endpoint.modified_at)
        )


async def send_test(session: AsyncSession, principal: Principal, id: UUID, wanted: str | None) -> WebhookEvent:
    """Sends an example of an event to an endpoint; its payload says `is_test`.

    Raises `ResourceNotFound`, `WebhookEndpointDisabled`, or `InvalidInput` for a type that nothing says yet.
    """
    endpoint = await find(session, principal, id)
    if not endpoint.enabled:
        raise WebhookEndpointDisabled("Enable the endpoint first")
    name = wanted or next(iter(endpoint.events), "order.paid")
    if ALIASES.get(name, name) not in BY_NAME:
        raise InvalidInput(("body", "event_type"), "is not said by any service yet")
    event = example(ALIASES.get(name, name), organization_id=endpoint.organization_id)
    event.subject = event.id  # tests do not wait for each other
    row = events.written(
        endpoint, event, rendering.body(event, endpoint.api_version, name, endpoint.format, is_test=True)
    )
    session.add(row)
    wake(session)
    return row


async def reset_secret(
    session: AsyncSession, principal: Principal, id: UUID, overlap: timedelta, settings: Settings
) -> Endpoint:
    """Gives an endpoint a new secret; within `overlap` the old one signs too. Raises `ResourceNotFound`."""
    endpoint = await find(session, principal, id, lock=True)
    now = clock.now()
    endpoint.rotate_secret(new_secret(), settings.secret, now, overlap)
    endpoint.modified_at = now
    return endpoint


async def delete(session: AsyncSession, principal: Principal, id: UUID) -> None:
    """Deletes an endpoint; what waits for it is skipped. Raises `ResourceNotFound`."""
    endpoint = await find(session, principal, id, lock=True)
    endpoint.deleted_at = endpoint.modified_at = clock.now()
    endpoint.enabled = False


def shown(endpoint: Endpoint, settings: Settings, *, with_secret: bool) -> EndpointRead:
    """An endpoint as the API shows it; without its secret only the secret's last four characters."""
    secret = endpoint.secret(settings.secret)
    names = (
        "id", "created_at", "modified_at", "url", "name", "format", "api_version", "organization_id", "enabled",
        "disabled_at", "disabled_reason", "failures",
    )  # fmt: skip
    until = endpoint.previous_secret_until
    return EndpointRead(
        **{name: getattr(endpoint, name) for name in names},
        events=spoken(endpoint.events),
        previous_secret_until=until if until is not None and until > clock.now() else None,
        secret=secret if with_secret else f"{PREFIX}…{secret[-4:]}",
    )
