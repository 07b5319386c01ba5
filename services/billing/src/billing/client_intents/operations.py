"""What becomes of intents whose secret a browser has: a decline is counted, and nobody tries another card with them.

Stripe lets whoever has the secret confirm an intent that is not paid, with any card and as often as they like.
"""

from collections.abc import Collection, Mapping
from datetime import timedelta
from uuid import UUID, uuid5

from processor import DeclinedCard
from servicekit import attempts, clock
from servicekit.database import wake
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from billing.card_attempts.models import CardAttempt
from billing.client_intents.models import ClientIntent

CUSTOMER_HAS = timedelta(days=1)
"""For how long a customer may take to prove themselves to their bank before the intent is given up."""


async def expose(
    session: AsyncSession, processor_id: str, organization_id: UUID, attempt_id: UUID, purchase: str
) -> None:
    """Notes, before it is given out, that a browser has an intent's secret. `purchase` is the mark it is counted by."""
    now = clock.wall()
    row = insert(ClientIntent).values(
        processor_id=processor_id,
        organization_id=organization_id,
        attempt_id=attempt_id,
        purchase=purchase,
        created_at=now,
        due_at=now + CUSTOMER_HAS,
    )
    await session.execute(row.on_conflict_do_nothing())


async def decline(session: AsyncSession, declined: Mapping[str, DeclinedCard | None]) -> None:
    """Of some intents the card was declined: counts each decline once, and has those that are exposed canceled."""
    for intent in await _locked(session, declined):
        tried = declined[intent.processor_id]
        if intent.declined_as is None:
            intent.declined_as = tried.id if tried is not None else ""
            intent.due_at = clock.wall()
            await attempts.failed(session, CardAttempt, intent.attempt_id)
            wake(session)
        elif tried is not None and tried.id != intent.declined_as:
            await _count_again(session, intent, tried)


async def _count_again(session: AsyncSession, intent: ClientIntent, tried: DeclinedCard) -> None:
    also = [intent.purchase, f"organization {intent.organization_id}"]
    if tried.fingerprint is not None:
        also.append(f"card {tried.fingerprint}")
    again = uuid5(intent.attempt_id, tried.id)
    await attempts.failed_again(session, CardAttempt, intent.attempt_id, again, also, leaving_out="card ")


async def _locked(session: AsyncSession, ids: Collection[str]) -> list[ClientIntent]:
    if not ids:
        return []
    wanted = select(ClientIntent).where(ClientIntent.processor_id.in_(ids)).order_by(ClientIntent.processor_id)
    return list((await session.execute(wanted.with_for_update())).scalars())
