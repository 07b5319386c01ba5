"""Disputes, as Stripe's call-backs tell of them, and what they take: the money, then the access."""

from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog
from contracts.billing import OrderUpdatedV1
from processor import DisputeState, ProcessorRefused, ProcessorUnavailable, StripeProcessor, dispute_of
from servicekit import clock, clocks, ids, outbox
from servicekit.auth import Principal
from servicekit.database import Sessions
from servicekit.errors import ResourceNotFound, ServiceError
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.customers import balances
from billing.customers.models import Customer
from billing.disputes import queries
from billing.disputes.models import OPEN, Dispute, status_of
from billing.disputes.schemas import DisputeRead
from billing.ledger import operations as ledger
from billing.mails import operations as mails
from billing.orders import events as order_events
from billing.orders import queries as orders
from billing.orders.amounts import tax_of_part
from billing.orders.models import Order
from billing.payments import duplicates
from billing.payments.models import Payment
from billing.refunds.amounts import tax_of_dispute
from billing.subscriptions import operations as subscriptions

log = structlog.get_logger()
ASK_AGAIN = timedelta(seconds=10)
LOOK_AGAIN = timedelta(hours=6)
"""How often Stripe is asked about a dispute that is open: a call-back may never come."""


class DisputeUnavailable(ServiceError):
    """Stripe could not be asked. The dispute is conceded by itself, or when the request is repeated."""

    status_code = 503


async def get(session: AsyncSession, principal: Principal, id: UUID) -> DisputeRead:
    """Raises `ResourceNotFound`."""
    dispute = await queries.find(session, principal, id)
    if dispute is None:
        raise ResourceNotFound()
    return queries.shown_with(dispute, await session.get_one(Customer, dispute.customer_id))


async def accept(sessions: Sessions, processor: StripeProcessor, principal: Principal, id: UUID) -> DisputeRead:
    """Concedes a dispute. The wish is written down first, so that it happens even if this process dies.

    Raises `ResourceNotFound`, `DisputeNotOpenError`, or `DisputeUnavailable`.
    """
    async with sessions() as session:
        dispute = await queries.find(session, principal, id, lock=True)
        if dispute is None:
            raise ResourceNotFound()
        dispute.accept(clock.now())
        dispute.due_at = clock.wall() + 3 * ASK_AGAIN
    try:
        await ask(sessions, processor, dispute)
    except ProcessorUnavailable as error:
        raise DisputeUnavailable(
            "the payment processor could not be reached; the dispute is conceded by itself",
            headers={"Retry-After": "10"},
        ) from error
    async with sessions() as session:
        return await get(session, principal, id)


async def ask(sessions: Sessions, processor: StripeProcessor, dispute: Dispute) -> None:
    """Concedes a dispute that the merchant accepted, or asks how another stands. Raises `ProcessorUnavailable`."""
    told = None
    if dispute.accepted_at is not None and dispute.status in OPEN:
        with suppress(ProcessorRefused):  # it was closed meanwhile
            told = await processor.accept_dispute(dispute.processor_id, f"dispute:{dispute.id}:accept")
    if told is None:
        told = await processor.retrieve_dispute(dispute.processor_id)
    async with sessions() as session:
        await settle(session, told)


async def hear(session: AsyncSession, told: dict[str, Any]) -> bool:
    """What a call-back says of a dispute (Stripe's object). Returns False when its payment is not known (yet)."""
    return await settle(session, dispute_of(told))


async def settle(session: AsyncSession, told: DisputeState) -> bool:
    """Writes down what Stripe said of a dispute: the one operation behind answers, call-backs and the timer.

    Only steps forward count. Returns False when the payment it is about is not known (yet): a call-back may overtake
    the purchase.
    """
    found = select(
        Payment.id, Payment.customer_id, Payment.order_id, Payment.organization_id,
        clocks.instant_at(Payment.organization_id),
    )  # fmt: skip
    row = (await session.execute(found.where(Payment.processor_id == told.payment_intent))).one_or_none()
    if row is None or row.order_id is None:
        return False
    clocks.stand(row.organization_id, row.instant)
    customer = await _locked(session, Customer, Customer.id == row.customer_id)
    order = await _locked(session, Order, Order.id == row.order_id)
    payment = await _locked(session, Payment, Payment.id == row.id)
    dispute = await _locked(session, Dispute, Dispute.processor_id == told.processor_id)
    now = clock.now()
    is_new = dispute is None
    if dispute is None:
        dispute = _opened(order, payment, told)
        session.add(dispute)
    elif dispute.is_news(status_of(told.status)):
        dispute.status, dispute.modified_at = status_of(told.status), now
    if not is_new and dispute.withdrawn_at is None and told.amount != dispute.total:
        # An early warning was answered by a refund in part: the bank takes less than it had asked about.
        dispute.amount, dispute.tax_amount = _parts(order, payment, told)
    dispute.reason = told.reason or dispute.reason
    dispute.evidence_due_by = told.evidence_due_by or dispute.evidence_due_by
    dispute.due_at = clock.wall() + LOOK_AGAIN if dispute.status in OPEN else None
    await session.flush()
    await _book(session, order, payment, customer, dispute, told)
    if is_new and dispute.status in OPEN:
        await mails.notify_of_dispute(session, order, dispute)
    return True


