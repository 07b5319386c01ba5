"""The request of a payment: which card pays, and a row that is open and due, in the caller's transaction.

What becomes of it is in `collect`: it is charged outside of any transaction, and settled in another.
"""

from datetime import datetime, timedelta

from servicekit import clock, ids
from servicekit.database import wake
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.customers.models import Customer
from billing.orders.models import Order
from billing.payment_methods.agreements import AgreedBy, pay_with
from billing.payment_methods.models import PaymentMethod
from billing.payments.models import Payment
from billing.subscriptions.models import Subscription

IN_HAND = timedelta(seconds=60)
"""For how long a payment is left to the process that took it; then another asks Stripe about it."""


async def method_for(
    session: AsyncSession, customer: Customer, subscription: Subscription | None
) -> PaymentMethod | None:
    """The card that pays: the subscription's own; for what is no subscription's, the customer's default. None: none.

    A subscription never falls back to the default: anybody can begin one for another customer's e-mail at a checkout.
    """
    method_id = subscription.payment_method_id if subscription is not None else customer.default_payment_method_id
    method = await session.get(PaymentMethod, method_id) if method_id is not None else None
    return method if method is not None and method.deleted_at is None else None


async def choose_method(
    session: AsyncSession, customer: Customer, subscription: Subscription, agreed_by: AgreedBy
) -> PaymentMethod | None:
    """The card that pays for what the customer, in the portal, or the seller, with a token, asks for (`agreed_by`).

    A subscription without a card that can be charged gets the customer's default, now and for its renewals. The caller
    has locked both.
    """
    method = await method_for(session, customer, subscription)
    if method is None:
        method = await method_for(session, customer, None)
        if method is not None:
            pay_with(session, subscription, method.id, agreed_by)
    return method


async def request(
    session: AsyncSession,
    order: Order,
    method: PaymentMethod | None,
    trigger: str,
    *,
    in_hand: bool = False,
    at: datetime | None = None,
) -> Payment:
    """Writes the next payment of a pending order: open, due now. The caller has locked the customer and the order.

    With `in_hand` the caller charges it itself right after the commit, and the timer leaves it alone meanwhile.
    The caller has looked, under its lock, that no payment of the order is open: the database refuses a second one.
    """
    last = select(func.coalesce(func.max(Payment.attempt), 0)).where(Payment.order_id == order.id)
    attempt = (await session.execute(last)).scalar_one() + 1
    return write_request(session, order, method, trigger, attempt, in_hand=in_hand, at=at)


def write_request(
    session: AsyncSession,
    order: Order,
    method: PaymentMethod | None,
    trigger: str,
    attempt: int,
    *,
    in_hand: bool = False,
    at: datetime | None = None,
) -> Payment:
    """`request` for a caller who knows the number of the attempt, for many at once."""
    now = at or clock.now()
    payment = Payment(
        id=ids.uuid7(),
        organization_id=order.organization_id,
        created_at=now,
        customer_id=order.customer_id,
        order_id=order.id,
        checkout_id=None,
        processor="stripe",
        status="open",
        trigger=trigger,
        agreement=_agreement(order, trigger),
        attempt=attempt,
        amount=order.payable_amount,
        currency=order.currency,
        method=method.type if method else "card",
        method_metadata={name: method.method_metadata.get(name) for name in ("brand", "last4")} if method else {},
        payment_method_id=method.id if method else None,
        processor_customer_id=method.processor_customer_id if method else None,
        processor_payment_method_id=method.processor_id if method else None,
        processor_fee_amount=0,
        due_at=now,
    )
    if in_hand:
        put_off(payment, IN_HAND, now)
    session.add(payment)
    wake(session)
    return payment


def later(wait: timedelta, now: datetime) -> dict[str, datetime | None]:
    """The columns of an open payment that waits for Stripe: by the machine's clock, also at a test clock."""
    if clock.standing() is None:
        return {"due_at": now + wait, "ask_at": None}
    return {"due_at": None, "ask_at": clock.wall() + wait}


def put_off(payment: Payment, wait: timedelta, now: datetime) -> None:
    """Lets an open payment wait for Stripe for so long."""
    for name, value in later(wait, now).items():
        setattr(payment, name, value)


def _agreement(order: Order, trigger: str) -> str:
    """What gives the right to charge the card, as `Payment.agreement` keeps it."""
    if trigger == "retry_customer":
        return "customer"
    return "subscription" if order.subscription_id is not None else "seller"
