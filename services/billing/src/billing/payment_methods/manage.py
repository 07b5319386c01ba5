"""What customers do with their saved cards. Stripe is asked between transactions; repeating leads to the same end."""

from collections.abc import Collection
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from processor import (
    ProcessorRefused,
    ProcessorUnavailable,
    Setup,
    SetupOutcome,
    StripeProcessor,
    is_test_method,
    refusal_of,
)
from servicekit import clock
from servicekit.auth import Principal
from servicekit.database import Sessions
from servicekit.errors import BadRequest, InvalidInput, NotPermitted, ResourceNotFound, ServiceError
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.card_attempts import operations as card_attempts
from billing.client_intents import operations as client_intents
from billing.customers import queries as customers
from billing.customers.models import Customer
from billing.orders.dunning import retry_with_new_card
from billing.payment_methods import agreements, operations, queries
from billing.payment_methods.agreements import AgreedBy
from billing.payment_methods.models import PaymentMethod
from billing.payment_methods.schemas import (
    CustomerPaymentMethodConfirm,
    CustomerPaymentMethodCreate,
    CustomerPaymentMethodCreateResponse,
    PaymentMethodRead,
)
from billing.settings import Settings
from billing.subscriptions import dues
from billing.subscriptions.models import Subscription

ATTEMPT = "attempt_id"
"""In a set-up's metadata at Stripe: the attempt that it was counted as."""


class PaymentMethodSetupFailed(BadRequest):
    """The card could not be kept; `decline_code` says why in Stripe's words."""


class PaymentMethodInUseByActiveSubscription(BadRequest):
    """A subscription that goes on needs the card."""


class PaymentMethodOfCheckout(BadRequest):
    """The card was entered at a checkout with the customer's e-mail, by whoever bought there."""


class CustomerNotReady(NotPermitted):
    """The set-up is another customer's."""


class ProcessorSilent(ServiceError):
    """The payment processor could not be asked; repeating the request goes on with the same set-up."""

    status_code = 503


def read(method: PaymentMethod, customer: Customer) -> PaymentMethodRead:
    """A card as the API shows it."""
    fields = {name: getattr(method, name) for name in PaymentMethodRead.model_fields if name != "is_default"}
    return PaymentMethodRead(**fields, is_default=customer.default_payment_method_id == method.id)


async def own_customer(session: AsyncSession, principal: Principal, *, lock: bool = False) -> Customer:
    """The customer of the session. Raises `ResourceNotFound`."""
    customer = await customers.find(session, principal, id=principal.customer_id, lock=lock)
    if customer is None:
        raise ResourceNotFound()
    return customer


async def add(
    sessions: Sessions,
    processor: StripeProcessor,
    settings: Settings,
    principal: Principal,
    wish: CustomerPaymentMethodCreate,
    address: str | None,
) -> CustomerPaymentMethodCreateResponse:
    """Keeps a card. `address` is the client's, by which declines are counted.

    Raises `PaymentMethodSetupFailed`, `InvalidInput`, `ProcessorSilent`, or `TooManyAttempts` without trying the card.
    """
    refusal = refusal_of(wish.confirmation_token_id, is_test_mode=settings.is_test_mode)
    if refusal is not None:
        raise InvalidInput(("body", "confirmation_token_id"), refusal)
    async with sessions() as session:
        customer = await own_customer(session, principal)
    about = {"customer_id": str(customer.id), "organization_id": str(customer.organization_id)}
    # A test card's name is no token: it may be added again.
    unique = clock.now().isoformat() if is_test_method(wish.confirmation_token_id) else ""
    key = f"setup:{customer.id}:{wish.confirmation_token_id}{unique}"
    attempt_id = uuid5(NAMESPACE_URL, key)
    try:
        mark = f"customer {customer.id}"
        await card_attempts.begin(
            sessions, processor, customer.organization_id, mark, attempt_id, wish.confirmation_token_id, address
        )
        holder = customer.processor_customer_id or await processor.create_customer(
            f"customer:{customer.id}", customer.email, customer.name, about
        )
        asked = {**about, ATTEMPT: str(attempt_id)}
        outcome = await processor.set_up(Setup(key, holder, asked, wish.confirmation_token_id, wish.return_url))
    except (ProcessorUnavailable, ProcessorRefused) as error:
        raise ProcessorSilent("the payment processor could not be reached", headers={"Retry-After": "2"}) from error
    await card_attempts.end(sessions, attempt_id, outcome.status)
    return await _kept(sessions, processor, principal, outcome, holder, attempt_id, wish)


