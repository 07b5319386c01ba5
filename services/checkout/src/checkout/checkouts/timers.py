"""Checkouts that were left open past their end."""

from servicekit import clock, outbox
from servicekit.database import Sessions
from servicekit.timers import Conditions, due, waiting
from sqlalchemy import select

from checkout.checkouts import events
from checkout.checkouts.models import Checkout
from checkout.settings import Settings

BATCH = 100


def _is_over() -> Conditions:
    return Checkout.status == "open", due(Checkout.expires_at, Checkout.organization_id)


is_any_over = waiting(Checkout.expires_at, _is_over)


async def expire_checkouts(sessions: Sessions, settings: Settings) -> int:
    """Expires up to a batch of checkouts. Returns how many."""
    async with sessions() as session:
        now = clock.now()
        statement = (
            select(Checkout)
            .where(*_is_over())
            .order_by(Checkout.expires_at)
            .limit(BATCH)
            .with_for_update(skip_locked=True)
        )
        overdue = (await session.execute(statement)).scalars().all()
        for checkout in overdue:
            checkout.expire(now)
            data = events.shape(checkout, settings)
            outbox.record(session, events.checkout_expired(checkout, data, now), correlation_id=checkout.id)
    return len(overdue)
