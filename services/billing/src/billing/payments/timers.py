"""Payments that are due: new ones, those that a crash or Stripe's silence left open, and second ones to give back."""

from datetime import timedelta

from processor import ProcessorRefused, ProcessorUnavailable, StripeProcessor
from servicekit import clock
from servicekit.database import Sessions, wake
from servicekit.timers import CLOCKS, look
from sqlalchemy import case, func, select, update

from billing.payments import duplicates
from billing.payments.lanes import collect_due, is_any_to_collect
from billing.payments.models import Payment
from billing.payments.requests import IN_HAND

__all__ = ["ask_waiting", "collect_due", "is_any_duplicate", "is_any_to_ask", "is_any_to_collect", "refund_duplicates"]


BATCH = 50
is_any_duplicate = look("select 1 from payments where status = 'duplicate' and due_at <= $1 order by due_at limit 1")
is_any_to_ask = look("select 1 from payments where ask_at <= $1 limit 1")


async def refund_duplicates(sessions: Sessions, processor: StripeProcessor) -> int:
    """Gives one payment back that came for an order which was paid, or void, already; due by the machine's clock."""
    async with sessions() as session:
        is_due = Payment.status == "duplicate", Payment.due_at <= clock.wall()
        statement = select(Payment).where(*is_due).order_by(Payment.due_at).limit(1).with_for_update(skip_locked=True)
        payment = (await session.execute(statement)).scalar_one_or_none()
        if payment is None:
            return 0
        payment.due_at = clock.wall() + IN_HAND
    try:
        outcome = await duplicates.ask(processor, payment)
    except (ProcessorUnavailable, ProcessorRefused):
        return 0
    async with sessions() as session:
        await duplicates.settle(session, payment.id, outcome.status if outcome else "succeeded")
    return 1


async def ask_waiting(sessions: Sessions) -> int:
    """Payments at test clocks that have waited for Stripe long enough are due at once. Returns how many.

    The clock may stand for as long as it is left alone: Stripe's answer does not wait for it.
    """
    async with sessions() as session:
        waited = select(Payment.id).where(Payment.ask_at <= clock.wall()).limit(BATCH).with_for_update(skip_locked=True)
        # Just before the instant: one that is due when it was written is one that nobody has taken in hand.
        instant = select(CLOCKS.c.instant - timedelta(microseconds=1)).where(
            CLOCKS.c.organization_id == Payment.organization_id, ~CLOCKS.c.is_deleted
        )
        statement = (
            update(Payment)
            .where(Payment.id.in_(waited))
            .values(
                ask_at=None,
                due_at=case((Payment.status == "open", func.coalesce(instant.scalar_subquery(), clock.wall()))),
            )
            .returning(Payment.id)
        )
        found = (await session.execute(statement.execution_options(synchronize_session=False))).all()
        if found:
            wake(session)
        return len(found)
