"""Stripe's call-backs about our payments end where the answers to our charges end."""

from typing import Any
from uuid import UUID

from processor import is_brief, judgement_of, outcome_of
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from billing.payments import collect
from billing.payments.models import Payment
from billing.processor_events.handlers import on


@on("payment_intent.succeeded", "payment_intent.payment_failed", "payment_intent.canceled")
async def follow_payment(session: AsyncSession, said: dict[str, Any], kind: str) -> None:
    """Settles the payment that an intent names in its metadata; one of somebody else is left alone.

    Where it was paid, and the call-back overtook the answer that says with which card and at what fee, Stripe is asked.
    """
    payment_id = _payment_of(said)
    if payment_id is not None and (not is_brief(said) or not await collect.ask_now(session, payment_id, said["id"])):
        await collect.settle(session, payment_id, outcome_of(said))


@on("charge.failed")
async def keep_judgement(session: AsyncSession, said: dict[str, Any], kind: str) -> None:
    """Keeps what Radar and the bank said of a card that was declined, whenever it comes."""
    payment_id, judged = _payment_of(said), judgement_of(said)
    if payment_id is not None and judged is not None and await collect.lock_customer(session, payment_id):
        declined = Payment.id == payment_id, Payment.status.in_(("open", "failed"))
        await session.execute(update(Payment).where(*declined).values(processor_outcome=judged))


def _payment_of(said: dict[str, Any]) -> UUID | None:
    try:
        return UUID((said.get("metadata") or {}).get("payment_id", ""))
    except ValueError:
        return None
