"""Rounds that brought nothing new: asked again a moment later."""

from servicekit import clock
from servicekit.database import Database, Sessions
from sqlalchemy import select

from identity.test_clocks import operations
from identity.test_clocks.models import TestClock

BATCH = 20
_ANY_WAITING = "select 1 from test_clocks where ask_at <= $1 limit 1"


async def is_any_waiting(database: Database) -> bool:
    """Whether there is a clock to ask again for."""
    return await database.fetchrow(_ANY_WAITING, clock.wall()) is not None


async def ask_again(sessions: Sessions) -> int:
    """Asks again for up to a batch of clocks, by the machine's clock. Returns how many."""
    async with sessions() as session:
        statement = select(TestClock).where(TestClock.ask_at <= clock.wall()).order_by(TestClock.ask_at)
        waiting = await session.execute(statement.limit(BATCH).with_for_update(skip_locked=True))
        clocks = waiting.scalars().all()
        for made in clocks:
            await operations.ask_again(session, made)
    return len(clocks)
