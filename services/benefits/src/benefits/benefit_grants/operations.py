"""Giving and taking: what an entitlement holds follows what its product gives."""

from typing import Any
from uuid import UUID

from contracts import benefits as contracts
from contracts.benefits import (
    BenefitGrantCreatedV1,
    BenefitGrantCycledV1,
    BenefitGrantRevokedV1,
    BenefitGrantUpdatedV1,
)
from servicekit import clock, ids, outbox
from servicekit.auth import Principal
from servicekit.database import wake
from servicekit.errors import InvalidInput, ResourceNotFound
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from benefits.benefit_grants import events, queries
from benefits.benefit_grants.models import BenefitGrant, Entitlement
from benefits.benefits.models import Benefit
from benefits.customers.models import Customer
from benefits.license_keys import operations as license_keys
from benefits.license_keys import queries as license_key_queries
from benefits.oauth_accounts import queries as oauth_accounts
from benefits.products import operations as products
from benefits.strategies.properties import PLATFORMS
from benefits.strategies.protocol import ActionRequired, OutsideError
from benefits.strategies.registry import STRATEGIES

PURCHASE, BACKLOG = 0, 1


async def follow(session: AsyncSession, entitlement_id: UUID, *, urgency: int = PURCHASE, cycle: bool = False) -> bool:
    """Makes the grants of an entitlement what they should be: first takes what is owed no more, then gives.

    `cycle`: a new period began, so that what is held goes on. May be repeated at any time, from any worker: the
    entitlement's row is locked. Returns False while nothing can be given because the product is not known yet.
    """
    entitlement = await _locked(session, entitlement_id)
    benefit_ids = await products.benefits_of(session, entitlement.product_id) if entitlement.is_active else []
    if benefit_ids is None:
        return False
    owned = select(Benefit).where(
        Benefit.id.in_(benefit_ids),
        Benefit.organization_id == entitlement.organization_id,
        Benefit.deleted_at.is_(None),
    )
    wanted = {benefit.id: benefit for benefit in (await session.execute(owned)).scalars()}
    grants = {grant.benefit_id: grant for grant in await queries.held_by(session, entitlement_id)}
    customer = await session.get_one(Customer, entitlement.customer_id)
    for grant in grants.values():
        if grant.is_wanted and grant.benefit_id not in wanted:
            await _take(session, grant, await session.get_one(Benefit, grant.benefit_id), customer, urgency)
    for benefit_id in benefit_ids:
        known, benefit = grants.get(benefit_id), wanted.get(benefit_id)
        if benefit is None:
            continue
        if known is None or not known.is_wanted:
            await _give(session, entitlement, known, benefit, customer, urgency)
        elif cycle and known.is_granted:
            await _cycle(session, entitlement, known, benefit, customer)
    return True


async def refresh(session: AsyncSession, grant_id: UUID) -> None:
    """Has one grant follow its benefit, which was edited; one that could not be given is tried again."""
    grant = (await session.execute(select(BenefitGrant).where(BenefitGrant.id == grant_id))).scalar_one()
    entitlement = await _locked(session, grant.entitlement_id)
    await session.refresh(grant, with_for_update=True)
    if not grant.is_wanted:
        return
    benefit = await session.get_one(Benefit, grant.benefit_id)
    customer = await session.get_one(Customer, grant.customer_id)
    if benefit.type in PLATFORMS:
        await _give_outside(session, grant, benefit, customer, BACKLOG)
        return
    before, now = dict(grant.properties), clock.now()
    grant.properties = await STRATEGIES[benefit.type].give(session, grant, benefit, entitlement)
    grant.modified_at = now
    data = events.shape(grant, benefit, customer, before)
    outbox.record(session, events.told(BenefitGrantUpdatedV1, grant, data, now))


async def get(session: AsyncSession, principal: Principal, id: UUID) -> contracts.BenefitGrant:
    """Raises `ResourceNotFound`."""
    grant = await queries.find(session, principal, id)
    if grant is None:
        raise ResourceNotFound()
    return (await queries.shapes(session, [grant]))[0]


async def update_own(
    session: AsyncSession, principal: Principal, id: UUID, kind: str, account_id: str | None
) -> contracts.BenefitGrant:
    """What a customer changes of a grant: the account that gets it. The type must be named right.

    Raises `ResourceNotFound`, or `InvalidInput` for another type or an account that is not connected.
    """
    found = await queries.find(session, principal, id)
    if found is None:
        raise ResourceNotFound()
    benefit = await session.get_one(Benefit, found.benefit_id)
    if benefit.type != kind:
        raise InvalidInput(("body", "benefit_type"), f"The benefit of this grant is of the type {benefit.type}")
    platform = PLATFORMS.get(kind)
    if platform is None or account_id is None:
        return (await queries.shapes(session, [found]))[0]
    if await oauth_accounts.connected(session, found.customer_id, platform, account_id) is None:
        raise InvalidInput(("body", "properties", "account_id"), "is not an account that you have connected")
    grant = await queries.locked(session, found.id)
    if grant.properties.get("account_id") != account_id:
        grant.properties = {**grant.properties, "account_id": account_id}
        grant.modified_at = clock.now()
        if grant.is_wanted:
            await _give_outside(session, grant, benefit, await session.get_one(Customer, grant.customer_id), PURCHASE)
    return (await queries.shapes(session, [grant]))[0]


