"""Stripe's call-backs about disputes: the only way in which a dispute begins here."""

from datetime import timedelta
from typing import Any

from servicekit.consumers import Retry
from sqlalchemy.ext.asyncio import AsyncSession

from billing.disputes import operations
from billing.processor_events.handlers import on

SOON = timedelta(seconds=5)


@on(
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.funds_reinstated",
    "charge.dispute.closed",
)
async def follow_dispute(session: AsyncSession, said: dict[str, Any], kind: str) -> None:
    """Writes down how a dispute stands. Raises `Retry` while its payment is not known: it may overtake the purchase."""
    if not await operations.hear(session, said):
        raise Retry(SOON, f"the payment {said.get('payment_intent')} of dispute {said.get('id')} is not known")
