"""What becomes of a payment: charging it, and writing down the outcome, wherever it is heard from."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog
from opentelemetry.trace import SpanKind
from processor import Charge, Outcome, ProcessorRefused, ProcessorUnavailable, Setup, SetupOutcome, StripeProcessor
from servicekit import clock, clocks, outbox, telemetry
from servicekit.database import Sessions, wake
from servicekit.errors import BadRequest
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from checkout.buyer_attempts import operations as buyer_attempts
from checkout.buyer_attempts.operations import PaymentUnavailable
from checkout.checkouts import buyers, queries
from checkout.checkouts import operations as checkouts
from checkout.checkouts.models import Checkout
from checkout.discounts import operations as discounts
from checkout.payments import events
from checkout.payments.models import Payment, ProcessorCustomer, StripeEvent
from checkout.settings import Settings
from checkout.trial_redemptions import operations as trial_redemptions
from checkout.trial_redemptions.operations import TrialAlreadyRedeemed

log = structlog.get_logger()
ASK_AGAIN = timedelta(seconds=10)
BUYER = "buyer_email"
"""In a payment's facts: the e-mail with which the buyer confirmed this attempt."""
TERMS = "terms"
"""In a payment's facts: what was bought by this attempt (`Checkout.terms`)."""
TRIED = "declined_attempt"
"""In a failed payment's facts: Stripe's id of the decline that is counted as this attempt; empty if it had none."""
BUYER_HAS = timedelta(hours=1)
"""For how long a buyer may take to prove themselves to their bank before Stripe is asked again."""
GIVEN_UP = timedelta(days=1)
"""After so long they are not waited for: the intent is canceled, and the checkout is open again."""


class PaymentError(BadRequest):
    """The payment was declined; `decline_code` says why in Stripe's words. The checkout is open again."""


def declined(payment: Payment) -> PaymentError | TrialAlreadyRedeemed:
    """The error that a declined payment is answered with."""
    if payment.decline_code == trial_redemptions.REDEEMED:
        return TrialAlreadyRedeemed(payment.decline_message or "You have had a trial already")
    return PaymentError(payment.decline_message or "The payment was declined.", decline_code=payment.decline_code)


async def of_attempt(session: AsyncSession, checkout_id: UUID, attempt: int) -> Payment:
    """The payment of a checkout's attempt."""
    statement = select(Payment).where(Payment.checkout_id == checkout_id, Payment.attempt == attempt)
    return (await session.execute(statement)).scalar_one()


async def by_id(session: AsyncSession, payment_id: UUID) -> Payment:
    """A payment."""
    return (await session.execute(select(Payment).where(Payment.id == payment_id))).scalar_one()


async def charge(sessions: Sessions, processor: StripeProcessor, settings: Settings, payment_id: UUID) -> None:
    """Sends a payment to Stripe and writes down the outcome. May be repeated: the key stays the same.

    Raises `PaymentError` when it was declined, `PaymentUnavailable` when it is not known what became of it.
    """
    async with sessions() as session:
        payment = await by_id(session, payment_id)
        checkout = await queries.locked(session, payment.checkout_id)
        email, name = checkout.customer_email or "", checkout.customer_name
        known = await session.get(ProcessorCustomer, payment.customer_id) if payment.saves_method else None
    metadata = {
        "checkout_id": str(payment.checkout_id),
        "attempt": str(payment.attempt),
        "organization_id": str(payment.organization_id),
        "payment_id": str(payment.id),
    }
    try:
        customer = known.processor_id if known else None
        if payment.saves_method and customer is None:
            customer = await _create_customer(sessions, processor, payment, email, name)
        if payment.amount == 0:
            outcome = await _keep_card(processor, payment, metadata, customer or "")
        elif payment.processor_id is not None:
            ask = processor.cancel if _is_given_up(payment) else processor.retrieve
            outcome = await ask(payment.processor_id)
        else:
            wish = Charge(
                payment.idempotency_key,
                payment.amount,
                payment.currency,
                payment.confirmation_token,
                metadata,
                customer,
            )
            with telemetry.span("charge", SpanKind.CLIENT):
                outcome = await processor.charge(wish)
    except (ProcessorUnavailable, ProcessorRefused) as error:
        raise PaymentUnavailable(
            "the payment processor could not be reached; the payment goes on when the request is repeated",
            headers={"Retry-After": "2"},
        ) from error
    async with sessions() as session:
        settled = await settle(session, payment_id, outcome, settings)
    if settled.status == "failed":
        raise declined(settled)


def _is_given_up(payment: Payment) -> bool:
    """Whether the buyer did not answer their bank for so long that the intent is canceled, if it was not paid."""
    return payment.status == "requires_action" and payment.written_at <= clock.wall() - GIVEN_UP


