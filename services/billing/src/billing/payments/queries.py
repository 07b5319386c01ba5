"""Finding payments."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from servicekit.auth import Principal, owned_by
from servicekit.lists import Page, Sorting, fetch_page
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.customers.models import Customer
from billing.payments.models import Payment
from billing.payments.schemas import STATUSES

COLUMNS: dict[str, Any] = {
    "created_at": Payment.created_at,
    "status": Payment.status,
    "amount": Payment.amount,
    "method": Payment.method,
}


@dataclass(frozen=True)
class PaymentFilter:
    """What a list of payments is narrowed to."""

    organization_id: Sequence[UUID] | None = None
    checkout_id: Sequence[UUID] | None = None
    order_id: Sequence[UUID] | None = None
    customer_id: Sequence[UUID] | None = None
    status: Sequence[str] | None = None
    method: Sequence[str] | None = None
    customer_email: Sequence[str] | None = None


async def list_payments(
    session: AsyncSession, principal: Principal, wanted: PaymentFilter, page: Page, sorting: Sorting
) -> tuple[list[Payment], int]:
    """A page of the caller's payments."""
    statement = select(Payment).where(owned_by(principal, Payment))
    for name in ("organization_id", "checkout_id", "order_id", "customer_id", "method"):
        values = getattr(wanted, name)
        if values is not None:
            statement = statement.where(getattr(Payment, name).in_(values))
    if wanted.status is not None:
        named = [own for own, shown in STATUSES.items() if shown in wanted.status]
        statement = statement.where(Payment.status.in_([*wanted.status, *named]))
    if wanted.customer_email is not None:
        mailed = select(Customer.id).where(owned_by(principal, Customer), Customer.email.in_(wanted.customer_email))
        statement = statement.where(Payment.customer_id.in_(mailed))
    return await fetch_page(session, statement, page, sorting.clauses(COLUMNS, Payment.id))


async def find(session: AsyncSession, principal: Principal, id: UUID) -> Payment | None:
    """A payment of the caller."""
    statement = select(Payment).where(owned_by(principal, Payment), Payment.id == id)
    return (await session.execute(statement)).scalar_one_or_none()
