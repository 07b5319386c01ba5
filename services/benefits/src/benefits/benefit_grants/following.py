"""Giving and taking: what entitlements hold follows what their products give.

One entitlement is followed right away by whoever changed it; hundreds, after an edit, with as many statements.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from contracts.benefits import BenefitGrantCycledV1, BenefitGrantUpdatedV1
from servicekit import clock, ids, outbox
from servicekit.database import wake
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from benefits.benefit_grants import events, operations, queries
from benefits.benefit_grants.models import BenefitGrant, Entitlement
from benefits.benefit_grants.operations import BACKLOG, PURCHASE
from benefits.benefits.models import Benefit
from benefits.customers.models import Customer
from benefits.products import operations as products
from benefits.strategies.properties import PLATFORMS
from benefits.strategies.protocol import Gift
from benefits.strategies.registry import STRATEGIES


async def follow(session: AsyncSession, entitlement_id: UUID, *, cycle: bool = False) -> bool:
    """Makes the grants of an entitlement what they should be: first takes what is owed no more, then gives.

    `cycle`: a new period began, so that what is held goes on. May be repeated at any time, from any worker: the
    entitlement's row is locked. Returns False while nothing can be given because the product is not known yet.
    """
    return await _follow(session, [await operations.locked(session, entitlement_id)], PURCHASE, cycle=cycle)


async def follow_all(session: AsyncSession, entitlement_ids: Sequence[UUID]) -> set[UUID]:
    """Follows many after an edit. Returns which: those that another transaction has in hand are left out.

    Waiting for them could hold up purchases, and each other for ever.
    """
    found = await queries.free(session, entitlement_ids)
    await _follow(session, found, BACKLOG, cycle=False)
    return {entitlement.id for entitlement in found}


async def refresh_all(session: AsyncSession, benefit_id: UUID, entitlement_ids: Sequence[UUID]) -> set[UUID]:
    """Has the grants of a benefit that was edited follow it; what could not be given is tried again.

    Returns the entitlements whose grants did: those that another transaction has in hand are left out.
    """
    found = {entitlement.id: entitlement for entitlement in await queries.free(session, entitlement_ids)}
    grants = [grant for grant in await queries.held_by(session, found) if grant.benefit_id == benefit_id]
    wanted = [grant for grant in grants if grant.is_wanted]
    if not wanted:
        return set(found)
    benefit = await session.get_one(Benefit, benefit_id)
    customers = await _customers(session, {grant.customer_id for grant in wanted})
    if benefit.type in PLATFORMS:
        for grant in wanted:
            await operations.give_outside(session, grant, benefit, BACKLOG)
        return set(found)
    before, now = [dict(grant.properties) for grant in wanted], clock.now()
    gifts = [Gift(grant, benefit, found[grant.entitlement_id]) for grant in wanted]
    given = await STRATEGIES[benefit.type].give(session, gifts)
    for grant, properties, previous in zip(wanted, given, before, strict=True):
        grant.properties, grant.modified_at = properties, now
        data = events.shape(grant, benefit, customers[grant.customer_id], previous)
        outbox.record(session, events.told(BenefitGrantUpdatedV1, grant, data, now))
    return set(found)


async def end_of_customer(session: AsyncSession, customer_id: UUID) -> None:
    """Takes everything from a customer who was deleted."""
    statement = select(Entitlement).where(Entitlement.customer_id == customer_id, Entitlement.is_active)
    found = (await session.execute(statement.order_by(Entitlement.id).with_for_update())).scalars().all()
    for entitlement in found:
        entitlement.is_active = False
    await session.flush()
    await _follow(session, found, PURCHASE, cycle=False)


@dataclass
class _Plan:
    """What is to become of the grants of some entitlements."""

    taken: list[BenefitGrant]
    given: list[Gift]
    cycled: list[Gift]


async def _follow(session: AsyncSession, found: Sequence[Entitlement], urgency: int, *, cycle: bool) -> bool:
    """Returns whether every product was known."""
    owed = await products.benefits_of(
        session, {entitlement.product_id for entitlement in found if entitlement.is_active}
    )
    grants: dict[UUID, dict[UUID, BenefitGrant]] = defaultdict(dict)
    for grant in await queries.held_by(session, [entitlement.id for entitlement in found]):
        grants[grant.entitlement_id][grant.benefit_id] = grant
    named = {id for benefit_ids in owed.values() for id in benefit_ids}
    benefits = await _benefits(session, named | {id for held in grants.values() for id in held})
    customers = await _customers(session, {entitlement.customer_id for entitlement in found})
    plan = _Plan([], [], [])
    is_known = True
    for entitlement in found:
        benefit_ids = owed.get(entitlement.product_id) if entitlement.is_active else []
        if benefit_ids is None:
            is_known = False
            continue
        _decide(plan, entitlement, grants[entitlement.id], [benefits[id] for id in benefit_ids if id in benefits])
    await _take(session, plan.taken, benefits, urgency)
    await _give(session, plan.given, urgency)
    if cycle:
        await _cycle(session, plan.cycled, customers)
    return is_known


def _decide(plan: _Plan, entitlement: Entitlement, held: dict[UUID, BenefitGrant], benefits: Sequence[Benefit]) -> None:
    wanted = {
        benefit.id: benefit
        for benefit in benefits
        if benefit.organization_id == entitlement.organization_id and benefit.deleted_at is None
    }
    plan.taken += [grant for grant in held.values() if grant.is_wanted and grant.benefit_id not in wanted]
    for benefit in wanted.values():
        known = held.get(benefit.id)
        if known is None or not known.is_wanted:
            plan.given.append(Gift(known or _new(entitlement, benefit), benefit, entitlement))
        elif known.is_granted:
            plan.cycled.append(Gift(known, benefit, entitlement))


def _new(entitlement: Entitlement, benefit: Benefit) -> BenefitGrant:
    is_subscription = entitlement.kind == "subscription"
    return BenefitGrant(
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


async def _take(
    session: AsyncSession, grants: Sequence[BenefitGrant], benefits: dict[UUID, Benefit], urgency: int
) -> None:
    ended: dict[str, list[BenefitGrant]] = defaultdict(list)
    for grant in grants:
        kind = benefits[grant.benefit_id].type
        if kind in PLATFORMS and grant.was_tried:
            grant.wish("take", clock.now(), urgency=urgency)
            wake(session)
        else:
            ended[kind].append(grant)
    for kind, some in ended.items():
        if kind in PLATFORMS:
            for grant in some:
                grant.done()
        else:
            for grant, properties in zip(some, await STRATEGIES[kind].take(session, some), strict=True):
                grant.properties = properties
        for grant in some:
            await operations.taken(session, grant)


async def _give(session: AsyncSession, gifts: Sequence[Gift], urgency: int) -> None:
    for kind, some in _by_type(gifts):
        if kind in PLATFORMS:
            session.add_all([gift.grant for gift in some])
            await session.flush()
            for grant, benefit, _ in some:
                await operations.give_outside(session, grant, benefit, urgency)
            continue
        before, now = [dict(gift.grant.properties) for gift in some], clock.now()
        for gift in some:
            gift.grant.give(now)
        given = await STRATEGIES[kind].give(session, some)
        for gift, properties, previous in zip(some, given, before, strict=True):
            gift.grant.properties = properties
            session.add(gift.grant)  # complete: a row that is written once
            await operations.tell(session, gift.grant, before=previous)


async def _cycle(session: AsyncSession, gifts: Sequence[Gift], customers: dict[UUID, Customer]) -> None:
    for kind, some in _by_type(gifts):
        before, now = [dict(gift.grant.properties) for gift in some], clock.now()
        if kind in STRATEGIES:
            for gift, properties in zip(some, await STRATEGIES[kind].cycle(session, some), strict=True):
                gift.grant.properties = properties
        for (grant, benefit, _), previous in zip(some, before, strict=True):
            grant.modified_at = now
            data = events.shape(grant, benefit, customers[grant.customer_id], previous)
            outbox.record(session, events.told(BenefitGrantCycledV1, grant, data, now))


def _by_type(gifts: Iterable[Gift]) -> Iterator[tuple[str, list[Gift]]]:
    """In the order in which a product lists its benefits, as far as their types go."""
    found: dict[str, list[Gift]] = defaultdict(list)
    for gift in gifts:
        found[gift.benefit.type].append(gift)
    yield from found.items()


async def _benefits(session: AsyncSession, wanted: set[UUID]) -> dict[UUID, Benefit]:
    return await _rows(session, Benefit, wanted)


async def _customers(session: AsyncSession, wanted: set[UUID]) -> dict[UUID, Customer]:
    return await _rows(session, Customer, wanted)


async def _rows(session: AsyncSession, model: Any, wanted: set[UUID]) -> dict[UUID, Any]:
    if not wanted:
        return {}
    return {row.id: row for row in (await session.execute(select(model).where(model.id.in_(wanted)))).scalars()}