async def _keep_card(processor: StripeProcessor, payment: Payment, metadata: dict[str, str], customer: str) -> Outcome:
    """A payment of nothing: the card is kept for what comes after the trial."""
    if payment.processor_id is not None:
        ask = processor.cancel_setup if _is_given_up(payment) else processor.retrieve_setup
        setup = await ask(payment.processor_id)
    else:
        setup = await processor.set_up(Setup(payment.idempotency_key, customer, metadata, payment.confirmation_token))
    return await kept(processor, setup, customer)


async def kept(processor: StripeProcessor, setup: SetupOutcome, customer: str) -> Outcome:
    """What a set-up says, as the outcome of a payment of nothing, with what is known of the card."""
    facts: dict[str, Any] = {}
    if setup.status == "succeeded" and setup.payment_method is not None:
        method = await processor.retrieve_method(setup.payment_method)
        shown = {name: method.metadata.get(name) for name in ("brand", "last4") if method.metadata.get(name)}
        facts = {
            "method": method.type,
            "method_metadata": shown,
            "method_details": {name: value for name, value in method.metadata.items() if name != "fingerprint"},
            "fingerprint": method.metadata.get("fingerprint"),
            "customer": method.customer or customer,
            "payment_method": method.processor_id,
        }
    return replace(not_kept(setup), facts=facts)


def not_kept(setup: SetupOutcome) -> Outcome:
    """What a set-up says, as the outcome of a payment of nothing, without the card."""
    return Outcome(
        setup.status, setup.processor_id, setup.decline_code, setup.message, setup.client_secret, tried=setup.tried
    )


async def _create_customer(
    sessions: Sessions, processor: StripeProcessor, payment: Payment, email: str, name: str | None
) -> str:
    about = {"customer_id": str(payment.customer_id), "organization_id": str(payment.organization_id)}
    created = await processor.create_customer(f"customer:{payment.checkout_id}:{payment.attempt}", email, name, about)
    async with sessions() as session:
        row = insert(ProcessorCustomer).values(customer_id=payment.customer_id, processor_id=created)
        await session.execute(row.on_conflict_do_nothing())
        known = await session.get(ProcessorCustomer, payment.customer_id)
    return known.processor_id if known else created


async def settle(session: AsyncSession, payment_id: UUID, outcome: Outcome, settings: Settings) -> Payment:
    """Writes down what Stripe said of a payment: the one operation behind the answer, the call-back and the timer.

    The checkout is locked first, so that all of them come one after the other; the first final outcome counts.
    """
    statement = select(Payment.checkout_id, Payment.organization_id, clocks.instant_at(Payment.organization_id))
    row = (await session.execute(statement.where(Payment.id == payment_id))).one()
    clocks.stand(row.organization_id, row.instant)
    checkout = await queries.locked(session, row.checkout_id)
    payment = (await session.execute(select(Payment).where(Payment.id == payment_id).with_for_update())).scalar_one()
    if payment.status not in {"open", "requires_action", "failed"}:
        return payment
    if payment.status == "failed" and outcome.status != "succeeded":
        tried = outcome.tried
        if tried is not None and payment.facts.get(TRIED, tried.id) != tried.id:
            await buyer_attempts.declined_again(session, payment, tried)
        return payment
    now, wall = clock.now(), clock.wall()  # what waits for Stripe waits by the clock that Stripe knows
    payment.modified_at = now
    payment.processor_id = payment.processor_id or outcome.processor_id
    payment.facts = {**payment.facts, **outcome.facts}
    is_current = checkout.status == "confirmed" and checkout.attempt == payment.attempt
    keeps_card = outcome.status == "succeeded" and not payment.amount and is_current
    if keeps_card and await trial_redemptions.is_second(session, checkout, outcome.facts.get("fingerprint")):
        # It was kept for a trial: nothing was charged, so that it may still be refused.
        message = "This card has had a trial already"
        outcome = Outcome("declined", outcome.processor_id, trial_redemptions.REDEEMED, message)
    match outcome.status:
        case "open":
            payment.due_at = wall + ASK_AGAIN
        case "requires_action":
            payment.status, payment.due_at = "requires_action", wall + BUYER_HAS
            if is_current:
                checkout.processor_metadata = {
                    "intent_status": "requires_action",
                    "intent_client_secret": outcome.client_secret or "",
                }
                checkouts.tell(session, checkout, settings)
        case "declined":
            # A browser that has the intent's secret could go on trying cards at Stripe: a timer cancels the intent.
            is_exposed = payment.status == "requires_action"
            payment.status, payment.due_at = "failed", wall if is_exposed else None
            payment.facts = {**payment.facts, TRIED: outcome.tried.id if outcome.tried else ""}
            payment.decline_code, payment.decline_message = outcome.decline_code, outcome.message
            if is_exposed:
                wake(session)
            await buyer_attempts.declined(session, payment)
            if is_current:
                checkout.reopen(now)
                checkouts.tell(session, checkout, settings)
        case "succeeded":
            await buyer_attempts.accepted(session, payment)
            if not is_current and not payment.amount:
                # Nothing was charged: who wants what the checkout offers now confirms it.
                payment.status, payment.due_at = "failed", None
                payment.facts = {**payment.facts, TRIED: ""}
            elif checkout.status == "succeeded" or not (is_current or _pays_for(payment, checkout)):
                log.error("payment.duplicate", payment_id=str(payment.id), checkout_id=str(checkout.id))
                payment.status, payment.due_at = "duplicate", wall
            else:
                payment.status, payment.due_at = "succeeded", None
                if not is_current:
                    # An attempt that was given up is paid after all: by, and for, whoever confirmed it.
                    checkout.customer_id = payment.customer_id
                    checkout.customer_email = payment.facts.get(BUYER, checkout.customer_email)
                    await discounts.redeem_paid(session, checkout.discount_id, checkout.id, payment.customer_id)
                checkout.is_new_customer = (
                    is_current
                    and checkout.is_new_customer
                    and await buyers.is_new(session, checkout, payment.customer_id)
                )
                checkouts.succeed(session, checkout, payment, settings)
    await session.flush()
    if payment.status in ("failed", "duplicate"):
        await _release_discount(session, checkout)
    return payment


