"""Reading custom fields."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from servicekit.auth import Principal, owned_by
from servicekit.lists import Page, Sorting, fetch_page, text_matches
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from catalog.custom_fields.models import CustomField

COLUMNS: dict[str, Any] = {
    "created_at": CustomField.created_at,
    "slug": CustomField.slug,
    "name": CustomField.name,
    "type": CustomField.type,
}


async def list_fields(
    session: AsyncSession,
    principal: Principal,
    organization_id: Sequence[UUID] | None,
    types: Sequence[str] | None,
    query: str | None,
    page: Page,
    sorting: Sorting,
) -> tuple[list[CustomField], int]:
    """A page of the caller's fields."""
    statement = select(CustomField).where(owned_by(principal, CustomField), CustomField.deleted_at.is_(None))
    if organization_id is not None:
        statement = statement.where(CustomField.organization_id.in_(organization_id))
    if types is not None:
        statement = statement.where(CustomField.type.in_(types))
    if query:
        statement = statement.where(text_matches(query, CustomField.slug, CustomField.name))
    return await fetch_page(session, statement, page, sorting.clauses(COLUMNS, CustomField.id))


async def find(session: AsyncSession, principal: Principal, id: UUID, *, lock: bool = False) -> CustomField | None:
    """A field of the caller, locked for a change when asked."""
    statement = select(CustomField).where(
        owned_by(principal, CustomField), CustomField.id == id, CustomField.deleted_at.is_(None)
    )
    return (await session.execute(statement.with_for_update() if lock else statement)).scalar_one_or_none()


async def live(
    session: AsyncSession, organization_ids: Iterable[UUID], ids: Iterable[UUID], *, share: bool = False
) -> dict[UUID, CustomField]:
    """The fields of some organizations that exist, by id.

    With `share` nobody changes them until the caller's transaction ends; whoever locks a product as well does so
    afterwards, as those do who change what it shows.
    """
    wanted = set(ids)
    if not wanted:
        return {}
    statement = select(CustomField).where(
        CustomField.organization_id.in_(set(organization_ids)),
        CustomField.id.in_(wanted),
        CustomField.deleted_at.is_(None),
    )
    if share:
        statement = statement.order_by(CustomField.id).with_for_update(read=True)
    return {field.id: field for field in (await session.execute(statement)).scalars()}
