"""Finding the discount that a subscription is given."""

from typing import Any
from uuid import UUID

from servicekit.database import awaited
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.discounts.models import Discount


async def awaited_discount(session: AsyncSession, organization_id: UUID, id: UUID) -> dict[str, Any] | None:
    """The public shape of a discount of the organization; waits up to a second for one created a moment ago."""
    statement = select(Discount).where(Discount.organization_id == organization_id, Discount.id == id)

    async def known() -> Discount | None:
        return (await session.execute(statement)).scalar_one_or_none()

    discount = await awaited(known)
    return discount.data if discount is not None else None
