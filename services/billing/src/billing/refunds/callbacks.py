"""Stripe's call-backs about refunds end where the answers to ours end."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from billing.payments import duplicates
from billing.processor_events.handlers import on
from billing.refunds import operations


@on("refund.created", "refund.updated", "refund.failed", "charge.refund.updated")
async def follow_refund(session: AsyncSession, said: dict[str, Any], kind: str) -> None:
    """Settles the refund that a call-back is about; one that was made elsewhere is left alone."""
    if not await operations.hear(session, said):
        await duplicates.hear(session, said)
