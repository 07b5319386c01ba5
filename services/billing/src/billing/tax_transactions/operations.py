"""Writing down what a tax provider is to be told, in the transaction in which the money moved."""

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

    Once for each order, in the transaction that makes it paid.
    """
    provider = (order.tax_computation or {}).get("provider")
    if order.tax_calculation_id is None or provider is None:
        return
    session.add(
        TaxTransaction(
            id=ids.uuid7(),
            organization_id=order.organization_id,
            created_at=clock.now(),
            order_id=order.id,
            refund_id=None,
            provider=str(provider),
            calculation_id=order.tax_calculation_id,
            amount=order.total_amount,
            due_at=clock.wall(),
            attempts=0,
        )
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
