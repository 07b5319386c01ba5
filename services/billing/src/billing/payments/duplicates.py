"""Payments that came for an order which was paid, or void, already: they are given back, and the ledger has both.

The API shows a return as a refund of the payment, with the payment's id and the reason `duplicate`. It is derived from
the payment, and counts in no amount of the order: the order was never paid with it.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from contracts import billing as contracts
from contracts.billing import RefundCreatedV1, RefundUpdatedV1
from processor import Refund, RefundOutcome, StripeProcessor, refund_of
from servicekit import clock, clocks, outbox
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.ledger import operations as ledger
from billing.mails import operations as mails
from billing.orders.models import Order
from billing.payments.models import DUPLICATE, Payment

log = structlog.get_logger()
ASK_LATER = timedelta(hours=1)
TRY_AGAIN = timedelta(days=1)
STANDING = ("pending", "succeeded")


async def ask(processor: StripeProcessor, payment: Payment) -> RefundOutcome | None:
    """Has all of a payment given back, or finds what became of that. None: it was given back before, by somebody else.

    May be repeated: what stands is not made again. Raises `ProcessorUnavailable` or `ProcessorRefused`.
    """
    made = await processor.refunds_of(payment.processor_id or "")
    standing = [one for one in made if one.status in STANDING]
    if standing:
        return standing[0]
    wish = Refund(f"duplicate:{payment.id}:{len(made)}", payment.processor_id or "", reason="duplicate")
    return await processor.refund(wish)


async def settle(session: AsyncSession, payment_id: UUID, status: str) -> None:
    """Writes down what Stripe said of such a refund: `pending`, `succeeded`, `failed` or `canceled`. Idempotent.

    What waits for Stripe goes by the machine's clock; what is published is dated by the organization's. One that had
    succeeded and fails after all is not tried again: somebody has to find another way to the customer.
    """
    held = select(Payment, clocks.instant_at(Payment.organization_id)).where(Payment.id == payment_id)
    row = (await session.execute(held.with_for_update(of=Payment))).one()
    payment = row.Payment
    clocks.stand(payment.organization_id, row.instant)
    now, before = clock.now(), payment.return_status
    match payment.status, status:
        case "duplicate", "succeeded" if payment.due_at is not None:
            payment.status, payment.due_at, payment.modified_at = "refunded", None, now
            ledger.record_return(session, payment, now)
        case "duplicate", "pending" if payment.due_at is not None:
            payment.due_at = clock.wall() + ASK_LATER
            if payment.return_announced_at is None:
                await _announce(session, payment, now)
        case "duplicate", _ if payment.due_at is not None:
            log.error("payment.not_returned", payment_id=str(payment.id), refund=status)
            payment.due_at = clock.wall() + TRY_AGAIN
        case "refunded", "failed" | "canceled":
            log.error("payment.came_back", payment_id=str(payment.id), refund=status)
            payment.status, payment.modified_at = "duplicate", now
            ledger.reverse_return(session, payment, now)
    if payment.return_status != before:
        await _announce(session, payment, now)


async def stop(session: AsyncSession, payment: Payment) -> None:
    """Gives a locked duplicate back no more: the customer's bank has, in a dispute that is lost."""
    now, before = clock.now(), payment.return_status
    payment.due_at, payment.modified_at = None, now
    if payment.return_status != before:
        await _announce(session, payment, now)


def shape(payment: Payment, subscription_id: UUID | None) -> contracts.Refund:
    """The public shape of a duplicate's return. `subscription_id` is that of the payment's order."""
    assert payment.order_id is not None
    return contracts.Refund(
        id=payment.id,
        created_at=payment.duplicate_at or payment.modified_at or payment.created_at,
        modified_at=payment.modified_at,
        metadata={},
        status=payment.return_status,
        reason="duplicate",
        amount=payment.amount,
        tax_amount=0,
        currency=payment.currency,
        organization_id=payment.organization_id,
        order_id=payment.order_id,
        payment_id=payment.id,
        subscription_id=subscription_id,
        customer_id=payment.customer_id,
        revoke_benefits=False,
        dispute=None,
    )


async def _announce(session: AsyncSession, payment: Payment, now: datetime) -> None:
    """Publishes `refund.created` with the first outcome of a return, then `refund.updated`."""
    is_first = payment.return_announced_at is None
    payment.return_announced_at = payment.return_announced_at or now
    await session.flush()
    order = await session.get_one(Order, payment.order_id)
    data = shape(payment, order.subscription_id)
    contract = RefundCreatedV1 if is_first else RefundUpdatedV1
    event = contract(subject=payment.id, organization_id=payment.organization_id, time=now, data=data)
    outbox.record(session, event)
    if payment.return_status == "succeeded":
        await mails.write_refund(session, order, payment.id, payment.amount)


async def hear(session: AsyncSession, told: dict[str, Any]) -> None:
    """What a call-back says of a refund (Stripe's object), if it is of such a payment, and of all of it."""
    outcome = refund_of(told)
    mine = select(Payment.id).where(
        Payment.processor_id == outcome.payment_intent,
        Payment.status.in_(DUPLICATE),
        Payment.amount == outcome.amount,
    )
    payment_id = (await session.execute(mine)).scalar_one_or_none()
    if payment_id is not None:
        await settle(session, payment_id, outcome.status)
