"""Giving money back. It moves between two transactions: what is wished is reserved and committed, then Stripe is asked,
then what it said is written down; a timer and Stripe's call-backs end in the same operation.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from contracts import billing as contracts
from contracts.billing import OrderRefundedV1, OrderUpdatedV1, RefundCreatedV1, RefundUpdatedV1
from pricing.currencies import step
from processor import ProcessorRefused, ProcessorUnavailable, RefundOutcome, StripeProcessor, refund_of
from processor import Refund as Wish
from servicekit import clock, clocks, ids, outbox
from servicekit.auth import Principal
from servicekit.database import Sessions
from servicekit.errors import BadRequest, InvalidInput, NotPermitted
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.customers import balances
from billing.customers.models import Customer
from billing.disputes import queries as disputes
from billing.disputes.models import Dispute
from billing.ledger import operations as ledger
from billing.mails import operations as mails
from billing.orders import events as order_events
from billing.orders import queries as orders
from billing.orders.models import Order
from billing.payments.models import Payment
from billing.refunds import events, queries
from billing.refunds.amounts import tax_of_refund
from billing.refunds.models import RELEASED, Refund
from billing.refunds.schemas import RefundCreate
from billing.tax_transactions import operations as tax_transactions

log = structlog.get_logger()
REASONS = {"duplicate": "duplicate", "fraudulent": "fraudulent"}
"""Stripe's words for the reasons; the others are `requested_by_customer`."""
ASK_AGAIN = timedelta(seconds=10)
ASK_LATER = timedelta(hours=1)
"""How often Stripe is asked about a refund that it says is pending; its call-back usually comes first."""


@dataclass(frozen=True)
class Said:
    """What the processor said of a refund. Failed without an id at the processor, it was refused: there is none."""

    status: str
    processor_id: str | None = None
    failure_reason: str | None = None

    @classmethod
    def of(cls, outcome: RefundOutcome) -> "Said":
        """Of an answer or a call-back. What waits for the customer (`requires_action`) is pending."""
        status = outcome.status if outcome.status in {"succeeded", "failed", "canceled"} else "pending"
        return cls(status, outcome.processor_id, outcome.failure_reason)


class RefundedAlready(NotPermitted):
    """Everything that was paid for this order was given back already, or is on its way."""


class CreditedAlready(NotPermitted):
    """What is left of the payment was given to the customer as credit, for time that this order billed."""


class DisputedOrder(NotPermitted):
    """The payment of this order is disputed: the bank has the money."""


class OrderNotPaid(NotPermitted):
    """Nothing was paid for this order."""


class RevokeBenefitsNotAllowed(BadRequest):
    """The benefits of a subscription end with the subscription."""


class RefundRefused(BadRequest):
    """The payment processor does not refund this payment; `processor_code` says why in its words."""


async def create(
    sessions: Sessions, processor: StripeProcessor, principal: Principal, wish: RefundCreate, refund_id: UUID
) -> contracts.Refund:
    """Refunds a part of an order, or all of it. `refund_id` is the same whenever the same wish is repeated.

    What the processor could not be asked about is answered `pending`, and finished by a timer. Raises `InvalidInput`,
    `RefundedAlready`, `CreditedAlready`, `DisputedOrder`, `OrderNotPaid`, `RevokeBenefitsNotAllowed`, or
    `RefundRefused`.
    """
    async with sessions() as session:
        refund = await reserve(session, principal, wish, refund_id)
    if refund.status == "pending" and refund.announced_at is None:
        await send(sessions, processor, refund)
    async with sessions() as session:
        refund, dispute = (await session.execute(_shown(refund_id))).one()
    if refund.status in RELEASED and refund.processor_id is None:
        _refuse(refund.failure_reason)
    return events.shape(refund, dispute)


def _refuse(code: str | None) -> None:
    if code == "charge_already_refunded":
        raise RefundedAlready("The payment processor has refunded this payment already")
    if code == "charge_disputed":
        raise DisputedOrder("The payment of this order is disputed")
    raise RefundRefused("The payment processor does not refund this payment", processor_code=code)


