"""Bounds on the cards that are tried at checkouts; see `processor.card_testing` for the numbers."""

from collections.abc import Awaitable, Callable, MutableMapping
from uuid import UUID, uuid5

import structlog
from processor import (
    DeclinedCard,
    ProcessorRefused,
    ProcessorUnavailable,
    StripeProcessor,
    card_testing,
    is_test_method,
)
from processor.card_testing import ALERT_LEAST, ALERT_PERCENT, ATTACK_LEAST, ATTACK_PERCENT
from servicekit import attempts, clock, metrics, outbox, telemetry
from servicekit.addresses import HOLDING, counted
from servicekit.attempts import KEPT, Bound, TooManyAttempts
from servicekit.errors import ServiceError
from servicekit.outside import AskOutside
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from checkout.buyer_attempts import events
from checkout.buyer_attempts.models import BuyerAttempt, DeclineAlert
from checkout.checkouts.models import Checkout
from checkout.payments.models import Payment

log = structlog.get_logger()
_refused = telemetry.counter(metrics.CARDS_REFUSED)
_alerts = telemetry.counter(metrics.DECLINE_RATE_EXCEEDED)

Cards = MutableMapping[str, str | None]
"""The fingerprints of the cards behind confirmation tokens, as far as they were asked for."""
Read = Callable[[], Awaitable[None]]
"""Asks for one of them, outside of any transaction."""


class PaymentUnavailable(ServiceError):
    """Stripe could not be asked. The payment goes on by itself, or when the request is repeated."""

    status_code = 503


async def begin(
    session: AsyncSession,
    checkout: Checkout,
    attempt_id: UUID,
    token: str,
    address: str | None,
    cards: Cards,
    read: Read,
) -> None:
    """Counts a card before it is tried: by its checkout, the client's address, the card and the seller.

    The caller has locked the checkout. What was declined too often already is refused before Stripe is asked which card
    it is. Raises `TooManyAttempts`, and `AskOutside` with `read` as long as `cards` does not have the token.
    """
    seller = _mark(checkout.organization_id)
    rate = await attempts.rate(session, BuyerAttempt, seller, ATTACK_PERCENT, ATTACK_LEAST)
    found = card_testing.bounds(
        f"checkout {checkout.id}",
        counted(address),
        counted(address, HOLDING),
        cards.get(token),
        is_under_attack=rate.exceeds(ATTACK_PERCENT, ATTACK_LEAST),
    )
    bounds = [Bound(mark, most) for mark, most in found.items()]
    try:
        if token in cards:
            await attempts.reserve(session, BuyerAttempt, attempt_id, bounds, card_testing.REFUSAL, also=[seller])
        else:
            await attempts.ensure_below(session, BuyerAttempt, attempt_id, bounds, card_testing.REFUSAL)
            raise AskOutside(read)
    except TooManyAttempts:
        _refused.add(1)
        raise


async def read_card(processor: StripeProcessor, token: str, cards: Cards) -> None:
    """Asks Stripe which card a token is for, and notes it in `cards`. Raises `PaymentUnavailable`."""
    try:
        cards[token] = await processor.fingerprint_of(token)
    except ProcessorRefused:
        cards[token] = None  # what is no token is declined, and counted
    except ProcessorUnavailable as error:
        raise PaymentUnavailable(
            "the payment processor could not be reached; repeat the request", headers={"Retry-After": "2"}
        ) from error


async def take_back(session: AsyncSession, attempt_id: UUID) -> None:
    """The card was not needed after all."""
    await attempts.succeeded(session, BuyerAttempt, attempt_id)


async def accepted(session: AsyncSession, payment: Payment) -> None:
    """The card was good: the attempt counts no more."""
    if not is_test_method(payment.confirmation_token):
        await attempts.succeeded(session, BuyerAttempt, payment.id)


async def declined(session: AsyncSession, payment: Payment) -> None:
    """The card was declined. Publishes, once an hour, that too many of the seller's were."""
    if is_test_method(payment.confirmation_token):
        return
    await attempts.failed(session, BuyerAttempt, payment.id)
    await _alert(session, payment.organization_id)


async def declined_again(session: AsyncSession, payment: Payment, tried: DeclinedCard) -> None:
    """Another card was declined at Stripe, of whoever has the secret of the payment's intent. Counted once."""
    also = [f"checkout {payment.checkout_id}", _mark(payment.organization_id)]
    if tried.fingerprint is not None:
        also.append(f"card {tried.fingerprint}")
    again = uuid5(payment.id, tried.id)
    await attempts.failed_again(session, BuyerAttempt, payment.id, again, also, leaving_out="card ")
    await _alert(session, payment.organization_id)


async def _alert(session: AsyncSession, organization_id: UUID) -> None:
    rate = await attempts.rate(session, BuyerAttempt, _mark(organization_id), ALERT_PERCENT, ALERT_LEAST)
    if not rate.exceeds(ALERT_PERCENT, ALERT_LEAST):
        return
    now = clock.wall()
    raised = (
        insert(DeclineAlert)
        .values(organization_id=organization_id, raised_at=now)
        .on_conflict_do_update(
            index_elements=[DeclineAlert.organization_id],
            set_={"raised_at": now},
            where=DeclineAlert.raised_at <= now - KEPT,
        )
        .returning(DeclineAlert.organization_id)
    )
    if (await session.execute(raised)).first() is None:
        return
    _alerts.add(1)
    log.warning("card_testing.suspected", organization_id=str(organization_id), declined=rate.failed)
    outbox.record(session, events.decline_rate_exceeded(organization_id, rate, now))


def _mark(organization_id: UUID) -> str:
    return f"organization {organization_id}"
