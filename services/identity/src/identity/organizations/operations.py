"""What can be done with organizations."""

from typing import Any
from uuid import UUID

from servicekit import clock, ids, outbox
from servicekit.auth import Principal
from servicekit.errors import Conflict, InvalidInput, ResourceNotFound
from servicekit.lists import Page, Sorting, fetch_page
from sqlalchemy import ColumnElement, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from identity.organizations import events
from identity.organizations.models import Organization
from identity.organizations.schemas import OrganizationUpdate

PROFILE = {"name", "email", "website", "avatar_url", "country", "socials", "locale"}
REQUIRED = {"name", "socials"}


class SlugTaken(Conflict):
    """Another organization has this slug."""


def owned_by(principal: Principal) -> ColumnElement[bool]:
    """An organization belongs to itself: the condition that keeps a caller inside its own."""
    return Organization.id.in_(principal.organization_ids)


async def create(session: AsyncSession, name: str, slug: str, *, is_test: bool = False) -> Organization:
    """Creates an organization, in test mode if `is_test`. Raises `SlugTaken`."""
    values = {"id": ids.uuid7(), "name": name, "slug": slug, "is_test": is_test, "created_at": clock.now()}
    written = await session.execute(
        insert(Organization).values(values).on_conflict_do_nothing(index_elements=["slug"]).returning(Organization)
    )
    organization = written.scalar_one_or_none()
    if organization is None:
        raise SlugTaken(f"the slug {slug} is taken")
    outbox.record(session, events.organization_created(organization))
    return organization


async def get(
    session: AsyncSession, principal: Principal, organization_id: UUID, *, lock: bool = False
) -> Organization:
    """Raises `ResourceNotFound`."""
    statement = select(Organization).where(owned_by(principal), Organization.id == organization_id)
    if lock:
        statement = statement.with_for_update()
    organization = (await session.execute(statement)).scalar_one_or_none()
    if organization is None:
        raise ResourceNotFound()
    return organization


async def list_organizations(
    session: AsyncSession, principal: Principal, page: Page, sorting: Sorting, slug: str | None
) -> tuple[list[Organization], int]:
    """The caller's organizations and their count."""
    statement = select(Organization).where(owned_by(principal))
    if slug is not None:
        statement = statement.where(Organization.slug == slug)
    columns = {"created_at": Organization.created_at, "name": Organization.name, "slug": Organization.slug}
    return await fetch_page(session, statement, page, sorting.clauses(columns, Organization.id))


async def update(
    session: AsyncSession, principal: Principal, organization_id: UUID, changes: OrganizationUpdate, public_url: str
) -> Organization:
    """Changes the profile and the settings. Raises `ResourceNotFound`, or `InvalidInput` for a logo of another address.

    `public_url` is the suite's own address.
    """
    logo = changes.branding.logo_url if changes.branding is not None else None
    if logo is not None and not logo.startswith(f"{public_url.rstrip('/')}/v1/files/"):
        raise InvalidInput(("body", "branding", "logo_url"), "should be the public_url of an uploaded file")
    organization = await get(session, principal, organization_id, lock=True)
    settings = dict(organization.settings)
    for name, value in changes.model_dump(exclude_unset=True, mode="json").items():
        if name in PROFILE:
            if not (name in REQUIRED and value is None):
                setattr(organization, name, value)
        elif name == "branding":
            if value is not None:
                organization.branding = _merged(organization.branding or {}, value)
        elif name == "consumer_rights":
            if value is not None:
                organization.consumer_rights = _without_nulls(_merged(organization.consumer_rights or {}, value))
        elif value is not None:
            settings[name] = _merged(settings.get(name), value)
    organization.settings = settings
    organization.modified_at = clock.now()
    outbox.record(session, events.organization_updated(organization))
    return organization


def _merged(present: Any, given: Any) -> Any:
    """Settings inside settings keep what was not given."""
    if isinstance(present, dict) and isinstance(given, dict):
        return {**present, **{name: _merged(present.get(name), value) for name, value in given.items()}}
    return given


def _without_nulls(settings: dict[str, Any]) -> dict[str, Any]:
    """Settings without what was set to null: it stands at its default again."""
    found = {name: _without_nulls(value) if isinstance(value, dict) else value for name, value in settings.items()}
    return {name: value for name, value in found.items() if value is not None}