def _parts(order: Order, payment: Payment, told: DisputeState) -> tuple[int, int]:
    """What is disputed before tax, and its tax, in minor units."""
    tax = tax_of_dispute(told.amount, left=payment.amount - payment.refunded_amount, left_tax=_tax_left(order, payment))
    return told.amount - tax, tax


def _opened(order: Order, payment: Payment, told: DisputeState) -> Dispute:
    amount, tax = _parts(order, payment, told)
    return Dispute(
        id=ids.uuid7(),
        organization_id=order.organization_id,
        created_at=told.created_at,
        order_id=order.id,
        payment_id=payment.id,
        customer_id=order.customer_id,
        processor_id=told.processor_id,
        status=status_of(told.status),
        reason=told.reason,
        amount=amount,
        tax_amount=tax,
        fee_amount=0,
        currency=told.currency,
    )


def _tax_left(order: Order, payment: Payment) -> int:
    """The tax in what is left of a payment, in minor units: of the part of the order that it paid, less refunds.

    None is in a payment that came for an order which was paid, or void, already.
    """
    if payment.status != "succeeded":
        return 0
    paid = tax_of_part(order.charged_amount, total=order.total_amount, tax=order.tax_amount)
    return max(0, paid - order.refunded_tax_amount)


async def _book(
    session: AsyncSession, order: Order, payment: Payment, customer: Customer, dispute: Dispute, told: DisputeState
) -> None:
    """Writes down what moved, each once, and takes what was sold when the dispute is lost."""
    now = clock.now()
    moved = told.balance_transactions
    if dispute.withdrawn_at is None and any(one["amount"] < 0 for one in moved):
        dispute.withdrawn_at, dispute.fee_amount = now, sum(one.get("fee") or 0 for one in moved)
        ledger.withdraw_dispute(session, dispute, now)
    if dispute.withdrawn_at is None:
        return
    if dispute.reinstated_at is None and any(one["amount"] > 0 for one in moved):
        dispute.reinstated_at = now
        ledger.reinstate_dispute(session, dispute, now)
    if dispute.status == "lost" and dispute.charged_at is None:
        dispute.charged_at = now
        log.warning("dispute.lost", dispute_id=str(dispute.id), order_id=str(order.id))
        if payment.status == "duplicate":
            await duplicates.stop(session, payment)
        elif payment.status == "succeeded":
            await _take_back(session, order, customer)
            await _recover_credit(session, order, customer, dispute)
        ledger.charge_dispute(session, dispute, now, is_duplicate=payment.status == "duplicate")


async def _take_back(session: AsyncSession, order: Order, customer: Customer) -> None:
    """What a lost payment bought ends: the subscription, or the benefits of a one-time order."""
    if order.subscription_id is not None:
        if not await subscriptions.end_at_once(session, customer, order.subscription_id):
            log.info("dispute.subscription_ended_already", subscription_id=str(order.subscription_id))
        return
    if order.benefits_revoked_at is None:
        now = clock.now()
        order.benefits_revoked_at = order.modified_at = now
        await session.flush()
        shown = (await orders.shapes(session, [order]))[0]
        outbox.record(session, order_events.told(OrderUpdatedV1, order, shown, now))


async def _recover_credit(session: AsyncSession, order: Order, customer: Customer, dispute: Dispute) -> None:
    """Takes back the credit that was given for a payment which the bank has given back: nobody gets it twice.

    That is what refunds, lost disputes and credits exceed the order's bill by, less what an earlier dispute of the
    order took for it, as far as the customer still has it: no debt remains, since a card is not charged again for what
    its bank gave back. `order` is as after the subscription's end, which drops credits that waited.
    """
    await session.flush()
    await session.refresh(order, ["credited_amount", "credited_tax_amount"])
    earlier = select(Dispute).where(
        Dispute.order_id == order.id, Dispute.id != dispute.id, Dispute.unrecovered_amount.is_not(None)
    )
    lost, taken_before = dispute.total, 0
    for one in (await session.execute(earlier)).scalars():
        lost += one.total
        taken_before += (one.recovered_amount or 0) + (one.recovered_tax_amount or 0) + (one.unrecovered_amount or 0)
    over = order.refunded_total + lost + order.credited_total - order.billed_total - taken_before
    over = max(0, min(over, dispute.total, order.credited_total - taken_before))
    balance = await balances.balance_of(session, customer.id, order.currency)
    taken = min(over, max(0, balance.amount if balance is not None else 0))
    tax = tax_of_part(taken, total=order.credited_total, tax=order.credited_tax_amount)
    dispute.recovered_amount, dispute.recovered_tax_amount = taken - tax, tax
    dispute.unrecovered_amount = over - taken
    balances.move(
        session, customer, balance, -taken, order.currency, reason="dispute", order_id=order.id, at=clock.now()
    )
    if over > taken:
        log.warning("dispute.credit_spent", dispute_id=str(dispute.id), amount=over - taken, currency=order.currency)


async def _locked(session: AsyncSession, model: Any, condition: Any) -> Any:
    statement = select(model).where(condition).with_for_update()
    return (await session.execute(statement)).scalar_one_or_none()
