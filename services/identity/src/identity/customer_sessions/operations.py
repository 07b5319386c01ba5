"""Letting a customer into the portal, and finding out who is in."""

from uuid import UUID

from contracts.billing import Customer as CustomerShape
from servicekit import clock, ids
from servicekit.auth import Principal, owned_by
from servicekit.database import awaited
from servicekit.errors import InvalidInput, ResourceNotFound, Unauthorized
from servicekit.tokens import generate, hashed, is_well_formed
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from identity.customer_sessions.models import LIFETIME, PREFIX, SCOPES, CustomerSession
from identity.customer_sessions.schemas import CustomerSessionCreate, CustomerSessionRead
from identity.customers.models import Customer
from identity.member_sessions import operations as member_sessions
from identity.member_sessions.models import MemberSession
from identity.members.models import Member
from identity.organizations.models import Organization
from identity.settings import Settings


async def create(
    session: AsyncSession, principal: Principal, wish: CustomerSessionCreate, settings: Settings
) -> CustomerSessionRead:
    """Opens a session of an hour. Raises `InvalidInput` for a customer, or a member of them, that does not exist."""
    customer = await awaited(lambda: _named(session, principal, wish))
    if customer is None:
        field = "customer_id" if wish.customer_id is not None else "external_customer_id"
        raise InvalidInput(("body", field), "Customer does not exist")
    opened: CustomerSession | MemberSession
    member = None
    if wish.member_id is not None or wish.external_member_id is not None:
        member = await awaited(lambda: _member(session, principal, customer, wish))
        if member is None:
            field = "member_id" if wish.member_id is not None else "external_member_id"
            raise InvalidInput(("body", field), "Member does not exist")
    if member is not None:
        opened, text = await member_sessions.open_for(session, member, wish.return_url, settings)
    else:
        opened, text = await open_for(session, customer, wish.return_url, settings)
    return CustomerSessionRead(
        id=opened.id,
        created_at=opened.created_at,
        modified_at=None,
        token=text,
        expires_at=opened.expires_at,
        return_url=opened.return_url,
        customer_portal_url=f"{settings.pages_base}/portal?customer_session_token={text}",
        customer_id=customer.id,
        customer=_shape(customer),
        member_id=member.id if member is not None else None,
    )


async def open_for(
    session: AsyncSession,
    customer: Customer,
    return_url: str | None,
    settings: Settings,
    *,
    email: str | None = None,
    checkout_id: UUID | None = None,
) -> tuple[CustomerSession, str]:
    """A new session of a customer, and its token, which is kept nowhere; `email` is the address that was proven.

    `checkout_id` is the purchase that it holds for, where the customer's address was not proven before.
    """
    now, text = clock.wall(), generate(PREFIX)
    opened = CustomerSession(
        id=ids.uuid7(),
        created_at=now,
        organization_id=customer.organization_id,
        customer_id=customer.id,
        token_hash=hashed(text, settings.secret),
        expires_at=now + LIFETIME,
        return_url=return_url,
        email=email,
        checkout_id=checkout_id,
    )
    session.add(opened)
    # Sessions that are over are of no use to anybody; each new one of a customer removes them.
    over = delete(CustomerSession).where(CustomerSession.customer_id == customer.id, CustomerSession.expires_at < now)
    await session.execute(over)
    return opened, text


async def authenticate(session: AsyncSession, secret: str, text: str) -> Principal:
    """Whom a session's token belongs to. Raises `Unauthorized` when it is unknown or over, or its customer deleted."""
    if not is_well_formed(text, PREFIX):
        raise Unauthorized("the customer session is not valid")
    statement = (
        select(CustomerSession, Customer.is_deleted, Organization.is_test)
        .join(Customer, Customer.id == CustomerSession.customer_id)
        .outerjoin(Organization, Organization.id == CustomerSession.organization_id)
    )
    found = (await session.execute(statement.where(CustomerSession.token_hash == hashed(text, secret)))).first()
    if found is None or found.is_deleted:
        raise Unauthorized("the customer session is not valid")
    opened: CustomerSession = found.CustomerSession
    if opened.expires_at <= clock.wall():
        raise Unauthorized("the customer session has expired")
    return Principal(
        "customer", opened.id, (opened.organization_id,), SCOPES, opened.customer_id, bool(found.is_test),
        checkout_id=opened.checkout_id,
    )  # fmt: skip


async def present(session: AsyncSession, principal: Principal) -> tuple[CustomerSession, CustomerShape]:
    """The caller's own session and customer. Raises `ResourceNotFound` when it is over."""
    statement = select(CustomerSession).where(owned_by(principal, CustomerSession), CustomerSession.id == principal.id)
    opened = (await session.execute(statement)).scalar_one_or_none()
    if opened is None:
        raise ResourceNotFound()
    return opened, _shape(await session.get_one(Customer, opened.customer_id))


async def _named(session: AsyncSession, principal: Principal, wish: CustomerSessionCreate) -> Customer | None:
    statement = select(Customer).where(owned_by(principal, Customer), ~Customer.is_deleted)
    if wish.customer_id is not None:
        statement = statement.where(Customer.id == wish.customer_id)
    else:
        statement = statement.where(Customer.external_id == wish.external_customer_id)
    return (await session.execute(statement.limit(1))).scalar_one_or_none()


async def _member(
    session: AsyncSession, principal: Principal, customer: Customer, wish: CustomerSessionCreate
) -> Member | None:
    of_team = owned_by(principal, Member), Member.customer_id == customer.id, ~Member.is_deleted
    statement = select(Member).where(*of_team)
    if wish.member_id is not None:
        statement = statement.where(Member.id == wish.member_id)
    else:
        statement = statement.where(Member.external_id == wish.external_member_id)
    return (await session.execute(statement.limit(1))).scalar_one_or_none()


def _shape(customer: Customer) -> CustomerShape:
    return CustomerShape.model_validate(customer.data, extra="ignore", context={"tolerant": True})


def is_customer_token(text: str) -> bool:
    """Whether a token has the form of a customer session's."""
    return text.startswith(PREFIX)
