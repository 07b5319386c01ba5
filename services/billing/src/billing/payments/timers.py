"""Payments that are due: new ones, those that a crash or Stripe's silence left open, and second ones to give back."""

from processor import ProcessorRefused, ProcessorUnavailable, StripeProcessor
from servicekit import clock
from servicekit.database import Sessions
from servicekit.timers import Conditions, due, waiting
from sqlalchemy import select

from billing.payments import duplicates
from billing.payments.collect import IN_HAND
from billing.payments.lanes import collect_due, is_any_to_collect
from billing.payments.models import Payment

__all__ = ["collect_due", "is_any_duplicate", "is_any_to_collect", "refund_duplicates"]


def _is_duplicate() -> Conditions:
    return Payment.status == "duplicate", due(Payment.due_at, Payment.organization_id)


is_any_duplicate = waiting(Payment.due_at, _is_duplicate)


async def refund_duplicates(sessions: Sessions, processor: StripeProcessor) -> int:
    """Gives one payment back that came for an order which was paid, or void, already."""
    async with sessions() as session:
        statement = (
            select(Payment).where(*_is_duplicate()).order_by(Payment.due_at).limit(1).with_for_update(skip_locked=True)
        )
        payment = (await session.execute(statement)).scalar_one_or_none()
        if payment is None:
            return 0
        payment.due_at = clock.now() + IN_HAND
    try:
        outcome = await duplicates.ask(processor, payment)
    except (ProcessorUnavailable, ProcessorRefused):
        return 0
    async with sessions() as session:
        await duplicates.settle(session, payment.id, outcome.status if outcome else "succeeded")
    return 1
