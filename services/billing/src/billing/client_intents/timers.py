"""Intents that are given up: canceled at Stripe, and forgotten when their call-backs have come."""

from datetime import timedelta

from processor import ProcessorRefused, ProcessorUnavailable, StripeProcessor
from servicekit import clock
from servicekit.database import Sessions
from servicekit.timers import look
from sqlalchemy import delete, select

from billing.client_intents.models import ClientIntent

IN_HAND = timedelta(seconds=30)
"""After so long an intent whose cancellation did not end, or that Stripe still decides, is taken up again."""
KEPT = timedelta(days=3)
"""Stripe repeats a call-back for three days."""
BATCH = 1000

is_any_to_cancel = look("select 1 from client_intents where due_at <= $1 order by due_at limit 1")


async def cancel_intents(sessions: Sessions, processor: StripeProcessor) -> int:
    """Cancels one intent that is due. What was paid, or kept, before stays so: its own call-back says it."""
    async with sessions() as session:
        now = clock.wall()
        due = select(ClientIntent).where(ClientIntent.due_at <= now).order_by(ClientIntent.due_at).limit(1)
        intent = (await session.execute(due.with_for_update(skip_locked=True))).scalar_one_or_none()
        if intent is None:
            return 0
        intent.due_at, id = now + IN_HAND, intent.processor_id
    try:
        is_setup = id.startswith("seti_")
        status = (await processor.cancel_setup(id)).status if is_setup else (await processor.cancel(id)).status
    except ProcessorUnavailable:
        return 0
    except ProcessorRefused:
        status = "declined"  # Stripe has no such intent
    if status in ("declined", "succeeded"):
        async with sessions() as session:
            (await session.get_one(ClientIntent, id, with_for_update=True)).due_at = None
    return 1


async def forget_intents(sessions: Sessions) -> int:
    """Deletes a batch of intents that are over, of which Stripe calls back no more. Returns how many."""
    async with sessions() as session:
        is_over = ClientIntent.due_at.is_(None), ClientIntent.created_at <= clock.wall() - KEPT
        ids = (await session.execute(select(ClientIntent.processor_id).where(*is_over).limit(BATCH))).scalars().all()
        if ids:
            await session.execute(delete(ClientIntent).where(ClientIntent.processor_id.in_(ids)))
    return len(ids)
