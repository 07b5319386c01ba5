"""Declarations that were received are carried out; those from which nothing follows are forgotten."""

from datetime import timedelta

from servicekit import clock, clocks
from servicekit.database import Sessions
from servicekit.timers import look
from sqlalchemy import delete, select

from billing.cancellations import operations
from billing.cancellations.models import IDLE, Cancellation
from billing.subscriptions.errors import SubscriptionLocked

IDLE_KEPT = timedelta(days=1)
"""For how long a declaration is kept from which nothing follows."""
AGAIN = timedelta(seconds=5)
BATCH = 1000

is_any_received = look("select 1 from cancellations where due_at <= $1 order by due_at limit 1")


async def carry_out_received(sessions: Sessions, secret: str) -> int:
    """Carries out one declaration that was received. Returns 1, or 0 when there is none."""
    async with sessions() as session:
        statement = (
            select(Cancellation, clocks.instant_at(Cancellation.organization_id))
            .where(Cancellation.due_at <= clock.wall())
            .order_by(Cancellation.due_at)
            .limit(1)
            .with_for_update(skip_locked=True, of=Cancellation)
        )
        row = (await session.execute(statement)).one_or_none()
        if row is None:
            return 0
        cancellation: Cancellation = row.Cancellation
        clocks.stand(cancellation.organization_id, row.instant)
        cancellation.due_at = None
        try:
            await operations.carry_out(session, cancellation, secret)
        except SubscriptionLocked:
            # A change of it is being paid: when that is over it ends with whatever it is then.
            cancellation.due_at = clock.wall() + AGAIN
    return 1


async def forget_idle(sessions: Sessions) -> int:
    """Deletes a batch of declarations from which nothing follows. Returns how many."""
    async with sessions() as session:
        old = Cancellation.status.in_(IDLE), Cancellation.created_at <= clock.wall() - IDLE_KEPT
        found = (await session.execute(select(Cancellation.id).where(*old).limit(BATCH))).scalars().all()
        if found:
            await session.execute(delete(Cancellation).where(Cancellation.id.in_(found)))
    return len(found)