async def close(session: AsyncSession, payment_id: UUID) -> None:
    """Nobody can pay a failed payment any more: its intent is canceled. What it had of a discount is given back."""
    payment = await by_id(session, payment_id)
    checkout = await queries.locked(session, payment.checkout_id)
    await session.refresh(payment, with_for_update=True)
    if payment.status == "failed":
        payment.due_at = None
        await session.flush()
        await _release_discount(session, checkout)


async def _release_discount(session: AsyncSession, checkout: Checkout) -> None:
    """Gives back what a checkout, which is locked, has of a discount, unless it may still be paid with it.

    The intent of a declined payment whose secret a browser has can be paid until it is canceled: until then nobody else
    takes the last redemption.
    """
    if checkout.status not in ("open", "expired"):
        return
    payable = select(Payment.id).where(
        Payment.checkout_id == checkout.id, Payment.status == "failed", Payment.due_at.is_not(None)
    )
    if (await session.execute(payable.limit(1))).first() is None:
        await discounts.release(session, checkout.id)


def _pays_for(payment: Payment, checkout: Checkout) -> bool:
    """Whether a checkout still offers what an attempt that was given up was confirmed for.

    The buyer may have chosen another product, more seats or no discount since: the earlier amount does not pay for it.
    The released version wrote down the amount alone.
    """
    due = (payment.amount, payment.currency) == (checkout.total_amount, checkout.currency)
    return due and payment.facts.get(TERMS, checkout.terms) == checkout.terms


async def ask_now(session: AsyncSession, payment_id: UUID, processor_id: str) -> bool:
    """Has the timer ask Stripe at once about a payment that is not settled yet, by Stripe's name of it.

    Returns whether it will be asked about.
    """
    payment = (await session.execute(select(Payment).where(Payment.id == payment_id).with_for_update())).scalar_one()
    if payment.status not in ("open", "requires_action"):
        return False
    payment.processor_id = payment.processor_id or processor_id
    payment.due_at = clock.wall()
    wake(session)
    return True


async def judge(session: AsyncSession, payment_id: UUID, judged: dict[str, Any] | None) -> None:
    """Keeps what Radar and the bank said of a payment's card that was declined, whenever it comes."""
    payment = (await session.execute(select(Payment).where(Payment.id == payment_id).with_for_update())).scalar_one()
    if judged is not None and payment.status in ("open", "requires_action", "failed"):
        payment.facts = {**payment.facts, "outcome": judged}


FOR_OTHERS = (
    "payment_intent.",
    "charge.failed",
    "refund.",
    "charge.refund",
    "charge.dispute.",
    "setup_intent.",
    "payment_method.",
)
"""Call-backs that are told of when they are not about a payment of a checkout."""


async def receive(session: AsyncSession, event: dict[str, Any], payment_id: UUID | None) -> bool:
    """Notes a call-back of Stripe, once. Returns whether it is new and about a payment of ours.

    What is new and not ours is told to those whose it is.
    """
    event_id, kind = event["id"], event["type"]
    row = insert(StripeEvent).values(id=event_id, type=kind, received_at=clock.now())
    written = await session.execute(row.on_conflict_do_nothing().returning(StripeEvent.id))
    if written.first() is None:
        return False
    if payment_id is not None:
        ours = await session.execute(select(Payment.id).where(Payment.id == payment_id))
        if ours.first() is not None:
            return True
    if kind.startswith(FOR_OTHERS):
        outbox.record(session, events.processor_event(event))
    return False
