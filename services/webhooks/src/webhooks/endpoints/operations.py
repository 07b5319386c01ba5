"""What can be done with endpoints."""

from collections.abc import Sequence
from urllib.parse import urlsplit
from uuid import UUID

from servicekit import clock, ids
from servicekit.auth import Principal, owned_by
from servicekit.database import wake
from servicekit.errors import InvalidInput, ResourceNotFound
from servicekit.lists import Page, Sorting, fetch_page
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from webhooks.endpoints.models import Endpoint, new_secret
from webhooks.endpoints.schemas import EndpointCreate, EndpointRead, EndpointUpdate, is_public, spoken
from webhooks.settings import Settings


async def create(session: AsyncSession, principal: Principal, wish: EndpointCreate, settings: Settings) -> Endpoint:
    """Creates an endpoint with a new secret. Raises `InvalidInput` for an address that may not be called."""
    _callable(wish.url, settings)
    endpoint = Endpoint(
        id=ids.uuid7(),
        organization_id=principal.organization(wish.organization_id),
        created_at=clock.now(),
        url=wish.url,
        name=wish.name,
        format=wish.format,
        api_version=wish.api_version,
        events=wish.events,
        enabled=True,
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
    session: AsyncSession, principal: Principal, id: UUID, changes: EndpointUpdate, settings: Settings
) -> Endpoint:
    """Changes an endpoint; what waited while it was disabled leaves when it is enabled. Raises `ResourceNotFound`."""
    endpoint = await find(session, principal, id, lock=True)
    given = changes.model_dump(exclude_unset=True)
    if changes.url is not None:
        _callable(changes.url, settings)
    for name, value in given.items():
        if value is not None or name == "name":
            setattr(endpoint, name, value)
    endpoint.modified_at = clock.now()
    wake(session)
    return endpoint


async def reset_secret(session: AsyncSession, principal: Principal, id: UUID, settings: Settings) -> Endpoint:
    """Gives an endpoint a new secret, which signs from now on. Raises `ResourceNotFound`."""
    endpoint = await find(session, principal, id, lock=True)
    endpoint.set_secret(new_secret(), settings.secret)
    endpoint.modified_at = clock.now()
    return endpoint


async def delete(session: AsyncSession, principal: Principal, id: UUID) -> None:
    """Deletes an endpoint; what waits for it is not sent. Raises `ResourceNotFound`."""
    endpoint = await find(session, principal, id, lock=True)
    endpoint.deleted_at = endpoint.modified_at = clock.now()
    endpoint.enabled = False


def shown(endpoint: Endpoint, settings: Settings, *, with_secret: bool) -> EndpointRead:
    """An endpoint as the API shows it; without its secret only the secret's last four characters."""
    secret = endpoint.secret(settings.secret)
    names = ("id", "created_at", "modified_at", "url", "name", "format", "api_version", "organization_id", "enabled")
    return EndpointRead(
        **{name: getattr(endpoint, name) for name in names},
        events=spoken(endpoint.events),
        secret=secret if with_secret else f"whsec_…{secret[-4:]}",
    )


def _callable(url: str, settings: Settings) -> None:
    if not settings.allows_private_addresses and not is_public(url):
        raise InvalidInput(("body", "url"), "must be https and a public address")
    try:
        if not urlsplit(url).hostname or urlsplit(url).port == 0:
            raise ValueError
    except ValueError:
        raise InvalidInput(("body", "url"), "is not an address") from None
