"""Confirming a checkout: the one verb that moves money, in two transactions with the charge between them.

The first fixes everything that the purchase will be (its ids, the discount's redemption, the payment's attempt); the
charge carries a key made of that; the second writes down what came of it. Repeating any part leads to the same end.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from uuid import UUID

from processor import StripeProcessor, is_test_method, refusal_of
from servicekit import clock, ids
from servicekit.database import Sessions
from servicekit.errors import InvalidInput
from servicekit.outside import asking
from sqlalchemy.ext.asyncio import AsyncSession

from checkout.buyer_attempts import operations as buyer_attempts
from checkout.checkouts import amounts, buyers, chargeable, consumer_rights, custom_fields, operations, taxes
from checkout.checkouts.models import Checkout, NotOpenCheckout
from checkout.checkouts.schemas import CheckoutConfirm
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


@dataclass(frozen=True)
class _Card:
    """What is known of whoever tries a card, and of the card."""

    processor: StripeProcessor
    address: str | None
    fingerprints: buyer_attempts.Cards


async def confirm(
    sessions: Sessions,
    processor: StripeProcessor,
    settings: Settings,
    find: Find,
    request: CheckoutConfirm,
    address: str | None = None,
) -> UUID:
    """Confirms the checkout that `find` locks, with what the request changes of it, and charges. Returns its id.

    `address` is the client's, by which declines are counted; without it the one that the seller gave.

    An attempt that is under way is waited for, since two would be charged twice. When it had another card than the
    request, and is declined, the request goes on with its own: the decline was not of this card.

    Raises `PaymentError` for a declined card (the checkout is open again), `PaymentUnavailable` when Stripe could not
    be asked (repeating the request goes on with the same payment), `InvalidInput` for what is missing or gone,
    `NotOpenCheckout` for another product than it was confirmed for, `ExpiredCheckoutError`,
    `DiscountRedemptionLimitReached`, `CheckoutCustomerDeleted`, `AlreadyActiveSubscriptionError`,
    `SubscriptionNotUpgradable`, `TrialAlreadyRedeemed`, and `TooManyAttempts` without asking Stripe.
    """
    card = _Card(processor, address, {})

    async def prepare() -> _Prepared:
        async with sessions() as session:
            return await _prepare(session, await find(session), request, settings, card)

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


async def _prepare(
    session: AsyncSession, checkout: Checkout, request: CheckoutConfirm, settings: Settings, card: _Card
) -> _Prepared:
    if checkout.status in ("succeeded", "confirmed"):
        _ensure_same(checkout, request)
    if checkout.status == "succeeded":
        return _Prepared(checkout.id, None, False)
    now = clock.now()
    if checkout.status == "confirmed":
        payment = await payments.of_attempt(session, checkout.id, checkout.attempt)
        is_ours = payment.status == "open" and (payment.due_at is None or payment.due_at <= clock.wall())
        if is_ours:
            payment.due_at = clock.wall() + IN_HAND
        is_with_other_card = request.confirmation_token_id not in (None, payment.confirmation_token)
        return _Prepared(checkout.id, payment.id, is_ours, is_with_other_card)
    checkout.ensure_open(now)
    chooses = await operations.take_over(session, checkout, request)
    if chooses or amounts.names_another(checkout, request):
        await amounts.choose_discount(session, checkout, request)
    discount = await amounts.refresh_terms(session, checkout)
    payment_id, token = ids.uuid7(), request.confirmation_token_id
    is_counted = checkout.needs_card and token is not None and _is_counted(token, settings)
    if is_counted and token is not None:
        address = card.address or checkout.customer_ip_address
        read = partial(buyer_attempts.read_card, card.processor, token, card.fingerprints)
        await buyer_attempts.begin(session, checkout, payment_id, token, address, card.fingerprints, read)
    await taxes.apply(session, checkout, strict=True)
    chargeable.ensure_payable(checkout, request)
    _ensure_complete(checkout, request, settings)
    checkout.immediate_delivery_consent = consumer_rights.consent(checkout, request, now)
    customer_id = await buyers.resolve(session, checkout, settings.secret)
    if checkout.upgraded_subscription_id is not None:
        await subscriptions.ensure_upgradable(session, checkout, customer_id)
    else:
        await subscriptions.ensure_first(session, checkout, customer_id)
    await trial_redemptions.ensure_first(session, checkout, customer_id)
    checkout.is_new_customer = await buyers.is_new(session, checkout, customer_id)
    checkout.confirm(customer_id, now)
    if discount is not None:
        await discounts.redeem(session, discount, checkout.id, customer_id)
        amounts.ensure_applies(checkout, discount)
        amounts.reprice(checkout, discount)
        amounts.ensure_as_shown(checkout)
        await taxes.apply(session, checkout, strict=True)
        chargeable.ensure_payable(checkout, request)
        checkout.discount_data = (await discounts.shapes(session, [discount]))[0].model_dump(mode="json")
    if not checkout.needs_card:
        if is_counted:
            await buyer_attempts.take_back(session, payment_id)
        operations.succeed(session, checkout, None, settings)
        return _Prepared(checkout.id, None, False)
    payment = Payment(
        id=payment_id,
        organization_id=checkout.organization_id,
        created_at=now,
        checkout_id=checkout.id,
        attempt=checkout.attempt,
        status="open",
        amount=checkout.total_amount if checkout.needs_payment else 0,
        currency=checkout.currency,
        confirmation_token=request.confirmation_token_id or "",
        saves_method=checkout.subscription_id is not None,
        customer_id=customer_id,
        facts={payments.BUYER: checkout.customer_email, payments.TERMS: checkout.terms},
        due_at=clock.wall() + IN_HAND,
    )
    session.add(payment)
    operations.tell(session, checkout, settings)
    return _Prepared(checkout.id, payment.id, True)


def _ensure_same(checkout: Checkout, request: CheckoutConfirm) -> None:
    """A repeated confirm is answered by the first, and cannot buy something else. Raises `NotOpenCheckout`."""
    bought = {"product_id": checkout.product_id, "product_price_id": checkout.price_id, "currency": checkout.currency}
    if any(getattr(request, name) not in (None, value) for name, value in bought.items()):
        raise NotOpenCheckout("This checkout was confirmed for another product, price or currency")


def _ensure_complete(checkout: Checkout, request: CheckoutConfirm, settings: Settings) -> None:
    """Leaves out answers to another product's questions. Raises one `InvalidInput` naming all that is missing."""
    required = ["customer_email", *(["customer_billing_address"] if checkout.require_billing_address else [])]
    missing: list[tuple[str, ...]] = [("body", name) for name in required if not getattr(checkout, name)]
    asked = checkout.product_data["attached_custom_fields"]
    checkout.custom_field_data = custom_fields.asked_for(asked, checkout.custom_field_data)
    missing += custom_fields.missing(asked, checkout.custom_field_data)
    token = request.confirmation_token_id
    if checkout.needs_card and not token:
        missing.append(("body", "confirmation_token_id"))
    problems = [InvalidInput(loc, "Field required", "missing") for loc in missing]
    refusal = refusal_of(token, is_test_mode=settings.is_test_mode) if checkout.needs_card and token else None
    if refusal is not None:
        problems.append(InvalidInput(("body", "confirmation_token_id"), refusal))
    if problems:
        raise InvalidInput.all(problems)


def _is_counted(token: str, settings: Settings) -> bool:
    """Not what is refused, nor the name of a test payment method: there is no card behind it."""
    return not is_test_method(token) and refusal_of(token, is_test_mode=settings.is_test_mode) is None


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
