"""Disputes that were conceded but not closed, and open ones of which nothing was heard for long."""

from datetime import timedelta

from processor import ProcessorUnavailable, StripeProcessor
from servicekit import clock
from servicekit.database import Sessions
from servicekit.timers import look
from sqlalchemy import select

from billing.disputes import operations
from billing.disputes.models import OPEN, Dispute

HELD = timedelta(seconds=30)
_STATUSES = ", ".join(f"'{status}'" for status in OPEN)

is_any_to_follow = look(
    f"select 1 from disputes where status in ({_STATUSES}) and due_at <= $1 order by due_at limit 1"
)


async def follow_disputes(sessions: Sessions, processor: StripeProcessor) -> int:
    """Asks the processor about one dispute that is due by the machine's clock.

    Returns 1, or 0 when there is none or it cannot be asked.
    """
    async with sessions() as session:
        is_due = Dispute.status.in_(OPEN), Dispute.due_at <= clock.wall()
        statement = select(Dispute).where(*is_due).order_by(Dispute.due_at).limit(1).with_for_update(skip_locked=True)
        dispute = (await session.execute(statement)).scalar_one_or_none()
        if dispute is None:
            return 0
        dispute.due_at = clock.wall() + HELD
    try:
        await operations.ask(sessions, processor, dispute)
    except ProcessorUnavailable:
        return 0
    return 1
