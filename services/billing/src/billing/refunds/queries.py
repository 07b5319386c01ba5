"""Finding refunds."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from contracts import billing as contracts
from servicekit.auth import Principal, owned_by
from servicekit.lists import Page, Sorting, fetch_rows
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.customers.models import Customer
from billing.disputes.models import Dispute
from billing.refunds import events
from billing.refunds.models import RELEASED, Refund

COLUMNS: dict[str, Any] = {"created_at": Refund.created_at, "amount": Refund.amount}


@dataclass(frozen=True)
class RefundFilter:
    """What a list of refunds is narrowed to."""

    id: Sequence[UUID] | None = None
    organization_id: Sequence[UUID] | None = None
    order_id: Sequence[UUID] | None = None
    subscription_id: Sequence[UUID] | None = None
    customer_id: Sequence[UUID] | None = None
    external_customer_id: Sequence[str] | None = None
    succeeded: bool | None = None


async def list_refunds(
    session: AsyncSession, principal: Principal, wanted: RefundFilter, page: Page, sorting: Sorting
) -> tuple[list[contracts.Refund], int]:
    """A page of the caller's refunds."""
    statement = select(Refund).where(owned_by(principal, Refund))
    for name in ("id", "organization_id", "order_id", "subscription_id", "customer_id"):
        values = getattr(wanted, name)
        if values is not None:
            statement = statement.where(getattr(Refund, name).in_(values))
    if wanted.external_customer_id is not None:
        named = select(Customer.id).where(
            owned_by(principal, Customer), Customer.external_id.in_(wanted.external_customer_id)
        )
        statement = statement.where(Refund.customer_id.in_(named))
    if wanted.succeeded is not None:
        is_done = Refund.status == "succeeded"
        statement = statement.where(is_done if wanted.succeeded else ~is_done)
    shown = statement.add_columns(Dispute).select_from(Refund).outerjoin(Dispute, Dispute.id == Refund.dispute_id)
    rows, total = await fetch_rows(session, shown, page, sorting.clauses(COLUMNS, Refund.id), counted=statement)
    return [events.shape(row.Refund, row.Dispute) for row in rows], total


async def succeeded_of(session: AsyncSession, order_id: UUID) -> int:
    """What was given back of an order, tax included, in minor units: without what is still pending."""
    given = select(func.coalesce(func.sum(Refund.amount + Refund.tax_amount), 0)).where(
        Refund.order_id == order_id, Refund.status == "succeeded"
    )
    return int((await session.execute(given)).scalar_one())


async def of_processor(session: AsyncSession, processor_id: str, refund_id: UUID | None) -> Refund | None:
    """The refund that the processor speaks of: by its id there, or by ours where the answer never came."""
    statement = select(Refund).where(Refund.processor_id == processor_id)
    found = (await session.execute(statement)).scalar_one_or_none()
    if found is None and refund_id is not None:
        found = (await session.execute(select(Refund).where(Refund.id == refund_id))).scalar_one_or_none()
    return found


async def revokes_benefits(session: AsyncSession, order_id: UUID) -> bool:
    """Whether any refund of an order that stands took its benefits."""
    statement = select(Refund.id).where(
        Refund.order_id == order_id, Refund.revoke_benefits, Refund.status.not_in((*RELEASED, "pending"))
    )
    return (await session.execute(statement.limit(1))).first() is not None
