"""Payments that customers began with an earlier release, that were declined, and whose intents were left open.

Up to 6270c0c nobody canceled an intent whose `client_secret` the customer's browser had been given in the portal:
whoever has the secret can try cards with it for ever. That release did not write down by which agreement it charged.
"""

from collections.abc import Sequence
from uuid import UUID

from servicekit import clock
from servicekit.database import Sessions, wake
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from billing.client_intents.models import ClientIntent
from billing.payments.models import Payment

PAGE = 500
_LEFT = (
    Payment.status == "failed",
    Payment.trigger == "retry_customer",
    Payment.agreement.is_(None),
    Payment.processor_id.is_not(None),
)


async def left_open(sessions: Sessions) -> Sequence[tuple[UUID, int]]:
    """How many of each organization."""
    async with sessions() as session:
        counted = select(Payment.organization_id, func.count()).where(*_LEFT).group_by(Payment.organization_id)
        rows = await session.execute(counted.order_by(Payment.organization_id))
    return [(row[0], row[1]) for row in rows]


async def cancel(sessions: Sessions) -> int:
    """Has the worker cancel them, and notes what they were charged by. Returns how many. May be repeated."""
    count = 0
    while True:
        async with sessions() as session:
            page = select(Payment).where(*_LEFT).order_by(Payment.id).limit(PAGE)
            payments = (await session.execute(page.with_for_update())).scalars().all()
            now = clock.wall()
            rows = [
                {
                    "processor_id": payment.processor_id, "organization_id": payment.organization_id,
                    "attempt_id": payment.id, "purchase": f"order {payment.order_id}", "declined_as": "",
                    "created_at": now, "due_at": now,
                }
                for payment in payments
            ]  # fmt: skip
            if rows:
                await session.execute(insert(ClientIntent).values(rows).on_conflict_do_nothing())
            for payment in payments:
                payment.agreement = "customer"
            wake(session)
        count += len(payments)
        if len(payments) < PAGE:
            return count
