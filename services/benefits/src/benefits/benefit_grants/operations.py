"""What can be done with a grant, and what is told of it."""

from typing import Any
from uuid import UUID

from contracts import benefits as contracts
from contracts.benefits import (
    BenefitGrantCreatedV1,
    BenefitGrantRevokedV1,
    BenefitGrantUpdatedV1,
)
from servicekit import clock, outbox
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
from benefits.strategies.properties import PLATFORMS
from benefits.strategies.protocol import ActionRequired, OutsideError

PURCHASE, BACKLOG = 0, 1


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
    if principal.checkout_id is None:
        await oauth_accounts.prove(session, found.customer_id, platform, account_id)
    if await queries.account_of(session, found, platform, account_id) is None:
        raise InvalidInput(("body", "properties", "account_id"), "is not an account that you have connected")
    grant = await queries.locked(session, found.id)
    if grant.properties.get("account_id") != account_id:
        grant.properties = {**grant.properties, "account_id": account_id}
        grant.modified_at = clock.now()
        if grant.is_wanted:
            await give_outside(session, grant, benefit, PURCHASE)
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
    await locked(session, grant.entitlement_id)
    benefit = await session.get_one(Benefit, grant.benefit_id)
    key = await license_keys.rotate(session, principal, key_id, benefit, grant)
    await session.refresh(grant)
    now = clock.now()
    grant.properties, grant.modified_at = {**grant.properties, "display_key": key.display_key}, now
    data = events.shape(grant, benefit, await session.get_one(Customer, grant.customer_id))
    outbox.record(session, events.told(BenefitGrantUpdatedV1, grant, data, now))
    return await license_key_queries.fields(session, key)


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


async def locked(session: AsyncSession, entitlement_id: UUID) -> Entitlement:
    """An entitlement that is known to exist, locked: whatever gives or takes its grants comes after another."""
    locked = select(Entitlement).where(Entitlement.id == entitlement_id).with_for_update()
    return (await session.execute(locked)).scalar_one()


async def give_outside(session: AsyncSession, grant: BenefitGrant, benefit: Benefit, urgency: int) -> None:
    """Has it given by a timer; without an account it waits for the customer, and that is told."""
    platform = PLATFORMS[benefit.type]
    grant.wish("give", clock.now(), urgency=urgency)
    chosen = grant.properties.get("account_id")
    if await queries.account_of(session, grant, platform, chosen) is None:
        names = {"github": "GitHub", "discord": "Discord"}
        grant.await_customer(problem(ActionRequired(f"No {names[platform]} account is connected")))
        await tell(session, grant)
    else:
        wake(session)
