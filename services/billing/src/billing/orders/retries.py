"""What customers do about an order that was not paid: pay it with a card, saved or new."""

from uuid import UUID

from processor import Charge, Outcome, ProcessorRefused, ProcessorUnavailable, StripeProcessor, refusal_of
from servicekit import clock, ids
from servicekit.auth import Principal
from servicekit.database import Sessions
from servicekit.errors import Conflict, InvalidInput, ResourceNotFound, ServiceError
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.card_attempts import operations as card_attempts
from billing.client_intents import operations as client_intents
from billing.customers import queries as customers
from billing.orders import dunning, queries
from billing.orders.schemas import CustomerOrderConfirmPayment, CustomerOrderPaymentConfirmation
from billing.payment_methods import agreements
from billing.payment_methods import queries as payment_methods
from billing.payment_methods.manage import ProcessorSilent
from billing.payments import collect, requests
from billing.payments.models import Payment
from billing.settings import Settings
from billing.subscriptions.models import Subscription

MOST = 5
"""So often a customer may try an order (Polar's limit)."""


class PaymentAlreadyInProgress(Conflict):
    """A payment of the order is under way."""


class OrderNotEligibleForRetry(ServiceError):
    """The order is not one that was not paid."""

    status_code = 422


class ManualRetryLimitExceeded(ServiceError):
    """The customer has tried too often."""

    status_code = 429


async def confirm(
    sessions: Sessions,
    processor: StripeProcessor,
    settings: Settings,
    principal: Principal,
    id: UUID,
    wish: CustomerOrderConfirmPayment,
    address: str | None,
) -> CustomerOrderPaymentConfirmation:
    """Pays a pending order with the customer present, who may have to prove themselves to their bank.

    Raises `ResourceNotFound`, `PaymentAlreadyInProgress`, `OrderNotEligibleForRetry`, `ManualRetryLimitExceeded`, or
    `InvalidInput` for a card that is not theirs, `TooManyAttempts` for a new card where too many were declined, and
    `ProcessorSilent` where it cannot be looked at. It does not count in dunning (Polar's rule).
    """
    token, attempt_id = wish.confirmation_token_id, ids.uuid7()
    if (token is None) == (wish.payment_method_id is None):
        raise InvalidInput(("body",), "Either confirmation_token_id or payment_method_id")
    if token is not None:
        await _count(sessions, processor, settings, principal, id, attempt_id, token, address)
    try:
        async with sessions() as session:
            payment = await _begin(session, principal, id, wish)
    except ServiceError:
        await card_attempts.end(sessions, attempt_id, "succeeded")  # the card was not tried
        raise
    if token is not None:
        outcome = await _charge_token(processor, payment, token)
        if outcome is not None:
            await card_attempts.end(sessions, attempt_id, outcome.status)
    else:
        outcome = await collect.charge(processor, payment, is_present=True)
    if outcome is None:
        return CustomerOrderPaymentConfirmation(status="processing")
    async with sessions() as session:
        if outcome.client_secret is not None and outcome.processor_id is not None:
            await client_intents.expose(
                session, outcome.processor_id, payment.organization_id, attempt_id, f"order {payment.order_id}"
            )
        settled = await collect.settle(session, payment.id, outcome)
    if settled is not None and settled.is_duplicate:
        message = "The order was paid, or is not owed any more: the payment is given back"
        return CustomerOrderPaymentConfirmation(status="failed", error=message)
    error = outcome.message if outcome.status == "declined" else None
    status = {"declined": "failed", "open": "processing"}.get(outcome.status, outcome.status)
    return CustomerOrderPaymentConfirmation(status=status, client_secret=outcome.client_secret, error=error)


async def _count(
    sessions: Sessions,
    processor: StripeProcessor,
    settings: Settings,
    principal: Principal,
    id: UUID,
    attempt_id: UUID,
    token: str,
    address: str | None,
) -> None:
    refusal = refusal_of(token, is_test_mode=settings.is_test_mode)
    if refusal is not None:
        raise InvalidInput(("body", "confirmation_token_id"), refusal)
    async with sessions() as session:
        order = await queries.find(session, principal, id)
    if order is None:
        raise ResourceNotFound()
    mark = f"order {order.id}"
    try:
        await card_attempts.begin(sessions, processor, order.organization_id, mark, attempt_id, token, address)
    except ProcessorUnavailable as error:
        raise ProcessorSilent("the payment processor could not be reached", headers={"Retry-After": "2"}) from error


async def _begin(session: AsyncSession, principal: Principal, id: UUID, wish: CustomerOrderConfirmPayment) -> Payment:
    seen = await queries.find(session, principal, id)
    if seen is None:
        raise ResourceNotFound()
    customer = await customers.lock(session, seen.customer_id)
    order = await queries.find(session, principal, id, lock=True)
    if order is None or order.status != "pending" or order.payment_deadline is None:
        raise OrderNotEligibleForRetry("Only an order whose payment failed can be paid so")
    if await dunning.is_open(session, order):
        raise PaymentAlreadyInProgress("A payment of this order is under way")
    tried = select(func.count()).where(Payment.order_id == order.id, Payment.trigger == "retry_customer")
    if (await session.execute(tried)).scalar_one() >= MOST:
        raise ManualRetryLimitExceeded("This order was tried too often", headers={"Retry-After": "86400"})
    method = None
    if wish.payment_method_id is not None:
        method = await payment_methods.find(session, principal, wish.payment_method_id)
        if method is None or method.customer_id != customer.id:
            raise InvalidInput(("body", "payment_method_id"), "Payment method does not exist")
        subscription = await session.get(Subscription, order.subscription_id) if order.subscription_id else None
        present_id = subscription.payment_method_id if subscription is not None else None
        await agreements.is_chosen(session, agreements.actor(principal), method.id, present_id)
    payment = await requests.request(session, order, method, "retry_customer", in_hand=True, at=clock.now())
    if method is None:
        payment.processor_customer_id = customer.processor_customer_id
    return payment


async def _charge_token(processor: StripeProcessor, payment: Payment, token: str) -> Outcome | None:
    """A new card, kept where Stripe knows the customer. After a crash Stripe is asked what became of it."""
    metadata = {
        "order_id": str(payment.order_id),
        "payment_id": str(payment.id),
        "attempt": str(payment.attempt),
        "organization_id": str(payment.organization_id),
    }
    wish = Charge(
        payment.idempotency_key, payment.amount, payment.currency, token, metadata, payment.processor_customer_id
    )
    try:
        return await processor.charge(wish)
    except (ProcessorUnavailable, ProcessorRefused):
        return None
