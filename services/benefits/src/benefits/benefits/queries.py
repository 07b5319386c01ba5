"""Finding benefits."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from servicekit.auth import Principal, owned_by
from servicekit.lists import MetadataFilter, Page, Sorting, fetch_page, metadata_matches, text_matches
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from benefits.benefits.models import Benefit

COLUMNS: dict[str, Any] = {
    "created_at": Benefit.created_at,
    "description": Benefit.description,
    "type": Benefit.type,
    "user_order": Benefit.created_at,  # of the SDKs: nobody can order benefits, so they stand as they were made
}


@dataclass(frozen=True)
class BenefitFilter:
    """What a list of benefits is narrowed to."""

    id: Sequence[UUID] | None = None
    exclude_id: Sequence[UUID] | None = None
    organization_id: Sequence[UUID] | None = None
    type: Sequence[str] | None = None
    query: str | None = None
    metadata: MetadataFilter = field(default_factory=dict)


async def list_benefits(
    session: AsyncSession, principal: Principal, wanted: BenefitFilter, page: Page, sorting: Sorting
) -> tuple[list[Benefit], int]:
    """A page of the caller's benefits."""
    statement = select(Benefit).where(owned_by(principal, Benefit), Benefit.deleted_at.is_(None))
    for name in ("id", "organization_id", "type"):
        values = getattr(wanted, name)
        if values is not None:
            statement = statement.where(getattr(Benefit, name).in_(values))
    if wanted.exclude_id is not None:
        statement = statement.where(Benefit.id.not_in(wanted.exclude_id))
    if wanted.query:
        statement = statement.where(text_matches(wanted.query, Benefit.description))
    statement = statement.where(*metadata_matches(Benefit.user_metadata, wanted.metadata))
    return await fetch_page(session, statement, page, sorting.clauses(COLUMNS, Benefit.id))


async def find(session: AsyncSession, principal: Principal, id: UUID, *, lock: bool = False) -> Benefit | None:
    """A benefit of the caller."""
    statement = select(Benefit).where(owned_by(principal, Benefit), Benefit.id == id, Benefit.deleted_at.is_(None))
    if lock:
        statement = statement.with_for_update()
    return (await session.execute(statement)).scalar_one_or_none()
