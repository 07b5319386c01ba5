"""Grants that waited for their customer."""

from uuid import UUID

from servicekit import clock
from servicekit.database import wake
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from benefits.benefit_grants.models import BenefitGrant
from benefits.benefits.models import Benefit
from benefits.strategies.properties import PLATFORMS


async def of_customer(session: AsyncSession, customer_id: UUID, platform: str) -> None:
    """An account was connected: what waited for one is given now."""
    types = [kind for kind, name in PLATFORMS.items() if name == platform]
    waiting = update(BenefitGrant).where(
        BenefitGrant.customer_id == customer_id,
        BenefitGrant.work == "give",
        BenefitGrant.due_at.is_(None),
        BenefitGrant.benefit_id.in_(select(Benefit.id).where(Benefit.type.in_(types))),
    )
    await session.execute(waiting.values(due_at=clock.now(), urgency=0, attempts=0))
    wake(session)
