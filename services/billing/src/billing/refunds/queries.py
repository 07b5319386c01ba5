"""Finding refunds."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from contracts import billing as contracts
from servicekit.auth import Principal, owned_by
from servicekit.lists import Page, Sorting, fetch_rows
from sqlalchemy import ColumnElement, case, cast, func, literal_column, null, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from billing.customers.models import Customer
from billing.disputes.models import Dispute
from billing.orders.models import Order
from billing.payments.models import DUPLICATE, Payment
from billing.refunds import events
from billing.refunds.models import RELEASED, Refund

COLUMNS = ("created_at", "amount")


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
    """A page of the caller's refunds, with the returns of payments that nobody owed."""
    shown_refund = aliased(Refund, union_all(select(*Refund.__table__.columns), _returns()).subquery("refunds"))
    statement = select(shown_refund).where(owned_by(principal, shown_refund))
    for name in ("id", "organization_id", "order_id", "subscription_id", "customer_id"):
        values = getattr(wanted, name)
        if values is not None:
            statement = statement.where(getattr(shown_refund, name).in_(values))
    if wanted.external_customer_id is not None:
        named = select(Customer.id).where(
            owned_by(principal, Customer), Customer.external_id.in_(wanted.external_customer_id)
        )
        statement = statement.where(shown_refund.customer_id.in_(named))
    if wanted.succeeded is not None:
        is_done = shown_refund.status == "succeeded"
        statement = statement.where(is_done if wanted.succeeded else ~is_done)
    shown = statement.add_columns(Dispute).outerjoin(Dispute, Dispute.id == shown_refund.dispute_id)
    columns = {name: getattr(shown_refund, name) for name in COLUMNS}
    rows, total = await fetch_rows(session, shown, page, sorting.clauses(columns, shown_refund.id), counted=statement)
    return [events.shape(row[0], row.Dispute) for row in rows], total


def _returns() -> Any:
    """Payments that nobody owed, as refunds of themselves (`payments.duplicates.shape`): in the columns of refunds."""
    subscription = select(Order.subscription_id).where(Order.id == Payment.order_id).scalar_subquery()
    status = case((Payment.status == "refunded", "succeeded"), (Payment.due_at.is_(None), "failed"), else_="pending")
    values: dict[str, Any] = {
        "id": Payment.id,
        "organization_id": Payment.organization_id,
        "created_at": func.coalesce(Payment.duplicate_at, Payment.modified_at, Payment.created_at),
        "modified_at": Payment.modified_at,
        "order_id": Payment.order_id,
        "payment_id": Payment.id,
        "customer_id": Payment.customer_id,
        "subscription_id": subscription,
        "status": status,
        "reason": literal_column("'duplicate'"),
        "amount": Payment.amount,
        "tax_amount": literal_column("0"),
        "currency": Payment.currency,
        "balance_amount": literal_column("0"),
        "revoke_benefits": literal_column("false"),
        "metadata": literal_column("'{}'"),
    }
    columns = [
        cast(values.get(column.name, null()), column.type).label(column.name) for column in Refund.__table__.columns
    ]
    # Written out, so that the plan finds the index of these few payments whatever the values are.
    among: list[ColumnElement[Any]] = [literal_column(f"'{status}'") for status in DUPLICATE]
    return select(*columns).where(Payment.status.in_(among), Payment.order_id.is_not(None))


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