async def rotate_key(session: AsyncSession, principal: Principal, key_id: UUID) -> dict[str, Any]:
    """Gives a license key another text, and tells of its grant, which shows the key's end.

    Raises `ResourceNotFound`, or `BadRequest` for a key that is disabled or revoked.
    """
    key = await license_key_queries.find(session, principal, key_id)
    if key is None:
        raise ResourceNotFound()
    grant = await session.get_one(BenefitGrant, key.grant_id)
    # In the order in which a grant is given or taken: first the entitlement, then the key.
    await _locked(session, grant.entitlement_id)
    benefit = await session.get_one(Benefit, grant.benefit_id)
    key = await license_keys.rotate(session, principal, key_id, benefit)
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


async def given(session: AsyncSession, grant: BenefitGrant, before: dict[str, Any]) -> None:
    """The customer has it: tells of it."""
    now = clock.now()
    grant.give(now)
    await tell(session, grant, before=before)


async def taken(session: AsyncSession, grant: BenefitGrant) -> None:
    """The customer has it no more: tells of it."""
    now = clock.now()
    grant.revoke(now)
    benefit = await session.get_one(Benefit, grant.benefit_id)
    data = events.shape(grant, benefit, await session.get_one(Customer, grant.customer_id))
    outbox.record(session, events.told(BenefitGrantRevokedV1, grant, data, now))


async def tell(session: AsyncSession, grant: BenefitGrant, *, before: dict[str, Any] | None = None) -> None:
    """`benefit_grant.created` the first time something is to be said of a grant (also why it is not there yet), then
    `benefit_grant.updated`."""
    now = clock.now()
    contract: type[BenefitGrantCreatedV1] | type[BenefitGrantUpdatedV1] = BenefitGrantUpdatedV1
    if grant.is_told:
        grant.modified_at = now
    else:
        grant.is_told, contract, before = True, BenefitGrantCreatedV1, None
    benefit = await session.get_one(Benefit, grant.benefit_id)
    data = events.shape(grant, benefit, await session.get_one(Customer, grant.customer_id), before)
    outbox.record(session, events.told(contract, grant, data, now))


def problem(error: OutsideError) -> dict[str, Any]:
    """What is kept and shown of an error."""
    return {"message": str(error)[:500], "type": error.kind, "timestamp": clock.rfc3339(clock.now())}


async def _locked(session: AsyncSession, entitlement_id: UUID) -> Entitlement:
    locked = select(Entitlement).where(Entitlement.id == entitlement_id).with_for_update()
    return (await session.execute(locked.execution_options(populate_existing=True))).scalar_one()


async def _give(
    session: AsyncSession,
    entitlement: Entitlement,
    known: BenefitGrant | None,
    benefit: Benefit,
    customer: Customer,
    urgency: int,
) -> None:
    is_subscription = entitlement.kind == "subscription"
    grant = known or BenefitGrant(
        id=ids.uuid7(),
        organization_id=entitlement.organization_id,
        created_at=clock.now(),
        benefit_id=benefit.id,
        customer_id=entitlement.customer_id,
        entitlement_id=entitlement.id,
        order_id=None if is_subscription else entitlement.id,
        subscription_id=entitlement.id if is_subscription else None,
        properties={},
        attempts=0,
        version=0,
        is_told=False,
    )
    session.add(grant)
    if benefit.type in PLATFORMS:
        await session.flush()
        await _give_outside(session, grant, benefit, customer, urgency)
        return
    grant.give(clock.now())
    await session.flush()
    before = dict(grant.properties)
    grant.properties = await STRATEGIES[benefit.type].give(session, grant, benefit, entitlement)
    await given(session, grant, before)


async def _give_outside(
    session: AsyncSession, grant: BenefitGrant, benefit: Benefit, customer: Customer, urgency: int
) -> None:
    """Has it given by a timer; without an account it waits for the customer, and that is told."""
    platform = PLATFORMS[benefit.type]
    grant.wish("give", clock.now(), urgency=urgency)
    if await oauth_accounts.connected(session, customer.id, platform, grant.properties.get("account_id")) is None:
        names = {"github": "GitHub", "discord": "Discord"}
        grant.await_customer(problem(ActionRequired(f"No {names[platform]} account is connected")))
        await tell(session, grant)
    else:
        wake(session)


async def _take(session: AsyncSession, grant: BenefitGrant, benefit: Benefit, customer: Customer, urgency: int) -> None:
    if benefit.type in PLATFORMS:
        if grant.was_tried:
            grant.wish("take", clock.now(), urgency=urgency)
            wake(session)
            return
        grant.done()
    else:
        grant.properties = await STRATEGIES[benefit.type].take(session, grant)
    await taken(session, grant)


async def _cycle(
    session: AsyncSession, entitlement: Entitlement, grant: BenefitGrant, benefit: Benefit, customer: Customer
) -> None:
    before, now = dict(grant.properties), clock.now()
    if benefit.type in STRATEGIES:
        grant.properties = await STRATEGIES[benefit.type].cycle(session, grant, benefit, entitlement)
    grant.modified_at = now
    data = events.shape(grant, benefit, customer, before)
    outbox.record(session, events.told(BenefitGrantCycledV1, grant, data, now))
