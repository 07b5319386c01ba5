"""Reading files that benefits give."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from benefits.files.models import File


async def downloadable(session: AsyncSession, organization_id: UUID, ids: Iterable[UUID]) -> dict[UUID, dict[str, Any]]:
    """Which of the ids are files of the organization that buyers may download, as the catalog shows them."""
    wanted = set(ids)
    if not wanted:
        return {}
    statement = select(File).where(File.organization_id == organization_id, File.id.in_(wanted), ~File.is_deleted)
    found = (await session.execute(statement)).scalars()
    return {file.id: file.data for file in found if file.data["service"] == "downloadable"}
