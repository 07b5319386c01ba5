"""Redeliveries, worked off a page at a time, in turn."""

from servicekit.database import Sessions
from servicekit.timers import due
from sqlalchemy import select

from webhooks.redeliveries import operations
from webhooks.redeliveries.models import Redelivery


async def work_off_redeliveries(sessions: Sessions) -> int:
    """Makes a page of one redelivery's events due. Returns 1 while a redelivery is left."""
    async with sessions() as session:
        waiting = select(Redelivery).where(due(Redelivery.due_at, Redelivery.organization_id))
        turn = waiting.order_by(Redelivery.due_at, Redelivery.id).limit(1).with_for_update(skip_locked=True)
        redelivery = (await session.execute(turn)).scalar_one_or_none()
        if redelivery is None:
            return 0
        await operations.work_off(session, redelivery)
        return 1
