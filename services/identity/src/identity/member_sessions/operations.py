"""Letting a member of a team into its portal, with the rights of their present role."""

from servicekit import clock, ids
from servicekit.auth import Principal, owned_by
from servicekit.errors import ResourceNotFound, Unauthorized
from servicekit.tokens import generate, hashed
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from identity.customers.models import Customer
from identity.member_sessions.models import LIFETIME, PREFIX, MemberSession, scopes_of
from identity.members.models import Member
from identity.organizations.models import Organization
from identity.settings import Settings


async def open_for(
    session: AsyncSession, member: Member, return_url: str | None, settings: Settings
) -> tuple[MemberSession, str]:
    """A new session of a member, and its token, which is kept nowhere."""
    now, text = clock.wall(), generate(PREFIX)
    opened = MemberSession(
        id=ids.uuid7(),
        created_at=now,
        organization_id=member.organization_id,
        customer_id=member.customer_id,
        member_id=member.id,
        token_hash=hashed(text, settings.secret),
        expires_at=now + LIFETIME,
        return_url=return_url,
    )
    session.add(opened)
    # Sessions that are over are of no use to anybody; each new one of a member removes them.
    over = delete(MemberSession).where(MemberSession.member_id == member.id, MemberSession.expires_at < now)
    await session.execute(over)
    return opened, text


async def authenticate(session: AsyncSession, secret: str, text: str) -> Principal:
    """Whom a session's token belongs to, with the member's present role.

    Raises `Unauthorized` when it is unknown or over, or its member removed, or their customer deleted.
    """
    statement = (
        select(MemberSession, Member, Customer.is_deleted, Organization.is_test)
        .join(Member, Member.id == MemberSession.member_id)
        .join(Customer, Customer.id == MemberSession.customer_id)
        .outerjoin(Organization, Organization.id == MemberSession.organization_id)
    )
    found = (await session.execute(statement.where(MemberSession.token_hash == hashed(text, secret)))).first()
    if found is None or found.is_deleted or found.Member.is_deleted:
        raise Unauthorized("the member session is not valid")
    opened: MemberSession = found.MemberSession
    if opened.expires_at <= clock.wall():
        raise Unauthorized("the member session has expired")
    return Principal(
        "customer",
        opened.id,
        (opened.organization_id,),
        scopes_of(found.Member),
        opened.customer_id,
        bool(found.is_test),
        opened.member_id,
    )


async def present(session: AsyncSession, principal: Principal) -> tuple[MemberSession, Member]:
    """The caller's own session and member. Raises `ResourceNotFound` when it is over."""
    statement = select(MemberSession, Member).join(Member, Member.id == MemberSession.member_id)
    own = statement.where(owned_by(principal, MemberSession), MemberSession.id == principal.id)
    found = (await session.execute(own)).first()
    if found is None:
        raise ResourceNotFound()
    return found.MemberSession, found.Member


def is_member_token(text: str) -> bool:
    """Whether a token has the form of a member session's."""
    return text.startswith(PREFIX)
