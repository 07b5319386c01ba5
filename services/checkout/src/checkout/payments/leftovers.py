"""Declined payments of an earlier release whose intents were left open at Stripe, and their repair.

Up to 6270c0c an intent that was declined stayed as it was, also one whose `client_secret` a browser had been given for
its bank's question: whoever has the secret can try cards with it for ever. The release did not note who had it.
"""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from servicekit import clock
from servicekit.database import Sessions, wake
from sqlalchemy import func, select

from checkout.payments.models import Payment
from checkout.payments.operations import TRIED

PAGE = 500
PAUSE = timedelta(milliseconds=100)
"""Between two cancellations: the worker's other work goes on meanwhile."""

_LEFT = (
    Payment.status == "failed",
    Payment.processor_id.is_not(None),
    Payment.due_at.is_(None),
    ~Payment.facts.has_key(TRIED),
)
"""This release notes of each decline which card it was of, or that there was none."""


async def left_open(sessions: Sessions) -> Sequence[tuple[UUID, int]]:
    """How many of each organization."""
    async with sessions() as session:
        counted = select(Payment.organization_id, func.count()).where(*_LEFT).group_by(Payment.organization_id)
        rows = await session.execute(counted.order_by(Payment.organization_id))
    return [(row[0], row[1]) for row in rows]


async def cancel(sessions: Sessions) -> int:
    """Has the worker cancel them, one after the other. Returns how many. May be repeated."""
    due, count = clock.wall(), 0
    while True:
        async with sessions() as session:
            page = select(Payment).where(*_LEFT).order_by(Payment.id).limit(PAGE)
            payments = (await session.execute(page.with_for_update())).scalars().all()
            for payment in payments:
                payment.facts, payment.due_at = {**payment.facts, TRIED: ""}, due
                due += PAUSE
            wake(session)
        count += len(payments)
        if len(payments) < PAGE:
            return count
