"""Work that follows an edit, in small shares, organization by organization; and the end of grace periods."""

from typing import Any

import structlog
from servicekit import clock
from servicekit.database import Sessions
from servicekit.timers import due
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from benefits.benefit_grants import operations
from benefits.benefit_grants.models import BenefitGrant, Entitlement
from benefits.benefit_grants.operations import BACKLOG
from benefits.benefits.models import BenefitChange
from benefits.customers.models import Customer
from benefits.products.models import ProductChange

log = structlog.get_logger()

SHARE = 50


async def follow_changed_products(sessions: Sessions) -> int:
    """Works through a share of one product's buyers. Returns how many, at least 1 while there is a product left."""
    async with sessions() as session:
        is_due = due(ProductChange.worked_at, ProductChange.organization_id)
        turn = select(ProductChange).where(is_due).order_by(ProductChange.worked_at).limit(1)
        turn = turn.with_for_update(skip_locked=True)
        change = (await session.execute(turn)).scalar_one_or_none()
        if change is None:
            return 0
        buyers = _of_customers(select(Entitlement.id), Entitlement.customer_id).where(
            Entitlement.product_id == change.product_id, Entitlement.is_active
        )
        if change.done_to is not None:
            buyers = buyers.where(Entitlement.id > change.done_to)
        next_ones = (await session.execute(buyers.order_by(Entitlement.id).limit(SHARE))).all()
        for row in next_ones:
            if _is_known(row):
                await operations.follow(session, row.id, urgency=BACKLOG)
        if len(next_ones) < SHARE:
            await session.delete(change)
        else:
            change.done_to, change.worked_at = next_ones[-1].id, clock.now()
        return max(len(next_ones), 1)


async def follow_changed_benefits(sessions: Sessions) -> int:
    """Works through a share of one benefit's grants: they follow it, or are taken when it was deleted.

    Returns how many, at least 1 while there is a benefit left.
    """
    async with sessions() as session:
        is_due = due(BenefitChange.worked_at, BenefitChange.organization_id)
        turn = select(BenefitChange).where(is_due).order_by(BenefitChange.worked_at).limit(1)
        turn = turn.with_for_update(skip_locked=True)
        change = (await session.execute(turn)).scalar_one_or_none()
        if change is None:
            return 0
        return await _share(session, change)


async def _share(session: AsyncSession, change: BenefitChange) -> int:
    held = _of_customers(select(BenefitGrant.id, BenefitGrant.entitlement_id), BenefitGrant.customer_id).where(
        BenefitGrant.benefit_id == change.benefit_id
    )
    if change.done_to is not None:
        held = held.where(BenefitGrant.id > change.done_to)
    rows = (await session.execute(held.order_by(BenefitGrant.id).limit(SHARE))).all()
    for row in rows:
        if not _is_known(row):
            continue
        if change.is_deleted:
            await operations.follow(session, row.entitlement_id, urgency=BACKLOG)
        else:
            await operations.refresh(session, row.id)
    if len(rows) < SHARE:
        await session.delete(change)
    else:
        change.done_to, change.worked_at = rows[-1].id, clock.now()
    return max(len(rows), 1)


def _of_customers(statement: Any, customer_id: Any) -> Any:
    """The rows with `customer`: null where no copy of their customer is here."""
    return statement.add_columns(Customer.id.label("customer")).outerjoin(Customer, Customer.id == customer_id)


def _is_known(row: Any) -> bool:
    """Whether a row's customer is known. One that is not is left out, so that it holds nobody else up."""
    if row.customer is None:
        log.error("grant.customer_unknown", id=str(row.id))
    return row.customer is not None


async def end_grace_periods(sessions: Sessions) -> int:
    """Takes the benefits of a subscription whose payment is missing for longer than the seller allows."""
    async with sessions() as session:
        over = select(Entitlement).where(
            Entitlement.revoke_at.is_not(None), due(Entitlement.revoke_at, Entitlement.organization_id)
        )
        claimed = over.order_by(Entitlement.revoke_at).limit(1).with_for_update(skip_locked=True)
        entitlement = (await session.execute(claimed)).scalar_one_or_none()
        if entitlement is None:
            return 0
        entitlement.revoke_at, entitlement.is_active = None, False
        await session.flush()
        await operations.follow(session, entitlement.id)
        return 1
