"""What can be done with the members of a team. Every change locks the customer first, so that a team has one owner."""

from uuid import UUID

from contracts.billing import MemberCreatedV1, MemberDeletedV1, MemberUpdatedV1
from servicekit import clock, ids, outbox
from servicekit.auth import Principal
from servicekit.errors import InvalidInput, NotPermitted, ResourceNotFound
from sqlalchemy import delete as sql_delete
from sqlalchemy.ext.asyncio import AsyncSession

from billing.customers import queries as customers
from billing.customers.models import Customer
from billing.customers.schemas import OwnerCreate
from billing.members import events, queries
from billing.members.models import Member
from billing.members.schemas import CustomerPortalMemberUpdate, MemberCreate, MemberUpdate

_RIGHTS = ("member", "billing_manager", "owner")
"""From the fewest."""
_MANAGERS = frozenset({"owner", "billing_manager"})


async def team(
    session: AsyncSession,
    principal: Principal,
    *,
    id: UUID | None = None,
    external_id: str | None = None,
    lock: bool = False,
) -> Customer:
    """The customer whose members are asked for. Raises `ResourceNotFound`."""
    customer = await customers.find(session, principal, id=id, external_id=external_id, lock=lock)
    if customer is None:
        raise ResourceNotFound()
    return customer


async def own_team(session: AsyncSession, principal: Principal, *, lock: bool = False) -> Customer:
    """The team of a customer's session. Raises `NotPermitted` for an individual."""
    customer = await team(session, principal, id=principal.customer_id, lock=lock)
    if customer.type != "team":
        raise NotPermitted("Only a customer of the type team has members")
    return customer


async def get(
    session: AsyncSession,
    principal: Principal,
    customer: Customer,
    *,
    id: UUID | None = None,
    external_id: str | None = None,
) -> Member:
    """Raises `ResourceNotFound`."""
    member = await queries.find(session, principal, customer, id=id, external_id=external_id)
    if member is None:
        raise ResourceNotFound()
    return member


async def create(session: AsyncSession, principal: Principal, customer: Customer, wish: MemberCreate) -> Member:
    """Adds a member to a team, locked by the caller; who has the e-mail already is given back as they are.

    Raises `NotPermitted` for an individual, or `InvalidInput` for an external id in use.
    """
    if customer.type != "team":
        raise NotPermitted("Only a customer of the type team has members")
    known = await queries.find(session, principal, customer, email=wish.email)
    if known is not None:
        return known
    if wish.external_id and await queries.find(session, principal, customer, external_id=wish.external_id):
        raise InvalidInput(("body", "external_id"), "A member with this external_id exists already")
    return await _add(session, customer, wish.email, wish.name, wish.external_id, wish.role)


async def found(session: AsyncSession, customer: Customer, owner: OwnerCreate | None = None) -> None:
    """Gives a new team its owner: `owner`, or the customer. Again does nothing. The caller has locked the customer."""
    if customer.type == "team" and await queries.owner_of(session, customer) is None:
        owner = owner or OwnerCreate()
        email, name = owner.email or customer.email, owner.name or (None if owner.email else customer.name)
        await _add(session, customer, email, name, owner.external_id, "owner")


async def update(
    session: AsyncSession, customer: Customer, member: Member, changes: MemberUpdate | CustomerPortalMemberUpdate
) -> Member:
    """Changes a member of a team, locked by the caller; who is made owner takes over from the present one.

    Raises `NotPermitted` when a team would be left without an owner, or `InvalidInput` for an e-mail in use.
    """
    now = clock.now()
    given = changes.model_dump(exclude_unset=True)
    email = given.get("email")
    if email is not None and email.casefold() != member.email.casefold():
        principal = Principal("organization", customer.id, (customer.organization_id,), frozenset())
        if await queries.find(session, principal, customer, email=email):
            raise InvalidInput(("body", "email"), "A member with this email exists already")
    if email is not None:
        member.email = email
    if "name" in given:
        member.name = given["name"]
    role = given.get("role")
    if role is not None and role != member.role:
        if member.role == "owner":
            raise NotPermitted("A team has an owner: make somebody else the owner instead")
        if role == "owner":
            former = await queries.owner_of(session, customer)
            if former is not None:
                former.role, former.modified_at = "billing_manager", now
                await session.flush()
                outbox.record(session, events.told(MemberUpdatedV1, former, now))
        member.role = role
    member.modified_at = now
    await session.flush()
    outbox.record(session, events.told(MemberUpdatedV1, member, now))
    return member


