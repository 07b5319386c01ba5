"""Grants that waited for their customer, or for what their seller had to connect."""

from uuid import UUID

from servicekit import clock
from servicekit.database import wake
from sqlalchemy import null, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from benefits.benefit_grants.models import BenefitGrant
from benefits.benefits.models import Benefit
from benefits.strategies.properties import PLATFORMS
from benefits.strategies.protocol import NotConnected


async def of_customer(session: AsyncSession, customer_id: UUID, platform: str) -> None:
    """An account was connected: what waited for one is given now."""
    types = _types(platform)
    waiting = update(BenefitGrant).where(
        BenefitGrant.customer_id == customer_id,
        BenefitGrant.work == "give",
        BenefitGrant.due_at.is_(None),
        BenefitGrant.benefit_id.in_(select(Benefit.id).where(Benefit.type.in_(types))),
    )
    await session.execute(waiting.values(due_at=clock.now(), urgency=0, attempts=0))
    wake(session)


async def of_organization(session: AsyncSession, organization_id: UUID, platform: str) -> None:
    """An installation or a server was connected: what failed for want of one is given now, behind purchases."""
    of_platform = select(Benefit.id).where(
        Benefit.organization_id == organization_id, Benefit.type.in_(_types(platform)), Benefit.deleted_at.is_(None)
    )
    failed = select(BenefitGrant.id).where(
        BenefitGrant.benefit_id.in_(of_platform),
        BenefitGrant.error["type"].astext == NotConnected.kind,
        BenefitGrant.work.is_(None),
        BenefitGrant.revoked_at.is_(None),
    )
    # Locked in the order in which everybody locks grants.
    locked = failed.order_by(BenefitGrant.id).with_for_update().cte("failed")
    wished = update(BenefitGrant).where(BenefitGrant.id.in_(select(locked.c.id)))
    await session.execute(
        wished.values(
            work="give",
            due_at=clock.now(),
            urgency=1,
            version=BenefitGrant.version + 1,
            failed_at=None,
            error=null(),
        )
    )
    wake(session)


def _types(platform: str) -> list[str]:
    return [kind for kind, name in PLATFORMS.items() if name == platform]
