"""Payments that came for an order which was paid, or void, already: they are given back, and the ledger has both."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog
from processor import Refund, RefundOutcome, StripeProcessor, refund_of
from servicekit import clock
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.ledger import operations as ledger
from billing.payments.models import Payment

log = structlog.get_logger()
ASK_LATER = timedelta(hours=1)
TRY_AGAIN = timedelta(days=1)
STANDING = ("pending", "succeeded")


async def ask(processor: StripeProcessor, payment: Payment) -> RefundOutcome | None:
    """Has all of a payment given back, or finds what became of that. None: it was given back before, by somebody else.

    May be repeated: what stands is not made again. Raises `ProcessorUnavailable` or `ProcessorRefused`.
    """
    made = await processor.refunds_of(payment.processor_id or "")
    standing = [one for one in made if one.status in STANDING]
    if standing:
        return standing[0]
    wish = Refund(f"duplicate:{payment.id}:{len(made)}", payment.processor_id or "", reason="duplicate")
    return await processor.refund(wish)


async def settle(session: AsyncSession, payment_id: UUID, status: str) -> None:
    """Writes down what Stripe said of such a refund: `pending`, `succeeded`, `failed` or `canceled`. Idempotent.

    One that had succeeded and fails after all is not tried again: somebody has to find another way to the customer.
    """
    held = select(Payment).where(Payment.id == payment_id).with_for_update()
    payment = (await session.execute(held)).scalar_one()
    now = clock.now()
    match payment.status, status:
        case "duplicate", "succeeded" if payment.due_at is not None:
            payment.status, payment.due_at, payment.modified_at = "refunded", None, now
            ledger.record_return(session, payment, now)
        case "duplicate", "pending" if payment.due_at is not None:
            payment.due_at = now + ASK_LATER
        case "duplicate", _ if payment.due_at is not None:
            log.error("payment.not_returned", payment_id=str(payment.id), refund=status)
            payment.due_at = now + TRY_AGAIN
        case "refunded", "failed" | "canceled":
            log.error("payment.came_back", payment_id=str(payment.id), refund=status)
            payment.status, payment.modified_at = "duplicate", now
            ledger.reverse_return(session, payment, now)


async def hear(session: AsyncSession, told: dict[str, Any]) -> None:
    """What a call-back says of a refund (Stripe's object), if it is of such a payment, and of all of it."""
    outcome = refund_of(told)
    mine = select(Payment.id).where(
        Payment.processor_id == outcome.payment_intent,
        Payment.status.in_(("duplicate", "refunded")),
        Payment.amount == outcome.amount,
    )
    payment_id = (await session.execute(mine)).scalar_one_or_none()
    if payment_id is not None:
        await settle(session, payment_id, outcome.status)
