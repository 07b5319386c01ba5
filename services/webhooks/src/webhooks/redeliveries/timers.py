"""Redeliveries, worked off a page at a time, in turn."""

from servicekit.database import Sessions
from servicekit.timers import Conditions, due, waiting
from sqlalchemy import select

from webhooks.redeliveries import operations
from webhooks.redeliveries.models import Redelivery


def _is_left() -> Conditions:
    return (due(Redelivery.due_at, Redelivery.organization_id),)


is_any_left = waiting(Redelivery.due_at, _is_left)


async def work_off_redeliveries(sessions: Sessions) -> int:
    """Makes a page of one redelivery's events due. Returns 1 while a redelivery is left."""
    async with sessions() as session:
        left = select(Redelivery).where(*_is_left())
        turn = left.order_by(Redelivery.due_at, Redelivery.id).limit(1).with_for_update(skip_locked=True)
        redelivery = (await session.execute(turn)).scalar_one_or_none()
        if redelivery is None:
            return 0
        await operations.work_off(session, redelivery)
        return 1
