"""Codes for addresses that were not known yet when one was requested."""

from servicekit import clock
from servicekit.database import Sessions
from servicekit.timers import look
from sqlalchemy import select

from identity.login_codes import operations
from identity.login_codes.models import LoginRequest
from identity.settings import Settings

BATCH = 50

is_any_late = look("select 1 from login_requests where due_at <= $1 order by due_at limit 1")


async def answer_late(sessions: Sessions, *, settings: Settings) -> int:
    """Looks again for up to a batch of addresses, by the machine's clock. Returns for how many."""
    async with sessions() as session:
        now = clock.wall()
        statement = select(LoginRequest).where(LoginRequest.due_at <= now).order_by(LoginRequest.due_at)
        waiting = (await session.execute(statement.limit(BATCH).with_for_update(skip_locked=True))).scalars().all()
        for request in waiting:
            await operations.answer_late(session, request, settings)
    return len(waiting)
