"""Reading files."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from servicekit.auth import Principal, owned_by
from servicekit.lists import Page, Sorting, fetch_page
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from catalog.files.models import PUBLIC, File

COLUMNS: dict[str, Any] = {"created_at": File.created_at, "name": File.name}


async def list_files(
    session: AsyncSession,
    principal: Principal,
    organization_id: Sequence[UUID] | None,
    ids: Sequence[UUID] | None,
    page: Page,
    sorting: Sorting,
) -> tuple[list[File], int]:
    """A page of the caller's uploaded files."""
    statement = select(File).where(owned_by(principal, File), File.is_uploaded, File.deleted_at.is_(None))
    if organization_id is not None:
        statement = statement.where(File.organization_id.in_(organization_id))
    if ids is not None:
        statement = statement.where(File.id.in_(ids))
    return await fetch_page(session, statement, page, sorting.clauses(COLUMNS, File.id))


async def bytes_of(session: AsyncSession, organization_id: UUID) -> int:
    """How many bytes an organization's files have, announced ones and those that wait for their removal among them."""
    kept = select(func.coalesce(func.sum(File.size), 0)).where(
        File.organization_id == organization_id, File.removed_at.is_(None)
    )
    return int((await session.execute(kept)).scalar_one())


async def find(session: AsyncSession, principal: Principal, id: UUID, *, lock: bool = False) -> File | None:
    """A file of the caller, locked for a change when asked."""
    statement = select(File).where(owned_by(principal, File), File.id == id, File.deleted_at.is_(None))
    return (await session.execute(statement.with_for_update() if lock else statement)).scalar_one_or_none()


async def linked(session: AsyncSession, id: UUID) -> File | None:
    """A file that a signed link, or a public address, names."""
    statement = select(File).where(File.id == id, File.deleted_at.is_(None))
    return (await session.execute(statement)).scalar_one_or_none()


async def medias(
    session: AsyncSession, organization_ids: Iterable[UUID], ids: Iterable[UUID], *, share: bool = False
) -> dict[UUID, File]:
    """The uploaded public files of some organizations, by id.

    With `share` nobody changes them until the caller's transaction ends; whoever locks a product as well does so
    afterwards, as those do who change what it shows.
    """
    wanted = set(ids)
    if not wanted:
        return {}
    statement = select(File).where(
        File.organization_id.in_(set(organization_ids)),
        File.id.in_(wanted),
        File.service.in_(PUBLIC),
        File.is_uploaded,
        File.deleted_at.is_(None),
    )
    if share:
        statement = statement.order_by(File.id).with_for_update(read=True)
    return {file.id: file for file in (await session.execute(statement)).scalars()}
