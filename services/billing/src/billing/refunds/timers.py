"""Refunds whose outcome a crash, or the processor's silence, left open."""

from datetime import timedelta

from processor import StripeProcessor
from servicekit import clock
from servicekit.database import Sessions
from servicekit.timers import look
from sqlalchemy import select

from billing.refunds import operations
from billing.refunds.models import Refund

HELD = timedelta(seconds=30)
"""For how long a claimed refund is left to the worker that took it; when that dies, another takes it after them."""


is_any_unfinished = look("select 1 from refunds where status = 'pending' and due_at <= $1 order by due_at limit 1")


async def finish_refunds(sessions: Sessions, processor: StripeProcessor) -> int:
    """Asks the processor about one refund that is due by the machine's clock. Returns 1, or 0 when there is none."""
    async with sessions() as session:
        is_due = Refund.status == "pending", Refund.due_at <= clock.wall()
        statement = select(Refund).where(*is_due).order_by(Refund.due_at).limit(1).with_for_update(skip_locked=True)
        refund = (await session.execute(statement)).scalar_one_or_none()
        if refund is None:
            return 0
        refund.due_at = clock.wall() + HELD
    await operations.send(sessions, processor, refund, again=True)
    return 1
