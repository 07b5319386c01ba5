"""Reading meters."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from catalog.meters.models import Meter

SHOWN = ("id", "name", "unit", "custom_label", "custom_multiplier")


async def known(
    session: AsyncSession, organization_ids: Iterable[UUID], ids: Iterable[UUID]
) -> dict[UUID, dict[str, Any]]:
    """What prices show of the meters of some organizations, by id."""
    wanted = set(ids)
    if not wanted:
        return {}
    statement = select(Meter).where(Meter.organization_id.in_(set(organization_ids)), Meter.id.in_(wanted))
    return {
        meter.id: {name: meter.data[name] for name in SHOWN} for meter in (await session.execute(statement)).scalars()
    }
