"""Writing down what a tax provider is to be told, in the transaction in which the money moved."""

from typing import Any
from uuid import UUID, uuid5

import structlog
from servicekit import clock, ids
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.orders.models import Order
from billing.refunds.models import Refund
from billing.tax_transactions.models import TaxTransaction

log = structlog.get_logger()


def keep_sale(session: AsyncSession, order: Order) -> None:
    """Has the sale kept by the provider that calculated its tax. Where none of the outside did, nothing is to be told.

    What the order gives back of earlier ones at their own tax is taken back from these: each is a row as of a refund,
    with an id that is made from both orders. Once for each order, in the transaction that makes it paid.
    """
    computation = order.tax_computation or {}
    provider, amount = computation.get("provider"), order.total_amount
    given_back: dict[UUID, dict[str, Any]] = {}
    for part in computation.get("corrections", []):
        gross = int(part["net"]) + int(part["amount"])
        amount -= gross
        if part["calculation"] is not None:
            kept = given_back.setdefault(UUID(part["order_id"]), {"gross": 0, **part["calculation"]})
            kept["gross"] -= gross
    if order.tax_calculation_id is not None and provider is not None:
        session.add(_row(order, order.id, None, str(provider), order.tax_calculation_id, amount))
    for corrected, kept in given_back.items():
        of_both = uuid5(order.id, str(corrected))
        session.add(_row(order, corrected, of_both, kept["provider"], kept["id"], kept["gross"]))


def _row(
    order: Order, order_id: UUID, refund_id: UUID | None, provider: str, calculation_id: str, amount: int
) -> TaxTransaction:
    return TaxTransaction(
        id=ids.uuid7(),
        organization_id=order.organization_id,
        created_at=clock.now(),
        order_id=order_id,
        refund_id=refund_id,
        provider=provider,
        calculation_id=calculation_id,
        amount=amount,
        due_at=clock.wall(),
        attempts=0,
    )


async def keep_refund(session: AsyncSession, refund: Refund) -> None:
    """Has the provider take back what a refund that succeeded gave back of a sale that it keeps, or will keep."""
    statement = select(TaxTransaction).where(
        TaxTransaction.order_id == refund.order_id, TaxTransaction.refund_id.is_(None)
    )
    sale = (await session.execute(statement)).scalar_one_or_none()
    if sale is None:
        return
    session.add(
        TaxTransaction(
            id=ids.uuid7(),
            organization_id=refund.organization_id,
            created_at=clock.now(),
            order_id=refund.order_id,
            refund_id=refund.id,
            provider=sale.provider,
            calculation_id=sale.calculation_id,
            amount=refund.total,
            due_at=clock.wall(),
            attempts=0,
        )
    )


async def drop_refund(session: AsyncSession, refund: Refund) -> None:
    """The bank sent a refund back: the provider is not told of it. What it was told already, a person has to put right
    in its books, since no provider takes a reversal back."""
    statement = select(TaxTransaction).where(TaxTransaction.refund_id == refund.id).with_for_update()
    taken = (await session.execute(statement)).scalar_one_or_none()
    if taken is None:
        return
    if taken.attempts:
        log.error("tax.reversal_stands", refund_id=str(refund.id), transaction_id=taken.transaction_id)
    taken.due_at, taken.failure, taken.modified_at = None, "the refund failed", clock.now()
