"""Telling tax providers of sales and refunds: one at a time, outside of any transaction, again until they answer."""

from datetime import timedelta

import structlog
from servicekit import clock
from servicekit.database import Sessions
from servicekit.timers import look
from sqlalchemy import or_, select
from sqlalchemy.orm import aliased
from tax import Provider, Quotes, TaxUnavailable

from billing.tax_transactions.models import TaxTransaction

log = structlog.get_logger()
FIRST, LONGEST = timedelta(seconds=30), timedelta(hours=6)
ATTEMPTS = 200
"""About seven weeks of tries: calculations can be kept for 90 days (Stripe's rule)."""

is_any_to_tell = look("select 1 from tax_transactions where due_at <= $1 order by due_at limit 1")


async def tell_providers(sessions: Sessions, quotes: Quotes) -> int:
    """Tells a provider of one sale, or of one refund of a sale that it keeps. Returns 1, or 0 when none is due.

    When this worker dies in between, another tells it again with the same reference, which the provider keeps once.
    """
    async with sessions() as session:
        sale = aliased(TaxTransaction)
        statement = (
            select(TaxTransaction, sale.transaction_id, sale.amount)
            .outerjoin(sale, (sale.order_id == TaxTransaction.order_id) & sale.refund_id.is_(None))
            .where(
                TaxTransaction.due_at <= clock.wall(),
                or_(TaxTransaction.refund_id.is_(None), sale.transaction_id.is_not(None)),
            )
            .order_by(TaxTransaction.due_at)
            .limit(1)
            .with_for_update(of=TaxTransaction, skip_locked=True)
        )
        row = (await session.execute(statement)).first()
        if row is None:
            return 0
        told, sale_id, sold = row
        told.attempts += 1
        told.due_at = clock.wall() + min(FIRST * 2 ** min(told.attempts - 1, 12), LONGEST)
    provider = quotes.provider(told.provider)
    kept, failure = None, "no such provider is set up"
    if provider is not None:
        try:
            kept = await _tell(provider, told, sale_id, sold)
        except TaxUnavailable as error:
            failure = str(error) or type(error).__name__
    async with sessions() as session:
        held = await session.get_one(TaxTransaction, told.id, with_for_update=True)
        held.modified_at = clock.wall()
        if kept is not None:
            if held.due_at is None:
                log.error("tax.reversal_stands", refund_id=str(held.refund_id), transaction_id=kept)
            held.transaction_id, held.due_at, held.failure = kept, None, None
        else:
            held.failure = failure
            log.warning("tax.not_told", order_id=str(held.order_id), attempts=held.attempts, reason=failure)
            if held.attempts >= ATTEMPTS:
                log.error("tax.given_up", order_id=str(held.order_id), refund_id=str(held.refund_id), reason=failure)
                held.due_at = None
    return 1


async def _tell(provider: Provider, told: TaxTransaction, sale_id: str | None, sold: int | None) -> str | None:
    if told.refund_id is None:
        return await provider.record(told.calculation_id, str(told.order_id))
    assert sale_id is not None
    return await provider.revert(sale_id, str(told.refund_id), None if told.amount == sold else told.amount)