async def confirm(
    sessions: Sessions, processor: StripeProcessor, principal: Principal, wish: CustomerPaymentMethodConfirm
) -> CustomerPaymentMethodCreateResponse:
    """Goes on with a card whose bank was asked. Raises `CustomerNotReady`, `PaymentMethodSetupFailed`."""
    async with sessions() as session:
        customer = await own_customer(session, principal)
    try:
        outcome = await processor.retrieve_setup(wish.setup_intent_id)
    except ProcessorRefused as error:
        raise CustomerNotReady("This set-up is not of this customer") from error
    except ProcessorUnavailable as error:
        raise ProcessorSilent("the payment processor could not be reached", headers={"Retry-After": "2"}) from error
    if outcome.metadata.get("customer_id") != str(customer.id):
        raise CustomerNotReady("This set-up is not of this customer")
    named = outcome.metadata.get(ATTEMPT)
    attempt_id = UUID(named) if named else uuid5(NAMESPACE_URL, wish.setup_intent_id)
    if outcome.status == "declined":
        async with sessions() as session:
            await client_intents.decline(session, {wish.setup_intent_id: outcome.tried})
    else:
        await card_attempts.end(sessions, attempt_id, outcome.status)
    holder = customer.processor_customer_id or ""
    return await _kept(sessions, processor, principal, outcome, holder, attempt_id, wish, is_own=False)


async def _kept(
    sessions: Sessions,
    processor: StripeProcessor,
    principal: Principal,
    outcome: SetupOutcome,
    holder: str,
    attempt_id: UUID,
    wish: CustomerPaymentMethodCreate | CustomerPaymentMethodConfirm,
    *,
    is_own: bool = True,
) -> CustomerPaymentMethodCreateResponse:
    if outcome.status == "declined":
        raise PaymentMethodSetupFailed(
            outcome.message or "The card could not be kept.", decline_code=outcome.decline_code
        )
    if outcome.status != "succeeded" or outcome.payment_method is None:
        async with sessions() as session:
            customer = await own_customer(session, principal, lock=True)
            customer.processor_customer_id = customer.processor_customer_id or holder or None
            if outcome.processor_id is not None:
                mark = f"customer {customer.id}"
                await client_intents.expose(session, outcome.processor_id, customer.organization_id, attempt_id, mark)
        return CustomerPaymentMethodCreateResponse(status="requires_action", client_secret=outcome.client_secret)
    try:
        method = await processor.retrieve_method(outcome.payment_method)
    except (ProcessorUnavailable, ProcessorRefused) as error:
        raise ProcessorSilent("the payment processor could not be reached", headers={"Retry-After": "2"}) from error
    if not is_own and method.customer != holder:
        raise CustomerNotReady("This set-up is not of this customer")
    shown: dict[str, Any] = {name: value for name, value in method.metadata.items() if name != "fingerprint"}
    async with sessions() as session:
        customer, by = await own_customer(session, principal, lock=True), agreements.actor(principal)
        before = customer.default_payment_method_id
        saved = await operations.keep(
            session, customer, method.customer or holder, method.processor_id, method.type, shown,
            as_default=wish.set_default or before is None,
        )  # fmt: skip
        await operations.adopt(session, customer, saved, by)
        if wish.for_subscriptions:
            await operations.pay_subscriptions(session, customer, saved, by)
        if wish.for_subscriptions or customer.default_payment_method_id != before:
            await retry_with_new_card(session, customer, by, clock.now())
        return CustomerPaymentMethodCreateResponse(status="succeeded", payment_method=read(saved, customer))


