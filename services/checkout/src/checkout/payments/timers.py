"""Payments that a crash, or Stripe's silence, left open; intents to cancel; second payments, which are given back."""

from uuid import UUID

import structlog
from processor import Outcome, ProcessorRefused, ProcessorUnavailable, Refund, StripeProcessor
from servicekit import clock
from servicekit.database import Sessions
from servicekit.timers import look
from sqlalchemy import select

from checkout.buyer_attempts.operations import PaymentUnavailable
from checkout.payments import operations
from checkout.payments.models import Payment
from checkout.payments.operations import ASK_AGAIN, PaymentError
from checkout.settings import Settings

log = structlog.get_logger()

is_any_due = look("select 1 from payments where due_at <= $1 order by due_at limit 1")


async def recover_open_payments(sessions: Sessions, processor: StripeProcessor, settings: Settings) -> int:
    """Asks Stripe about one payment that is due, with the key that it was, or would have been, charged with."""
    payment_id = await _claim(sessions, ("open", "requires_action"))
    if payment_id is None:
        return 0
    try:
        await operations.charge(sessions, processor, settings, payment_id)
    except PaymentError as error:
        log.info("payment.recovered", payment_id=str(payment_id), outcome="declined", reason=error.detail)
    except PaymentUnavailable:
        return 0
    return 1


async def refund_duplicates(sessions: Sessions, processor: StripeProcessor) -> int:
    """Gives one second payment of a checkout back."""
    payment_id = await _claim(sessions, ("duplicate",))
    if payment_id is None:
        return 0
    async with sessions() as session:
        payment = await operations.by_id(session, payment_id)
    try:
        await processor.refund(Refund(f"duplicate:{payment.id}", payment.processor_id or "", reason="duplicate"))
    except (ProcessorUnavailable, ProcessorRefused):
        return 0
    async with sessions() as session:
        payment = await session.get_one(Payment, payment_id, with_for_update=True)
        payment.status, payment.due_at = "refunded", None
    return 1


async def cancel_failed(sessions: Sessions, processor: StripeProcessor, settings: Settings) -> int:
    """Cancels the intent of one failed payment at Stripe, so that nobody who has its secret tries more cards with it.

    One that was paid meanwhile is settled as every late payment is. After a crash it is done again.
    """
    payment_id = await _claim(sessions, ("failed",))
    if payment_id is None:
        return 0
    async with sessions() as session:
        payment = await operations.by_id(session, payment_id)
    id = payment.processor_id or ""
    try:
        if payment.amount:
            outcome = await processor.cancel(id)
        else:
            outcome = operations.not_kept(await processor.cancel_setup(id))
    except ProcessorUnavailable:
        return 0
    except ProcessorRefused:
        outcome = Outcome("declined")  # Stripe has no such intent
    async with sessions() as session:
        if outcome.status == "succeeded":
            await operations.settle(session, payment_id, outcome, settings)
        elif outcome.status == "declined":
            await operations.close(session, payment_id)
    return 1


async def _claim(sessions: Sessions, statuses: tuple[str, ...]) -> UUID | None:
    """Takes one due payment for some seconds; when this worker dies, another takes it after them."""
    async with sessions() as session:
        now = clock.wall()
        statement = (
            select(Payment)
            .where(Payment.due_at <= now, Payment.status.in_(statuses))
            .order_by(Payment.due_at)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        payment = (await session.execute(statement)).scalar_one_or_none()
        if payment is None:
            return None
        payment.due_at = now + 3 * ASK_AGAIN
        return payment.id