async def update_by_team(
    session: AsyncSession,
    principal: Principal,
    customer: Customer,
    member: Member,
    changes: CustomerPortalMemberUpdate,
) -> Member:
    """Changes a member of a team, locked by the caller, as one of the team.

    Raises `NotPermitted` where members change their own role, or who is not the owner touches the ownership.
    """
    actor = await _actor(session, principal, customer)
    role = changes.role if changes.role != member.role else None
    if actor is not None:
        if role is not None and actor.id == member.id:
            raise NotPermitted("Nobody changes their own role: another member does")
        if actor.role != "owner" and (role == "owner" or member.role == "owner"):
            raise NotPermitted("Only the owner of a team changes the owner")
    return await update(session, customer, member, changes)


async def remove_by_team(session: AsyncSession, principal: Principal, customer: Customer, member: Member) -> None:
    """Removes a member of a team, locked by the caller, as one of the team. Raises `NotPermitted` for oneself."""
    actor = await _actor(session, principal, customer)
    if actor is not None and actor.id == member.id:
        raise NotPermitted("Nobody removes themselves from a team: another member does")
    await delete(session, member)


async def ensure_manager(session: AsyncSession, principal: Principal, customer: Customer) -> None:
    """Raises `NotPermitted` unless the caller manages the team at this moment, whatever the session was opened with."""
    await _actor(session, principal, customer)


async def follow_email(session: AsyncSession, customer: Customer, old_email: str) -> None:
    """Where a team's own address changed, whose it was as a member has the new one: the old one opens nothing more.

    The caller has locked the customer. A member who has the new address already takes the place of the other.
    """
    if customer.type != "team" or customer.email.casefold() == old_email.casefold():
        return
    principal = Principal("organization", customer.id, (customer.organization_id,), frozenset())
    member = await queries.find(session, principal, customer, email=old_email)
    if member is None:
        return
    other = await queries.find(session, principal, customer, email=customer.email)
    if other is None:
        await update(session, customer, member, MemberUpdate(email=customer.email))
        return
    if _RIGHTS.index(member.role) > _RIGHTS.index(other.role):
        await update(session, customer, other, MemberUpdate.model_validate({"role": member.role}))
    await delete(session, member)


async def delete(session: AsyncSession, member: Member) -> None:
    """Removes a member of a team, locked by the caller. Raises `NotPermitted` for its owner."""
    if member.role == "owner":
        raise NotPermitted("The owner of a team cannot be removed")
    outbox.record(session, events.told(MemberDeletedV1, member, clock.now()))
    await session.execute(sql_delete(Member).where(Member.id == member.id))


async def _actor(session: AsyncSession, principal: Principal, customer: Customer) -> Member | None:
    """The member whose session it is, None for a session of the customer itself.

    Raises `NotPermitted` for one who manages nothing any more: their session may know an older role for a moment.
    """
    if principal.member_id is None:
        return None
    actor = await queries.find(session, principal, customer, id=principal.member_id)
    if actor is None or actor.role not in _MANAGERS:
        raise NotPermitted("Only owners and billing managers manage a team")
    return actor


async def _add(
    session: AsyncSession, customer: Customer, email: str, name: str | None, external_id: str | None, role: str
) -> Member:
    member = Member(
        id=ids.uuid7(),
        organization_id=customer.organization_id,
        created_at=clock.now(),
        customer_id=customer.id,
        email=email,
        name=name,
        external_id=external_id,
        role=role,
    )
    session.add(member)
    await session.flush()
    outbox.record(session, events.told(MemberCreatedV1, member, member.created_at))
    return member
