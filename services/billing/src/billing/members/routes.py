"""`/v1/customers/{id}/members`, by either id of the customer, and `/v1/customer-portal/members` for the team itself."""

from typing import Annotated, Any
from uuid import UUID

from servicekit.auth import Principal, allow
from servicekit.errors import NotPermitted, ResourceNotFound, responses
from servicekit.lists import ListResource, PageQuery, Sorting, sorted_by
from servicekit.routing import ResourceRouter, SessionOf

from billing.members import events, operations, queries
from billing.members.models import Member
from billing.members.schemas import (
    CustomerPortalMember,
    CustomerPortalMemberCreate,
    CustomerPortalMemberUpdate,
    MemberCreate,
    MemberRead,
    MemberUpdate,
    Role,
)

router = ResourceRouter("/customers/{id}/members", "customers:members")
external_router = ResourceRouter("/customers/external/{external_id}/members", "customers:members")
portal_router = ResourceRouter("/customer-portal/members", "customer_portal:members")
Reader = Annotated[Principal, allow("members:read", "members:write")]
Writer = Annotated[Principal, allow("members:write")]
Team = Annotated[Principal, allow("customer_portal:read", "customer_portal:write", kind="customer")]
TeamWriting = Annotated[Principal, allow("customer_portal:write", kind="customer")]
Sorted = Annotated[Sorting, sorted_by(*queries.COLUMNS)]
NOT_FOUND: Any = responses(ResourceNotFound)
REFUSALS: Any = responses(ResourceNotFound, NotPermitted)


@router.get("", name="list", responses=NOT_FOUND)
async def list_members(
    id: UUID, session: SessionOf, principal: Reader, page: PageQuery, sorting: Sorted, role: Role | None = None
) -> ListResource[MemberRead]:
    """Lists the members of a customer."""
    customer = await operations.team(session, principal, id=id)
    members, total = await queries.list_members(session, principal, customer, role, page, sorting)
    return page.of([_read(member) for member in members], total)


@router.post("", name="create", status_code=201, responses=REFUSALS)
async def create(id: UUID, session: SessionOf, principal: Writer, member: MemberCreate) -> MemberRead:
    """Adds a member to a team."""
    customer = await operations.team(session, principal, id=id, lock=True)
    return _read(await operations.create(session, principal, customer, member))


@router.get("/{member_id}", name="get", responses=NOT_FOUND)
async def get(id: UUID, member_id: UUID, session: SessionOf, principal: Reader) -> MemberRead:
    """Gets a member of a customer."""
    customer = await operations.team(session, principal, id=id)
    return _read(await operations.get(session, principal, customer, id=member_id))


@router.patch("/{member_id}", name="update", responses=REFUSALS)
async def update(id: UUID, member_id: UUID, session: SessionOf, principal: Writer, changes: MemberUpdate) -> MemberRead:
    """Changes a member of a team."""
    customer = await operations.team(session, principal, id=id, lock=True)
    member = await operations.get(session, principal, customer, id=member_id)
    return _read(await operations.update(session, customer, member, changes))


@router.delete("/{member_id}", name="delete", status_code=204, responses=REFUSALS)
async def delete(id: UUID, member_id: UUID, session: SessionOf, principal: Writer) -> None:
    """Removes a member from a team."""
    customer = await operations.team(session, principal, id=id, lock=True)
    await operations.delete(session, await operations.get(session, principal, customer, id=member_id))


@external_router.get("", name="list_external", responses=NOT_FOUND)
async def list_members_external(
    external_id: str, session: SessionOf, principal: Reader, page: PageQuery, sorting: Sorted, role: Role | None = None
) -> ListResource[MemberRead]:
    """Lists the members of a customer, by your own ids."""
    customer = await operations.team(session, principal, external_id=external_id)
    members, total = await queries.list_members(session, principal, customer, role, page, sorting)
    return page.of([_read(member) for member in members], total)


@external_router.post("", name="create_external", status_code=201, responses=REFUSALS)
async def create_external(external_id: str, session: SessionOf, principal: Writer, member: MemberCreate) -> MemberRead:
    """Adds a member to a team, by your own ids."""
    customer = await operations.team(session, principal, external_id=external_id, lock=True)
    return _read(await operations.create(session, principal, customer, member))


@external_router.get("/{member_external_id}", name="get_external", responses=NOT_FOUND)
async def get_external(external_id: str, member_external_id: str, session: SessionOf, principal: Reader) -> MemberRead:
    """Gets a member of a customer, by your own ids."""
    customer = await operations.team(session, principal, external_id=external_id)
    return _read(await operations.get(session, principal, customer, external_id=member_external_id))


@external_router.patch("/{member_external_id}", name="update_external", responses=REFUSALS)
async def update_external(
    external_id: str, member_external_id: str, session: SessionOf, principal: Writer, changes: MemberUpdate
) -> MemberRead:
    """Changes a member of a team, by your own ids."""
    customer = await operations.team(session, principal, external_id=external_id, lock=True)
    member = await operations.get(session, principal, customer, external_id=member_external_id)
    return _read(await operations.update(session, customer, member, changes))


@external_router.delete("/{member_external_id}", name="delete_external", status_code=204, responses=REFUSALS)
async def delete_external(external_id: str, member_external_id: str, session: SessionOf, principal: Writer) -> None:
    """Removes a member from a team, by your own ids."""
    customer = await operations.team(session, principal, external_id=external_id, lock=True)
    await operations.delete(session, await operations.get(session, principal, customer, external_id=member_external_id))


@portal_router.get("/", name="list_members", responses=REFUSALS)
async def list_own_members(
    session: SessionOf, principal: Team, page: PageQuery, sorting: Sorted
) -> ListResource[CustomerPortalMember]:
    """Lists the members of the team of the session. For owners and billing managers."""
    customer = await operations.own_team(session, principal)
    await operations.ensure_manager(session, principal, customer)
    members, total = await queries.list_members(session, principal, customer, None, page, sorting)
    return page.of([CustomerPortalMember.model_validate(member) for member in members], total)


@portal_router.post("/", name="add_member", status_code=201, responses=REFUSALS)
async def add_member(
    session: SessionOf, principal: TeamWriting, member: CustomerPortalMemberCreate
) -> CustomerPortalMember:
    """Adds a member to the team of the session. For owners and billing managers."""
    customer = await operations.own_team(session, principal, lock=True)
    await operations.ensure_manager(session, principal, customer)
    wish = MemberCreate.model_validate(member.model_dump())
    return CustomerPortalMember.model_validate(await operations.create(session, principal, customer, wish))


@portal_router.patch("/{id}", name="update_member", responses=REFUSALS)
async def update_member(
    id: UUID, session: SessionOf, principal: TeamWriting, changes: CustomerPortalMemberUpdate
) -> CustomerPortalMember:
    """Changes a member of the team of the session: nobody their own role, and only the owner who is the owner."""
    customer = await operations.own_team(session, principal, lock=True)
    member = await operations.get(session, principal, customer, id=id)
    changed = await operations.update_by_team(session, principal, customer, member, changes)
    return CustomerPortalMember.model_validate(changed)


@portal_router.delete("/{id}", name="remove_member", status_code=204, responses=REFUSALS)
async def remove_member(id: UUID, session: SessionOf, principal: TeamWriting) -> None:
    """Removes a member from the team of the session: not the owner, and nobody themselves."""
    customer = await operations.own_team(session, principal, lock=True)
    member = await operations.get(session, principal, customer, id=id)
    await operations.remove_by_team(session, principal, customer, member)


def _read(member: Member) -> MemberRead:
    return MemberRead.model_validate(events.shape(member).model_dump())