async def make_default(
    session: AsyncSession, principal: Principal, id: UUID, *, for_subscriptions: bool = False
) -> PaymentMethodRead:
    """Makes a saved card the default, which is asked at once for what is past due.

    With `for_subscriptions` it pays for the customer's own subscriptions from now on, whatever card each had.
    Raises `ResourceNotFound`, or `PaymentMethodOfCheckout` for a card that somebody else may have entered.
    """
    customer, by = await own_customer(session, principal, lock=True), agreements.actor(principal)
    method = await queries.find(session, principal, id)
    if method is None:
        raise ResourceNotFound()
    own = select(PaymentMethod.id).where(PaymentMethod.id == id, agreements.is_own_card(PaymentMethod.id))
    if (await session.execute(own)).first() is None:
        raise PaymentMethodOfCheckout("This card was entered at a checkout: add it here to use it for more")
    if customer.default_payment_method_id != id or for_subscriptions:
        operations.choose(session, customer, id)
        await operations.adopt(session, customer, method, by)
        if for_subscriptions:
            await operations.pay_subscriptions(session, customer, method, by)
        await retry_with_new_card(session, customer, by, clock.now())
    return read(method, customer)


async def delete(sessions: Sessions, processor: StripeProcessor, principal: Principal, id: UUID) -> None:
    """Forgets a card. The customer's own subscriptions go on with the default; their latest other card takes its place.

    Raises `ResourceNotFound`, or `PaymentMethodInUseByActiveSubscription` where a subscription has something to pay
    (`dues.of_customer`) that no other card may pay for: there is none, or the subscription was begun at a checkout,
    perhaps by somebody else, and neither customer nor seller has chosen a card for it.
    """
    async with sessions() as session:
        customer = await own_customer(session, principal, lock=True)
        method = await queries.find(session, principal, id)
        if method is None:
            raise ResourceNotFound()
        is_default = PaymentMethod.id == customer.default_payment_method_id
        others = (
            select(PaymentMethod)
            .where(PaymentMethod.customer_id == customer.id, PaymentMethod.id != id, PaymentMethod.deleted_at.is_(None))
            .where(agreements.is_own_card(PaymentMethod.id))
            .order_by(is_default.desc(), PaymentMethod.created_at.desc())
            .limit(1)
        )
        other = (await session.execute(others)).scalar_one_or_none()
        needing = await dues.of_customer(session, customer.id)
        if other is None and needing:
            raise PaymentMethodInUseByActiveSubscription("A subscription needs this card: add another first")
        await _reassign(session, customer, id, other, needing, agreements.actor(principal))
        now = clock.now()
        method.deleted_at = method.modified_at = now
        if customer.default_payment_method_id == id:
            operations.choose(session, customer, other.id if other else None)
    try:
        await processor.detach_method(method.processor_id)
    except ProcessorUnavailable:
        return  # it is forgotten here, and never charged again


async def _reassign(
    session: AsyncSession,
    customer: Customer,
    id: UUID,
    other: PaymentMethod | None,
    needing: Collection[UUID],
    by: AgreedBy,
) -> None:
    """What the card paid for goes on with another one where that is the customer's will, else without any."""
    paid_for = select(Subscription).where(Subscription.customer_id == customer.id, Subscription.payment_method_id == id)
    subscriptions = (await session.execute(paid_for.order_by(Subscription.id).with_for_update())).scalars().all()
    own = {one.id for one in await agreements.owned(session, subscriptions)}
    for subscription in subscriptions:
        if subscription.id not in own and subscription.id in needing:
            raise PaymentMethodInUseByActiveSubscription(
                f"Subscription {subscription.id} was begun with this card: choose another one for it "
                "(payment_method_id), or cancel it, first"
            )
        takes = other.id if other is not None and subscription.id in own else None
        agreements.pay_with(session, subscription, takes, by)
