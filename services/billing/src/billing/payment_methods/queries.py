"""Finding saved payment methods."""

from typing import Any
from uuid import UUID

from servicekit.auth import Principal, owned_by
from servicekit.lists import Page, Sorting, fetch_page
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.customers.models import Customer
from billing.payment_methods.models import PaymentMethod

COLUMNS: dict[str, Any] = {"created_at": PaymentMethod.created_at, "type": PaymentMethod.type}


async def list_methods(
    session: AsyncSession, principal: Principal, customer: Customer, page: Page, sorting: Sorting
) -> tuple[list[PaymentMethod], int]:
    """A page of the cards of one of the caller's customers."""
    statement = select(PaymentMethod).where(
        owned_by(principal, PaymentMethod),
        PaymentMethod.customer_id == customer.id,
        PaymentMethod.deleted_at.is_(None),
    )
    return await fetch_page(session, statement, page, sorting.clauses(COLUMNS, PaymentMethod.id))


async def find(session: AsyncSession, principal: Principal, id: UUID) -> PaymentMethod | None:
    """A card of the caller's."""
    statement = select(PaymentMethod).where(
        owned_by(principal, PaymentMethod), PaymentMethod.id == id, PaymentMethod.deleted_at.is_(None)
    )
    return (await session.execute(statement)).scalar_one_or_none()
