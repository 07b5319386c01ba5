"""Buyers of a product whose benefits changed: worked through in small shares, organization by organization."""

from servicekit import clock
from servicekit.database import Sessions
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from benefits.benefit_grants import operations
from benefits.benefit_grants.models import Entitlement
from benefits.products.models import ProductChange

SHARE = 100


async def follow_changed_products(sessions: Sessions) -> int:
    """Works through a share of one product's buyers. Returns how many, at least 1 while there is a product left."""
    async with sessions() as session:
        turn = select(ProductChange).order_by(ProductChange.worked_at).limit(1).with_for_update(skip_locked=True)
        change = (await session.execute(turn)).scalar_one_or_none()
        if change is None:
            return 0
        return await _share(session, change)


async def _share(session: AsyncSession, change: ProductChange) -> int:
    buyers = select(Entitlement.id).where(Entitlement.product_id == change.product_id, Entitlement.is_active)
    if change.done_to is not None:
        buyers = buyers.where(Entitlement.id > change.done_to)
    next_ones = list((await session.execute(buyers.order_by(Entitlement.id).limit(SHARE))).scalars())
    for entitlement_id in next_ones:
        await operations.follow(session, entitlement_id)
    if len(next_ones) < SHARE:
        await session.delete(change)
    else:
        change.done_to, change.worked_at = next_ones[-1], clock.now()
    return max(len(next_ones), 1)
