"""Confirming a checkout: the one verb that moves money, in two transactions with the charge between them.

The first fixes everything that the purchase will be (its ids, the discount's redemption, the payment's attempt); the
charge carries a key made of that; the second writes down what came of it. Repeating any part leads to the same end.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from processor import StripeProcessor, is_test_method
from servicekit import clock, ids
from servicekit.database import Sessions
from servicekit.errors import InvalidInput
from servicekit.outside import asking
from sqlalchemy.ext.asyncio import AsyncSession

from checkout.checkouts import chargeable, custom_fields, operations, taxes
from checkout.checkouts.models import Checkout
from checkout.checkouts.schemas import CheckoutConfirm
from checkout.customers.operations import id_of_email
from checkout.discounts import operations as discounts
from checkout.payments import operations as payments
from checkout.payments.models import Payment
from checkout.settings import Settings
from checkout.subscriptions import operations as subscriptions
from checkout.trial_redemptions import operations as trial_redemptions
from checkout.trial_redemptions.operations import TrialAlreadyRedeemed

Find = Callable[[AsyncSession], Awaitable[Checkout]]
IN_HAND = timedelta(seconds=30)
"""For how long a charge is left to the request that began it; then any repetition, or the timer, takes it over."""
WAIT_SECONDS = 20.0
ATTEMPTS = 3
"""How often a request finds an attempt with another card under way, and then tries its own, before it is refused."""


@dataclass(frozen=True)
class _Prepared:
    checkout_id: UUID
    payment_id: UUID | None
    """None when nothing is to be paid, or when all is over."""
    is_ours: bool
    """Whether this request is the one that charges."""
    is_with_other_card: bool = False
    """Whether the attempt was begun by a request that named another card than this one does."""


async def confirm(
    sessions: Sessions, processor: StripeProcessor, settings: Settings, find: Find, wish: CheckoutConfirm
) -> UUID:
    """Confirms the checkout that `find` locks, and charges for it. Returns its id.

    An attempt that is under way is waited for, since two would be charged twice. When it had another card than is
    wished now, and is declined, the wish goes on with its own: the decline was not of this card.

    Raises `PaymentError` for a declined card (the checkout is open again), `PaymentUnavailable` when Stripe could not
    be asked (repeating the request goes on with the same payment), `InvalidInput` for what is missing or gone,
    `ExpiredCheckoutError`, `DiscountRedemptionLimitReached`, `AlreadyActiveSubscriptionError`, and
    `TrialAlreadyRedeemed`.
    """

    async def prepare() -> _Prepared:
        async with sessions() as session:
            return await _prepare(session, await find(session), wish, settings)

    left = ATTEMPTS
    while True:
        prepared = await asking(prepare)
        if prepared.payment_id is None:
            return prepared.checkout_id
        try:
            if prepared.is_ours:
                await payments.charge(sessions, processor, settings, prepared.payment_id)
            else:
                await _outcome_of(sessions, prepared.payment_id)
        except (payments.PaymentError, TrialAlreadyRedeemed):
            left -= 1
            if not left or not prepared.is_with_other_card:
                raise
        else:
            return prepared.checkout_id


async def _prepare(session: AsyncSession, checkout: Checkout, wish: CheckoutConfirm, settings: Settings) -> _Prepared:
    if checkout.status == "succeeded":
        return _Prepared(checkout.id, None, False)
    now = clock.now()
    if checkout.status == "confirmed":
        payment = await payments.of_attempt(session, checkout.id, checkout.attempt)
        is_ours = payment.status == "open" and (payment.due_at is None or payment.due_at <= clock.wall())
        if is_ours:
            payment.due_at = clock.wall() + IN_HAND
        is_with_other_card = wish.confirmation_token_id not in (None, payment.confirmation_token)
        return _Prepared(checkout.id, payment.id, is_ours, is_with_other_card)
    checkout.ensure_open(now)
    operations.describe_buyer(checkout, wish)
    operations.choose_amount(checkout, wish)
    if wish.discount_code is not None:
        await operations.apply_code(session, checkout, wish.discount_code)
    discount = await operations.refresh_terms(session, checkout)
    await taxes.apply(session, checkout, strict=True)
    chargeable.ensure_payable(checkout, wish)
    if not checkout.customer_email:
        raise InvalidInput(("body", "customer_email"), "Field required", "missing")
    if checkout.require_billing_address and not checkout.customer_billing_address:
        raise InvalidInput(("body", "customer_billing_address"), "Field required", "missing")
    custom_fields.ensure_complete(checkout.product_data["attached_custom_fields"], checkout.custom_field_data)
    token = _token(checkout, wish, settings)
    customer_id = checkout.customer_id or await id_of_email(
        session, checkout.organization_id, checkout.customer_email, settings.secret
    )
    await subscriptions.ensure_first(session, checkout, customer_id)
    await trial_redemptions.ensure_first(session, checkout, customer_id)
    checkout.confirm(customer_id, now)
    if discount is not None:
        await discounts.redeem(session, discount, checkout.id, customer_id)
        operations.reprice(checkout, discount)
        await taxes.apply(session, checkout, strict=True)
        checkout.discount_data = (await discounts.shapes(session, [discount]))[0].model_dump(mode="json")
    keeps_card = checkout.active_trial is not None and checkout.needs_setup
    if not checkout.needs_payment and not keeps_card:
        operations.succeed(session, checkout, None, settings.public_url)
        return _Prepared(checkout.id, None, False)
    payment = Payment(
        id=ids.uuid7(),
        organization_id=checkout.organization_id,
        created_at=now,
        checkout_id=checkout.id,
        attempt=checkout.attempt,
        status="open",
        amount=checkout.total_amount if checkout.needs_payment else 0,
        currency=checkout.currency,
        confirmation_token=token,
        saves_method=checkout.subscription_id is not None,
        customer_id=customer_id,
        facts={},
        due_at=clock.wall() + IN_HAND,
    )
    session.add(payment)
    operations.tell(session, checkout, settings)
    return _Prepared(checkout.id, payment.id, True)


def _token(checkout: Checkout, wish: CheckoutConfirm, settings: Settings) -> str:
    token = wish.confirmation_token_id or ""
    if not checkout.needs_payment and not (checkout.active_trial is not None and checkout.needs_setup):
        return token
    if not token:
        raise InvalidInput(("body", "confirmation_token_id"), "Field required", "missing")
    if is_test_method(token) and not settings.is_test_mode:
        raise InvalidInput(("body", "confirmation_token_id"), "Test payment methods need a test key")
    return token


async def _outcome_of(sessions: Sessions, payment_id: UUID) -> None:
    """Waits for the request that charges, so that all who confirm at once hear the same. Raises its decline."""
    deadline = asyncio.get_running_loop().time() + WAIT_SECONDS
    pause = 0.02
    while True:
        async with sessions() as session:
            payment = await payments.by_id(session, payment_id)
            if payment.status == "failed":
                raise payments.declined(payment)
            if payment.status != "open":
                return
        if asyncio.get_running_loop().time() > deadline:
            return
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, 0.25)
