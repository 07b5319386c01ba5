"""Finding the customer of a purchase, or promising an id to a new one."""

from uuid import UUID

from servicekit import ids
from servicekit.database import awaited
from sqlalchemy import or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from checkout.customers.models import Customer, CustomerReservation


async def find(session: AsyncSession, organization_id: UUID, customer_id: UUID) -> Customer | None:
    """A customer of the organization that is not deleted."""
    statement = select(Customer).where(
        Customer.organization_id == organization_id, Customer.id == customer_id, ~Customer.is_deleted
    )
    return (await session.execute(statement)).scalar_one_or_none()


async def awaited_customer(session: AsyncSession, organization_id: UUID, customer_id: UUID) -> Customer | None:
    """The same, waiting for a moment for one whose news is on its way."""
    return await awaited(lambda: find(session, organization_id, customer_id))


async def find_external(session: AsyncSession, organization_id: UUID, external_id: str) -> Customer | None:
    """The customer with the merchant's own id."""
    statement = select(Customer).where(
        Customer.organization_id == organization_id, Customer.external_id == external_id, ~Customer.is_deleted
    )
    return (await session.execute(statement.limit(1))).scalar_one_or_none()


async def find_email(session: AsyncSession, organization_id: UUID, email: str) -> Customer | None:
    """The customer with an e-mail."""
    statement = select(Customer).where(
        Customer.organization_id == organization_id, Customer.email == email, ~Customer.is_deleted
    )
    return (await session.execute(statement.limit(1))).scalar_one_or_none()


async def id_of_email(session: AsyncSession, organization_id: UUID, email: str, secret: str) -> UUID:
    """The id of the customer with this e-mail: the known one's, or the one that billing will derive alike."""
    found = await find_email(session, organization_id, email)
    if found is not None:
        return found.id
    promise = insert(CustomerReservation).values(
        organization_id=organization_id,
        email=email,
        customer_id=ids.derive(secret, str(organization_id), ids.email_key(email)),
    )
    await session.execute(promise.on_conflict_do_nothing())
    statement = select(CustomerReservation).where(
        CustomerReservation.organization_id == organization_id, CustomerReservation.email == email
    )
    reservation = (await session.execute(statement.with_for_update())).scalar_one()
    somebody_else = select(Customer.id).where(
        Customer.id == reservation.customer_id, or_(Customer.is_deleted, Customer.email != email)
    )
    if (await session.execute(somebody_else)).first() is not None:
        # Who has the promised id was deleted, or goes by another e-mail now. One with this e-mail is the buyer, of whom
        # billing has told since the first look.
        reservation.customer_id = ids.uuid7()
    return reservation.customer_id
