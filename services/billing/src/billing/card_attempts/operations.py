"""Bounds on the new cards that customers try; see `processor.card_testing` for the numbers.

Anybody is a customer who took something that is free. Cards that are saved already are not counted here.
"""

from uuid import UUID

from processor import ProcessorRefused, Status, StripeProcessor, card_testing, is_test_method
from processor.card_testing import ATTACK_LEAST, ATTACK_PERCENT
from servicekit import attempts, metrics, telemetry
from servicekit.addresses import HOLDING, counted
from servicekit.attempts import Bound, TooManyAttempts
from servicekit.database import Sessions

from billing.card_attempts.models import CardAttempt

_refused = telemetry.counter(metrics.CARDS_REFUSED)


async def begin(
    sessions: Sessions,
    processor: StripeProcessor,
    organization_id: UUID,
    purchase: str,
    attempt_id: UUID,
    token: str,
    address: str | None,
) -> None:
    """Counts a card before it is tried, in transactions of its own; once for each `attempt_id`.

    `purchase` is the mark of what the card is for. Stripe is asked which card it is when nothing else speaks against
    it. Raises `TooManyAttempts`, and `ProcessorUnavailable`.
    """
    if is_test_method(token):
        return  # there is no card behind it
    try:
        await _count(sessions, organization_id, purchase, attempt_id, None, address, is_final=False)
        try:
            card = await processor.fingerprint_of(token)
        except ProcessorRefused:
            card = None  # what is no token is declined, and counted
        await _count(sessions, organization_id, purchase, attempt_id, card, address, is_final=True)
    except TooManyAttempts:
        _refused.add(1)
        raise


async def _count(
    sessions: Sessions,
    organization_id: UUID,
    purchase: str,
    attempt_id: UUID,
    card: str | None,
    address: str | None,
    *,
    is_final: bool,
) -> None:
    seller = f"organization {organization_id}"
    async with sessions() as session:
        rate = await attempts.rate(session, CardAttempt, seller, ATTACK_PERCENT, ATTACK_LEAST)
        found = card_testing.bounds(
            purchase,
            counted(address),
            counted(address, HOLDING),
            card,
            is_under_attack=rate.exceeds(ATTACK_PERCENT, ATTACK_LEAST),
        )
        bounds = [Bound(mark, most) for mark, most in found.items()]
        if is_final:
            await attempts.reserve(session, CardAttempt, attempt_id, bounds, card_testing.REFUSAL, also=[seller])
        else:
            await attempts.ensure_below(session, CardAttempt, attempt_id, bounds, card_testing.REFUSAL)


async def end(sessions: Sessions, attempt_id: UUID, status: Status) -> None:
    """Notes how an attempt ended: declined cards go on counting, and so does what is not decided yet."""
    async with sessions() as session:
        if status == "succeeded":
            await attempts.succeeded(session, CardAttempt, attempt_id)
        elif status == "declined":
            await attempts.failed(session, CardAttempt, attempt_id)
