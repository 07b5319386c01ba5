"""Giving and taking: what an entitlement holds follows what its product gives."""

from typing import Any
from uuid import UUID

from contracts import benefits as contracts
from contracts.benefits import BenefitGrantCreatedV1, BenefitGrantRevokedV1, BenefitGrantUpdatedV1
from servicekit import clock, ids, outbox
from servicekit.auth import Principal
from servicekit.errors import InvalidInput, ResourceNotFound
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from benefits.benefit_grants import events, queries
from benefits.benefit_grants.models import BenefitGrant, Entitlement
from benefits.benefit_grants.strategies import STRATEGIES
from benefits.benefits.models import Benefit
from benefits.customers.models import Customer
from benefits.license_keys import operations as license_keys
from benefits.license_keys import queries as license_key_queries
from benefits.products import operations as products


async def follow(session: AsyncSession, entitlement_id: UUID) -> bool:
    """Makes the grants of an entitlement what they should be: first takes what is owed no more, then gives.

    May be repeated at any time, from any worker: the entitlement's row is locked. Returns False while nothing can be
    given because the product is not known yet.
    """
    locked = select(Entitlement).where(Entitlement.id == entitlement_id).with_for_update()
    entitlement = (await session.execute(locked.execution_options(populate_existing=True))).scalar_one()
    benefit_ids = await products.benefits_of(session, entitlement.product_id) if entitlement.is_active else []
    if benefit_ids is None:
        return False
    owned = select(Benefit).where(
        Benefit.id.in_(benefit_ids),
        Benefit.organization_id == entitlement.organization_id,
        Benefit.deleted_at.is_(None),
    )
    wanted = {benefit.id: benefit for benefit in (await session.execute(owned)).scalars()}
    held = select(BenefitGrant).where(BenefitGrant.entitlement_id == entitlement_id)
    grants = {grant.benefit_id: grant for grant in (await session.execute(held)).scalars()}
    customer = await session.get_one(Customer, entitlement.customer_id)
    for grant in grants.values():
        if grant.is_granted and grant.benefit_id not in wanted:
            await _take(session, grant, await session.get_one(Benefit, grant.benefit_id), customer)
    for benefit_id in benefit_ids:
        known = grants.get(benefit_id)
        if benefit_id in wanted and (known is None or not known.is_granted):
            await _give(session, entitlement, known, wanted[benefit_id], customer)
    return True


async def get(session: AsyncSession, principal: Principal, id: UUID) -> contracts.BenefitGrant:
    """Raises `ResourceNotFound`."""
    grant = await queries.find(session, principal, id)
    if grant is None:
        raise ResourceNotFound()
    return (await queries.shapes(session, [grant]))[0]


async def update_own(session: AsyncSession, principal: Principal, id: UUID, kind: str) -> contracts.BenefitGrant:
    """What a customer changes of a grant: nothing, for the types there are; the type must be named right.

    Raises `ResourceNotFound`, or `InvalidInput` for another type.
    """
    grant = await get(session, principal, id)
    if grant.benefit.type != kind:
        raise InvalidInput(("body", "benefit_type"), f"The benefit of this grant is of the type {grant.benefit.type}")
    return grant


async def rotate_key(session: AsyncSession, principal: Principal, key_id: UUID) -> dict[str, Any]:
    """Gives a license key another text, and tells of its grant, which shows the key's end.

    Raises `ResourceNotFound`, or `BadRequest` for a key that is disabled or revoked.
    """
    key = await license_key_queries.find(session, principal, key_id)
    if key is None:
        raise ResourceNotFound()
    grant = await session.get_one(BenefitGrant, key.grant_id)
    # In the order in which a grant is given or taken: first the entitlement, then the key.
    await session.execute(select(Entitlement.id).where(Entitlement.id == grant.entitlement_id).with_for_update())
    benefit = await session.get_one(Benefit, grant.benefit_id)
    key = await license_keys.rotate(session, principal, key_id, benefit.properties.get("prefix"))
    await session.refresh(grant)
    now = clock.now()
    grant.properties, grant.modified_at = {**grant.properties, "display_key": key.display_key}, now
    data = events.shape(grant, benefit, await session.get_one(Customer, grant.customer_id))
    outbox.record(session, events.told(BenefitGrantUpdatedV1, grant, data, now))
    return await license_key_queries.fields(session, key)


async def end_of_customer(session: AsyncSession, customer_id: UUID) -> None:
    """Takes everything from a customer who was deleted."""
    statement = select(Entitlement).where(Entitlement.customer_id == customer_id, Entitlement.is_active)
    for entitlement in (await session.execute(statement.with_for_update())).scalars().all():
        entitlement.is_active = False
        await session.flush()
        await follow(session, entitlement.id)


async def _give(
    session: AsyncSession, entitlement: Entitlement, known: BenefitGrant | None, benefit: Benefit, customer: Customer
) -> None:
    now = clock.now()
    is_subscription = entitlement.kind == "subscription"
    grant = known or BenefitGrant(
        id=ids.uuid7(),
        organization_id=entitlement.organization_id,
        created_at=now,
        benefit_id=benefit.id,
        customer_id=entitlement.customer_id,
        entitlement_id=entitlement.id,
        order_id=None if is_subscription else entitlement.id,
        subscription_id=entitlement.id if is_subscription else None,
        properties={},
    )
    grant.give(now)
    session.add(grant)
    await session.flush()
    grant.properties = await STRATEGIES[benefit.type].give(session, grant, benefit)
    contract: type[BenefitGrantCreatedV1] | type[BenefitGrantUpdatedV1] = BenefitGrantCreatedV1
    if known is not None:
        grant.modified_at = now
        contract = BenefitGrantUpdatedV1
    outbox.record(session, events.told(contract, grant, events.shape(grant, benefit, customer), now))


async def _take(session: AsyncSession, grant: BenefitGrant, benefit: Benefit, customer: Customer) -> None:
    now = clock.now()
    grant.properties = await STRATEGIES[benefit.type].take(session, grant)
    grant.revoke(now)
    data = events.shape(grant, benefit, customer)
    outbox.record(session, events.told(BenefitGrantRevokedV1, grant, data, now))
