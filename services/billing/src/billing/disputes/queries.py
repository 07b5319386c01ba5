"""Finding disputes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from servicekit.auth import Principal, owned_by
from servicekit.lists import Page, Sorting, fetch_rows
from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.customers import events as customers
from billing.customers.models import Customer
from billing.disputes import events
from billing.disputes.models import BLOCKING, Dispute
from billing.disputes.schemas import DisputeRead
from billing.payments.models import Payment

COLUMNS: dict[str, Any] = {"created_at": Dispute.created_at, "amount": Dispute.amount}


@dataclass(frozen=True)
class DisputeFilter:
    """What a list of disputes is narrowed to."""

    organization_id: Sequence[UUID] | None = None
    order_id: Sequence[UUID] | None = None
    status: Sequence[str] | None = None


async def list_disputes(
    session: AsyncSession, principal: Principal, wanted: DisputeFilter, page: Page, sorting: Sorting
) -> tuple[list[DisputeRead], int]:
    """A page of the caller's disputes."""
    statement = select(Dispute).where(owned_by(principal, Dispute))
    for name, values in vars(wanted).items():
        if values is not None:
            statement = statement.where(getattr(Dispute, name).in_(values))
    shown = statement.add_columns(Customer).select_from(Dispute).join(Customer, Customer.id == Dispute.customer_id)
    rows, total = await fetch_rows(session, shown, page, sorting.clauses(COLUMNS, Dispute.id), counted=statement)
    return [shown_with(row.Dispute, row.Customer) for row in rows], total


def shown_with(dispute: Dispute, customer: Customer) -> DisputeRead:
    """A dispute as the API shows it."""
    return DisputeRead.of(events.summary(dispute), customers.shape(customer))


async def find(session: AsyncSession, principal: Principal, id: UUID, *, lock: bool = False) -> Dispute | None:
    """A dispute of the caller."""
    statement = select(Dispute).where(owned_by(principal, Dispute), Dispute.id == id)
    if lock:
        statement = statement.with_for_update()
    return (await session.execute(statement)).scalar_one_or_none()


async def blocking(session: AsyncSession, payment: Payment) -> bool:
    """Whether the bank has, or may have, taken the money of a payment back."""
    statement = select(Dispute.id).where(_about(payment), Dispute.status.in_(BLOCKING))
    return (await session.execute(statement.limit(1))).first() is not None


async def warning_of(session: AsyncSession, payment: Payment) -> Dispute | None:
    """The early warning of a payment that a refund would answer."""
    statement = select(Dispute).where(_about(payment), Dispute.status == "early_warning")
    return (await session.execute(statement.limit(1))).scalar_one_or_none()


def _about(payment: Payment) -> ColumnElement[bool]:
    """Disputes of a payment, by the index of their order: a second payment of the order has disputes of its own."""
    return and_(Dispute.order_id == payment.order_id, Dispute.payment_id == payment.id)
