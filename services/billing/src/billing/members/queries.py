"""Finding members."""

from typing import Any
from uuid import UUID

from servicekit.auth import Principal, owned_by
from servicekit.lists import Page, Sorting, fetch_page
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.customers.models import Customer
from billing.members.models import Member

COLUMNS: dict[str, Any] = {"created_at": Member.created_at}


async def list_members(
    session: AsyncSession, principal: Principal, customer: Customer, role: str | None, page: Page, sorting: Sorting
) -> tuple[list[Member], int]:
    """A page of a customer's members."""
    statement = select(Member).where(owned_by(principal, Member), Member.customer_id == customer.id)
    if role is not None:
        statement = statement.where(Member.role == role)
    return await fetch_page(session, statement, page, sorting.clauses(COLUMNS, Member.id))


async def find(
    session: AsyncSession,
    principal: Principal,
    customer: Customer,
    *,
    id: UUID | None = None,
    external_id: str | None = None,
    email: str | None = None,
) -> Member | None:
    """A member of a customer by id, by the merchant's own id, or by e-mail."""
    statement = select(Member).where(owned_by(principal, Member), Member.customer_id == customer.id)
    if id is not None:
        statement = statement.where(Member.id == id)
    elif external_id is not None:
        statement = statement.where(Member.external_id == external_id)
    else:
        statement = statement.where(Member.email == email)
    return (await session.execute(statement)).scalar_one_or_none()


async def owner_of(session: AsyncSession, customer: Customer) -> Member | None:
    """The owner of a team."""
    statement = select(Member).where(Member.customer_id == customer.id, Member.role == "owner")
    return (await session.execute(statement)).scalar_one_or_none()
