"""The seller's patience with missing payments."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from benefits.benefit_grants.models import Entitlement


async def move_grace_periods(session: AsyncSession, organization_id: UUID, grace: timedelta) -> None:
    """The organization's grace period is another one: it counts from when each payment was first missing."""
    waiting = update(Entitlement).where(
        Entitlement.organization_id == organization_id, Entitlement.revoke_at.is_not(None)
    )
    await session.execute(waiting.values(revoke_at=Entitlement.past_due_at + grace))