async def reserve(session: AsyncSession, principal: Principal, wish: RefundCreate, refund_id: UUID) -> Refund:
    """Writes the wish down and takes its amount off what may still be refunded.

    The customer is locked first, then the order and its payment, as everywhere: whoever gives credit for the order, or
    refunds it too, comes before or after, and what is left is read from rows under these locks. Returns the refund of
    this id where it was written before.
    """
    seen = await orders.find(session, principal, wish.order_id)
    if seen is None:
        raise InvalidInput(("body", "order_id"), "Order does not exist")
    await _locked(session, Customer, seen.customer_id)
    order: Order = await _locked(session, Order, seen.id)
    known = await session.get(Refund, refund_id)
    if known is not None:
        return known
    payment = await _payment_of(session, order)
    if payment is None or not order.is_paid:
        raise OrderNotPaid(_unpaid(order))
    if wish.revoke_benefits and order.subscription_id is not None:
        raise RevokeBenefitsNotAllowed("The benefits of a subscription end when the subscription is revoked")
    if await disputes.blocking(session, payment):
        raise DisputedOrder("The payment of this order is disputed")
    _ensure_refundable(order, wish.amount)
    warning = await disputes.warning_of(session, payment)
    now = clock.now()
    refund = Refund(
        id=refund_id,
        organization_id=order.organization_id,
        created_at=now,
        order_id=order.id,
        payment_id=payment.id,
        customer_id=order.customer_id,
        subscription_id=order.subscription_id,
        dispute_id=warning.id if warning else None,
        status="pending",
        reason=wish.reason,
        comment=wish.comment,
        amount=wish.amount,
        tax_amount=tax_of_refund(
            wish.amount,
            net=order.net_amount,
            tax=order.tax_amount,
            refunded=order.refunded_amount,
            refunded_tax=order.refunded_tax_amount,
            refundable=order.refundable_amount,
            step=step(order.currency),
            refundable_tax=order.refundable_tax_amount,
        ),
        currency=order.currency,
        balance_amount=0,
        revoke_benefits=wish.revoke_benefits,
        user_metadata=wish.metadata,
        due_at=clock.wall() + 3 * ASK_AGAIN,
    )
    session.add(refund)
    _reserve(order, payment, refund, 1)
    await session.flush()
    return refund


def _unpaid(order: Order) -> str:
    if order.is_paid and order.total_amount > 0:
        return "The customer's balance paid this order: there is no payment to give back"
    return "Nothing was paid for this order"


def _ensure_refundable(order: Order, amount: int) -> None:
    """Raises `RefundedAlready` or `CreditedAlready` when nothing is left to give back, else `InvalidInput` for more
    than there is; the message names what reduces it, in minor units."""
    credited, by_balance = order.credited_total, order.total_amount - order.charged_amount
    if order.refundable_total <= 0:
        if order.refunded_total >= order.charged_amount:
            raise RefundedAlready("This order was refunded already")
        raise CreditedAlready(
            f"Nothing is left to refund: {credited} of this order's total of {order.total_amount} was given to the "
            "customer as credit for time that was not used"
        )
    if amount > order.refundable_amount:
        message = f"Input should be less than or equal to {order.refundable_amount}, which is what is left of the order"
        if by_balance:
            message += f"; the customer's balance paid {by_balance} of its total"
        if credited:
            message += f"; {credited} of its total was given to the customer as credit"
        raise InvalidInput(("body", "amount"), message, "less_than_equal")
    if amount != order.refundable_amount and amount % step(order.currency):
        message = f"Input should be a multiple of {step(order.currency)} in {order.currency.upper()}"
        raise InvalidInput(("body", "amount"), message, "multiple_of")


def _reserve(order: Order, payment: Payment, refund: Refund, sign: int) -> None:
    now = clock.now()
    order.refund(sign * refund.amount, sign * refund.tax_amount, now)
    payment.refunded_amount += sign * refund.total
    payment.modified_at = now


async def send(sessions: Sessions, processor: StripeProcessor, refund: Refund, *, again: bool = False) -> None:
    """Asks the processor for a refund, and writes down what it says. May be repeated: the key stays the same.

    `again`: somebody may have asked before; the processor is first asked what it has, since keys are forgotten.
    """
    async with sessions() as session:
        payment = (await session.execute(select(Payment).where(Payment.id == refund.payment_id))).scalar_one()
    assert payment.processor_id is not None
    try:
        said = await _ask(processor, refund, payment.processor_id, again=again)
    except ProcessorUnavailable:
        said = Said("pending")
    except ProcessorRefused as refusal:
        said = Said("failed", failure_reason=refusal.code or "refused")
    async with sessions() as session:
        await settle(session, refund.id, said)


async def _ask(processor: StripeProcessor, refund: Refund, payment: str, *, again: bool) -> Said:
    """Raises `ProcessorUnavailable`, or `ProcessorRefused` for what Stripe does not give back."""
    if refund.processor_id is not None:
        return Said.of(await processor.retrieve_refund(refund.processor_id))
    outcome = await processor.find_refund(payment, str(refund.id)) if again else None
    if outcome is None:
        about = {"refund_id": str(refund.id), "order_id": str(refund.order_id)}
        reason = REASONS.get(refund.reason, "requested_by_customer")
        outcome = await processor.refund(Wish(refund.idempotency_key, payment, refund.total, reason, about))
    return Said.of(outcome) if outcome else Said("failed", failure_reason="charge_already_refunded")


