"""Stripe's call-backs about our payments end where the answers to our charges end."""

from typing import Any
from uuid import UUID

from processor import is_brief, outcome_of
from sqlalchemy.ext.asyncio import AsyncSession

from billing.payments import collect
from billing.processor_events.handlers import on


@on("payment_intent.succeeded", "payment_intent.payment_failed", "payment_intent.canceled")
async def follow_payment(session: AsyncSession, said: dict[str, Any], kind: str) -> None:
    """Settles the payment that an intent names in its metadata; one of somebody else is left alone.

    Where it was paid, and the call-back overtook the answer that says with which card and at what fee, Stripe is asked.
    """
    try:
        payment_id = UUID((said.get("metadata") or {}).get("payment_id", ""))
    except ValueError:
        return
    if not is_brief(said) or not await collect.ask_now(session, payment_id, said["id"]):
        await collect.settle(session, payment_id, outcome_of(said))
