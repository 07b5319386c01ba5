"""Refunds whose outcome a crash, or the processor's silence, left open."""

from datetime import timedelta

from processor import StripeProcessor
from servicekit import clock
from servicekit.database import Sessions
from servicekit.timers import Conditions, due, waiting
from sqlalchemy import select

from billing.refunds import operations
from billing.refunds.models import Refund

HELD = timedelta(seconds=30)
"""For how long a claimed refund is left to the worker that took it; when that dies, another takes it after them."""


def _is_due() -> Conditions:
    return Refund.status == "pending", due(Refund.due_at, Refund.organization_id)


is_any_unfinished = waiting(Refund.due_at, _is_due)


async def finish_refunds(sessions: Sessions, processor: StripeProcessor) -> int:
    """Asks the processor about one refund that is due. Returns 1, or 0 when there is none."""
    async with sessions() as session:
        statement = select(Refund).where(*_is_due()).order_by(Refund.due_at).limit(1).with_for_update(skip_locked=True)
        refund = (await session.execute(statement)).scalar_one_or_none()
        if refund is None:
            return 0
        refund.due_at = clock.now() + HELD
    await operations.send(sessions, processor, refund, again=True)
    return 1
