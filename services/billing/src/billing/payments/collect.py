"""Collecting what an order is due, in two transactions with the charge between them.

`requests` writes the payment in the caller's transaction: open, due now. `collect` charges it outside of any, with a
key made of the order and the attempt. `settle` writes the outcome down, once, whoever brings it: the answer, a
call-back, or the timer that asks Stripe about what a crash left open.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

import structlog
from contracts.billing import OrderPaidV1, OrderUpdatedV1
from processor import Outcome, ProcessorRefused, ProcessorUnavailable, SavedCharge, StripeProcessor
from servicekit import clock, clocks
from servicekit.database import Sessions, wake
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.client_intents import operations as client_intents
from billing.customers.models import Customer
from billing.ledger.operations import record_duplicate
from billing.ledger.settlements import record_settlement
from billing.orders.create import tell
from billing.orders.models import Order
from billing.organizations.operations import shapes_of
from billing.payments.models import Payment
from billing.payments.requests import put_off
from billing.receipts import operations as receipts
from billing.subscriptions.models import Subscription
from billing.tax_transactions import operations as tax_transactions

log = structlog.get_logger()

ASK_AGAIN = timedelta(seconds=10)
CUSTOMER_HAS = timedelta(hours=1)
"""For how long a customer may take to prove themselves to their bank before Stripe is asked again."""
KEYS_LAST = timedelta(hours=23)
"""Stripe forgets an idempotency key after 24 hours; an older payment is looked for before it is charged."""
FINAL = ("succeeded", "duplicate", "refunded")
"""Statuses of a payment that no news changes."""

Locked = TypeVar("Locked", Customer, Order, Payment, Subscription)

NO_METHOD = Outcome("declined", None, "no_payment_method", "There is no saved payment method to charge.")

Failed = Callable[[AsyncSession, Order, Payment, Customer, Subscription | None, datetime], Awaitable[None]]
_failed: list[Failed] = []
Paid = Callable[[AsyncSession, Order, Customer, Subscription | None, datetime], Awaitable[None]]
_paid: list[Paid] = []


@dataclass(frozen=True)
class Settled:
    """An order, whose it is, and the payment that paid it: None where nothing was due. All of them are locked."""

    order: Order
    customer: Customer
    subscription: Subscription | None
    payment: Payment | None = None


@dataclass(frozen=True)
class News:
    """What Stripe said of a payment, with the rows that it changes, all of them locked."""

    outcome: Outcome
    payment: Payment
    order: Order
    customer: Customer
    subscription: Subscription | None


def when_failed(react: Failed) -> Failed:
    """Registers what follows a payment that failed (dunning); called in the transaction of the outcome."""
    _failed.append(react)
    return react


def when_paid(react: Paid) -> Paid:
    """Registers what follows an order that was paid, after `order.paid` was said; in the same transaction."""
    _paid.append(react)
    return react


async def collect(
    sessions: Sessions, processor: StripeProcessor, payment: Payment, *, is_present: bool = False
) -> Outcome | None:
    """Charges an open payment and writes the outcome down. None when Stripe could not be asked: the timer goes on.

    `is_present`: the customer is there, and may be asked by their bank (`requires_action` has the client's secret).
    """
    outcome = await charge(processor, payment, is_present=is_present)
    if outcome is None:
        return None
    async with sessions() as session:
        await settle(session, payment.id, outcome)
    return outcome


async def charge(processor: StripeProcessor, payment: Payment, *, is_present: bool = False) -> Outcome | None:
    """Asks Stripe for the money, or what became of it. May be repeated: the key stays the same. None: not known."""
    if payment.processor_payment_method_id is None or payment.processor_customer_id is None:
        return await _of_lost_token(processor, payment)
    metadata = {
        "order_id": str(payment.order_id),
        "payment_id": str(payment.id),
        "attempt": str(payment.attempt),
        "organization_id": str(payment.organization_id),
    }
    wish = SavedCharge(
        payment.idempotency_key,
        payment.amount,
        payment.currency,
        payment.processor_customer_id,
        payment.processor_payment_method_id,
        metadata,
        is_present,
    )
    try:
        if payment.processor_id is not None:
            return await processor.retrieve(payment.processor_id)
        if payment.written_at < clock.wall() - KEYS_LAST:
            found = await processor.find_payment(payment.processor_customer_id, str(payment.id))
            if found is not None:
                return found
        return await processor.charge_saved(wish)
    except (ProcessorUnavailable, ProcessorRefused) as error:
        log.warning("payment.unknown", payment_id=str(payment.id), reason=str(error))
        return None


async def _of_lost_token(processor: StripeProcessor, payment: Payment) -> Outcome | None:
    """A payment without a saved card: one that a customer began with a new card, before a crash, or none at all."""
    if payment.processor_customer_id is None:
        return NO_METHOD
    try:
        return await processor.find_payment(payment.processor_customer_id, str(payment.id)) or NO_METHOD
    except (ProcessorUnavailable, ProcessorRefused) as error:
        log.warning("payment.unknown", payment_id=str(payment.id), reason=str(error))
        return None


async def ask_now(session: AsyncSession, payment_id: UUID, processor_id: str) -> bool:
    """Has the timer ask Stripe at once about a payment that is not settled yet, by Stripe's name of it.

    Returns whether it will be asked about.
    """
    await lock_customer(session, payment_id)
    wanted = select(Payment, clocks.instant_at(Payment.organization_id)).where(
        Payment.id == payment_id, Payment.status == "open"
    )
    row = (await session.execute(wanted.with_for_update(of=Payment))).first()
    if row is None:
        return False
    clocks.stand(row.Payment.organization_id, row.instant)
    row.Payment.processor_id = row.Payment.processor_id or processor_id
    row.Payment.due_at = clock.now()
    wake(session)
    return True


async def lock_customer(session: AsyncSession, payment_id: UUID) -> bool:
    """Locks the customer of a payment. Returns whether there is such a payment.

    Whoever locks a payment and may lock its customer later, as a batch of call-backs does, locks the customer first:
    `settle` takes them in that order.
    """
    payer = select(Customer.id).join(Payment, Payment.customer_id == Customer.id).where(Payment.id == payment_id)
    return (await session.execute(payer.with_for_update(of=Customer))).first() is not None


async def settle(session: AsyncSession, payment_id: UUID, outcome: Outcome) -> Payment | None:
    """Writes down what Stripe said of a payment. Idempotent; the first final outcome counts. None: not ours.

    The customer is locked first, then the order and its payment, so that all who bring news come one after the other.
    """
    row = (await session.execute(_found().where(Payment.id == payment_id))).first()
    if row is None or row.order_id is None:
        return None
    if row.status in FINAL:
        return await session.get(Payment, payment_id)
    clocks.stand(row.organization_id, row.instant)
    customer = (
        await session.execute(select(Customer).where(Customer.id == row.customer_id).with_for_update())
    ).scalar_one()
    order = (await session.execute(select(Order).where(Order.id == row.order_id).with_for_update())).scalar_one()
    payment = (await session.execute(select(Payment).where(Payment.id == payment_id).with_for_update())).scalar_one()
    subscription = None
    if order.subscription_id is not None:
        locked = select(Subscription).where(Subscription.id == order.subscription_id).with_for_update()
        subscription = (await session.execute(locked)).scalar_one_or_none()
    await conclude(session, [News(outcome, payment, order, customer, subscription)])
    return payment


async def settle_all(session: AsyncSession, outcomes: Mapping[UUID, Outcome]) -> set[UUID]:
    """`settle` for payments of different customers, in a dozen statements whatever their number. Returns which.

    Left to `settle` are those whose customer somebody else has locked, so that nobody waits for them here, and those
    that stand at a test clock. The rows are locked in the same order as there.
    """
    rows = (await session.execute(_found().where(Payment.id.in_(outcomes)))).all()
    done = {row.id for row in rows if row.order_id is None or row.status in FINAL}
    wanted = {row.customer_id: row for row in rows if row.id not in done and row.instant is None}
    customers = await _locked(session, Customer, wanted, skip_locked=True)
    taken = [row for customer_id, row in wanted.items() if customer_id in customers]
    orders = await _locked(session, Order, [row.order_id for row in taken])
    payments = await _locked(session, Payment, [row.id for row in taken])
    named = [order.subscription_id for order in orders.values() if order.subscription_id is not None]
    subscriptions = await _locked(session, Subscription, named)
    await shapes_of(session, {row.organization_id for row in taken})
    news = []
    for row in taken:
        order = orders[row.order_id]
        subscription = subscriptions.get(order.subscription_id) if order.subscription_id else None
        news.append(News(outcomes[row.id], payments[row.id], order, customers[row.customer_id], subscription))
    await conclude(session, news)
    return done | {row.id for row in taken}


def _found() -> Any:
    return select(
        Payment.id, Payment.status, Payment.customer_id, Payment.order_id, Payment.organization_id,
        clocks.instant_at(Payment.organization_id),
    )  # fmt: skip


async def _locked(
    session: AsyncSession, model: type[Locked], wanted: Collection[UUID], *, skip_locked: bool = False
) -> dict[UUID, Locked]:
    """Rows by their ids, locked in one order everywhere."""
    if not wanted:
        return {}
    statement = select(model).where(model.id.in_(wanted)).order_by(model.id).with_for_update(skip_locked=skip_locked)
    return {row.id: row for row in (await session.execute(statement)).scalars()}


async def conclude(session: AsyncSession, heard: Sequence[News]) -> None:
    """`settle` for rows that the caller has locked, of different customers."""
    now = clock.now()
    settled = []
    declined = [news.outcome for news in heard if news.outcome.status == "declined"]
    await client_intents.decline(session, {one.processor_id: one.tried for one in declined if one.processor_id})
    for news in heard:
        payment, order, outcome = news.payment, news.order, news.outcome
        if payment.status in FINAL or (payment.status == "failed" and outcome.status != "succeeded"):
            continue
        payment.modified_at = now
        payment.processor_id = payment.processor_id or outcome.processor_id
        facts = outcome.facts
        if facts.get("method_metadata"):
            payment.method, payment.method_metadata = facts["method"], facts["method_metadata"]
        payment.processor_outcome = facts.get("outcome") or payment.processor_outcome
        match outcome.status:
            case "open":
                put_off(payment, ASK_AGAIN, now)
            case "requires_action":
                put_off(payment, CUSTOMER_HAS, now)
            case "declined":
                payment.status, payment.due_at = "failed", None
                payment.decline_code, payment.decline_message = outcome.decline_code, outcome.message
                await session.flush()
                if order.status == "pending":
                    for react in _failed:
                        await react(session, order, payment, news.customer, news.subscription, now)
            case "succeeded":
                payment.due_at = None
                payment.processor_fee_amount = int(facts.get("fee", 0))
                if order.status == "pending":
                    payment.status = "succeeded"
                    settled.append(Settled(order, news.customer, news.subscription, payment))
                else:
                    # Money for an order that is paid or void already: a timer gives it back.
                    log.error("payment.unexpected", payment_id=str(payment.id), order_id=str(order.id))
                    payment.status, payment.due_at, payment.duplicate_at = "duplicate", clock.wall(), now
                    record_duplicate(session, payment)
    await paid(session, settled, now)


async def settle_free(
    session: AsyncSession, order: Order, customer: Customer, subscription: Subscription | None, at: datetime
) -> None:
    """An order of which nothing is to be charged is paid at once. The caller has said `order.created`."""
    assert order.payable_amount == 0
    await paid(session, [Settled(order, customer, subscription)], at)


async def paid(session: AsyncSession, settled: Sequence[Settled], at: datetime) -> None:
    """Orders are paid: status, ledger, `order.updated`, `order.paid`, and what others registered for it."""
    for one in settled:
        one.order.pay(at)
    await receipts.give(session, [(one.order, one.customer) for one in settled])
    await session.flush()
    for one in settled:
        record_settlement(session, one.order, one.payment, at)
        tax_transactions.keep_sale(session, one.order)
        tell(session, one.order, one.customer, one.subscription, OrderUpdatedV1, OrderPaidV1, at=at)
        for react in _paid:
            await react(session, one.order, one.customer, one.subscription, at)
