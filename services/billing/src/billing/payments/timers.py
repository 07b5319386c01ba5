"""Payments that are due: new ones, those that a crash or Stripe's silence left open, and second ones to give back."""

from processor import ProcessorRefused, ProcessorUnavailable, Refund, StripeProcessor
from servicekit import clock
from servicekit.database import Sessions
from servicekit.timers import due
from sqlalchemy import select

from billing.payments.collect import IN_HAND
from billing.payments.lanes import collect_due
from billing.payments.models import Payment

__all__ = ["collect_due", "refund_duplicates"]


async def refund_duplicates(sessions: Sessions, processor: StripeProcessor) -> int:
    """Gives one payment back that came for an order which was paid, or void, already."""
    async with sessions() as session:
        statement = (
            select(Payment)
            .where(Payment.status == "duplicate", due(Payment.due_at, Payment.organization_id))
            .order_by(Payment.due_at)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        payment = (await session.execute(statement)).scalar_one_or_none()
        if payment is None:
            return 0
        payment.due_at = clock.now() + IN_HAND
    try:
        await processor.refund(Refund(f"duplicate:{payment.id}", payment.processor_id or "", reason="duplicate"))
    except (ProcessorUnavailable, ProcessorRefused):
        return 0
    async with sessions() as session:
        held = await session.get_one(Payment, payment.id, with_for_update=True)
        held.status, held.due_at, held.modified_at = "refunded", None, clock.now()
    return 1
