"""Stripe's call-backs about cards that are kept: a set-up that a browser confirmed itself, and was declined."""

from typing import Any

from processor import setup_of
from sqlalchemy.ext.asyncio import AsyncSession

from billing.client_intents import operations
from billing.processor_events.handlers import on


@on("setup_intent.setup_failed")
async def follow_setup(session: AsyncSession, said: dict[str, Any], kind: str) -> None:
    """Counts the decline and has the set-up canceled; one whose secret we gave to nobody is left alone."""
    outcome = setup_of(said)
    if outcome.status == "declined" and outcome.processor_id is not None:
        await operations.decline(session, {outcome.processor_id: outcome.tried})