async def hear(session: AsyncSession, told: dict[str, Any]) -> bool:
    """What a call-back says of a refund (Stripe's object). Returns False for one that is not of ours."""
    outcome = refund_of(told)
    try:
        named = UUID(outcome.metadata.get("refund_id", ""))
    except ValueError:
        named = None
    refund = await queries.of_processor(session, outcome.processor_id, named)
    if refund is None:
        return False
    await settle(session, refund.id, Said.of(outcome))
    return True


async def settle(session: AsyncSession, refund_id: UUID, said: Said) -> Refund:
    """Writes down what the processor said: the one operation behind the answer, the call-back and the timer.

    The customer is locked first, then the order, so that all come one after the other. Only steps forward count.
    """
    found = select(
        Refund.customer_id, Refund.order_id, Refund.organization_id, clocks.instant_at(Refund.organization_id)
    )
    row = (await session.execute(found.where(Refund.id == refund_id))).one()
    clocks.stand(row.organization_id, row.instant)
    customer: Customer = await _locked(session, Customer, row.customer_id)
    order: Order = await _locked(session, Order, row.order_id)
    refund: Refund = await _locked(session, Refund, refund_id)
    payment = await _locked(session, Payment, refund.payment_id)
    now = clock.now()
    refund.processor_id = refund.processor_id or said.processor_id
    previous, changed = refund.status, refund.is_news(said.status)
    if changed:
        refund.status, refund.failure_reason = said.status, said.failure_reason
        refund.modified_at, refund.due_at = now, None
        if said.status == "succeeded":
            ledger.record_refund(session, refund, now)
            await tax_transactions.keep_refund(session, refund)
        else:
            _reserve(order, payment, refund, -1)
            if previous == "succeeded":
                await _give_credit_back(session, customer, refund, now)
                ledger.reverse_refund(session, refund, now)
                await tax_transactions.drop_refund(session, refund)
                log.warning("refund.reversed", refund_id=str(refund.id), reason=refund.failure_reason)
    elif refund.status == "pending":
        refund.due_at = clock.wall() + (ASK_LATER if refund.processor_id else ASK_AGAIN)
    if not changed and refund.announced_at is not None:
        return refund
    await session.flush()
    await _mark(session, order, refund)
    await _tell(session, order, refund, gave=changed and refund.status == "succeeded")
    return refund


async def _give_credit_back(session: AsyncSession, customer: Customer, refund: Refund, at: datetime) -> None:
    """What an earlier release took off the customer's credit with a refund that failed after all."""
    if not refund.balance_amount:
        return
    balance = await balances.balance_of(session, customer.id, refund.currency)
    balances.move(
        session, customer, balance, refund.balance_amount, refund.currency, reason="refund",
        order_id=refund.order_id, at=at,
    )  # fmt: skip


async def _mark(session: AsyncSession, order: Order, refund: Refund) -> None:
    """The status of an order by what was given back of it, and whether its benefits are still owed."""
    order.mark_refunded(await queries.succeeded_of(session, order.id))
    if refund.revoke_benefits:
        taken = await queries.revokes_benefits(session, order.id)
        order.benefits_revoked_at = (order.benefits_revoked_at or clock.now()) if taken else None


async def _tell(session: AsyncSession, order: Order, refund: Refund, *, gave: bool) -> None:
    now = clock.now()
    created = refund.announced_at is None
    refund.announced_at = refund.announced_at or now
    await session.flush()
    dispute = await session.get(Dispute, refund.dispute_id) if refund.dispute_id else None
    data = events.shape(refund, dispute)
    outbox.record(session, events.told(RefundCreatedV1 if created else RefundUpdatedV1, refund, data, now))
    shown = (await orders.shapes(session, [order]))[0]
    outbox.record(session, order_events.told(OrderUpdatedV1, order, shown, now))
    if gave:
        outbox.record(session, order_events.told(OrderRefundedV1, order, shown, now))
        await mails.write_refund(session, order, refund.id, refund.amount + refund.tax_amount)


async def _payment_of(session: AsyncSession, order: Order) -> Payment | None:
    statement = select(Payment).where(
        Payment.order_id == order.id, Payment.status == "succeeded", Payment.processor_id.is_not(None)
    )
    statement = statement.order_by(Payment.created_at).limit(1).with_for_update()
    return (await session.execute(statement)).scalar_one_or_none()


async def _locked(session: AsyncSession, model: Any, id: UUID) -> Any:
    statement = select(model).where(model.id == id).with_for_update()
    return (await session.execute(statement)).scalar_one()


def _shown(refund_id: UUID) -> Any:
    return select(Refund, Dispute).outerjoin(Dispute, Dispute.id == Refund.dispute_id).where(Refund.id == refund_id)


def id_of(secret: str, owner: str, key: str | None) -> UUID:
    """The id of a refund: derived from the request's `Idempotency-Key`, so that a repetition finds the first's."""
    return ids.derive(secret, "refund", owner, key) if key else ids.uuid7()
