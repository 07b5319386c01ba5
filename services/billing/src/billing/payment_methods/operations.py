"""Saved payment methods: kept when a purchase was paid, chosen for what is charged later."""

from uuid import UUID

from contracts.checkout import Purchase
from servicekit import clock, ids, outbox
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.customers import events as customers
from billing.customers.models import Customer
from billing.payment_methods.agreements import AgreedBy, owned, pay_with
from billing.payment_methods.models import PaymentMethod
from billing.subscriptions.models import Subscription


async def keep_of_purchase(
    session: AsyncSession, purchase: Purchase, customer: Customer, *, is_new: bool
) -> PaymentMethod | None:
    """Keeps the card of a purchase that is to be charged again. The caller has locked the customer.

    It pays for the subscription of that purchase. It becomes the default of a customer that the purchase introduced
    (`is_new`), or the seller named, and who has none: anybody can type the e-mail of another customer.
    """
    paid = purchase.payment or purchase.setup
    if paid is None or purchase.subscription_id is None:
        return None
    if paid.processor_customer_id is None or paid.processor_payment_method_id is None:
        return None
    details = purchase.payment.method_details or purchase.payment.method_metadata if purchase.payment else None
    return await keep(
        session, customer, paid.processor_customer_id, paid.processor_payment_method_id, paid.method,
        paid.method_metadata if details is None else details,
        as_default=customer.default_payment_method_id is None and (is_new or purchase.customer.is_named),
    )  # fmt: skip


async def keep(
    session: AsyncSession,
    customer: Customer,
    processor_customer_id: str,
    processor_id: str,
    kind: str,
    metadata: dict[str, object],
    *,
    as_default: bool,
) -> PaymentMethod:
    """Keeps a card, once, and makes it the customer's default with `as_default`.

    The caller has locked the customer.
    """
    now = clock.now()
    known = select(PaymentMethod).where(PaymentMethod.processor_id == processor_id)
    method = (await session.execute(known)).scalar_one_or_none()
    if method is None:
        method = PaymentMethod(
            id=ids.uuid7(),
            organization_id=customer.organization_id,
            created_at=now,
            customer_id=customer.id,
            processor="stripe",
            processor_id=processor_id,
            processor_customer_id=processor_customer_id,
            type=kind,
            method_metadata=metadata,
        )
        session.add(method)
    method.deleted_at = None
    customer.processor_customer_id = customer.processor_customer_id or processor_customer_id
    if as_default:
        choose(session, customer, method.id)
    return method


async def adopt(session: AsyncSession, customer: Customer, method: PaymentMethod, by: AgreedBy) -> None:
    """A card that the customer added in the portal pays for each of their own subscriptions that has none to charge.

    One that somebody may have begun for their e-mail waits until they choose a card for it. The caller has locked the
    customer, and made sure that it was them; `by` is their act (`agreements.actor`).
    """
    await session.flush()
    chargeable = select(PaymentMethod.id).where(
        PaymentMethod.customer_id == customer.id, PaymentMethod.deleted_at.is_(None)
    )
    cardless = select(Subscription).where(
        Subscription.customer_id == customer.id,
        Subscription.ended_at.is_(None),
        Subscription.payment_method_id.is_(None) | Subscription.payment_method_id.not_in(chargeable),
    )
    found = (await session.execute(cardless.order_by(Subscription.id).with_for_update())).scalars()
    for subscription in await owned(session, found):
        pay_with(session, subscription, method.id, by)


async def pay_subscriptions(session: AsyncSession, customer: Customer, method: PaymentMethod, by: AgreedBy) -> None:
    """A card that the customer chose for all later payments pays for each of their own subscriptions that goes on.

    As with `adopt`, one that somebody may have begun for their e-mail keeps its card until they choose one for it by
    name. The caller has locked the customer, whose act it is (`by`).
    """
    await session.flush()
    running = select(Subscription).where(
        Subscription.customer_id == customer.id,
        Subscription.ended_at.is_(None),
        Subscription.payment_method_id.is_distinct_from(method.id),
    )
    found = (await session.execute(running.order_by(Subscription.id).with_for_update())).scalars()
    for subscription in await owned(session, found):
        pay_with(session, subscription, method.id, by)


def choose(session: AsyncSession, customer: Customer, method_id: UUID | None) -> None:
    """Makes a card the customer's default. The caller has locked the customer."""
    if customer.default_payment_method_id == method_id:
        return
    customer.default_payment_method_id = method_id
    customer.modified_at = clock.now()
    outbox.record(session, customers.customer_updated(customer))
