"""Saved payment methods: kept when a purchase was paid, chosen for what is charged later."""

from uuid import UUID

from contracts.checkout import Purchase
from servicekit import clock, ids, outbox
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.customers import events as customers
from billing.customers.models import Customer
from billing.payment_methods.models import PaymentMethod


async def keep_of_purchase(session: AsyncSession, purchase: Purchase, customer: Customer) -> PaymentMethod | None:
    """Keeps the card of a purchase that is to be charged again. The caller has locked the customer."""
    paid = purchase.payment or purchase.setup
    if paid is None or purchase.subscription_id is None:
        return None
    if paid.processor_customer_id is None or paid.processor_payment_method_id is None:
        return None
    details = purchase.payment.method_details or purchase.payment.method_metadata if purchase.payment else None
    return await keep(
        session, customer, paid.processor_customer_id, paid.processor_payment_method_id, paid.method,
        paid.method_metadata if details is None else details,
    )  # fmt: skip


async def keep(
    session: AsyncSession,
    customer: Customer,
    processor_customer_id: str,
    processor_id: str,
    kind: str,
    metadata: dict[str, object],
    *,
    as_default: bool = False,
) -> PaymentMethod:
    """Keeps a card, once; the customer's first, or one that is wished so, becomes their default.

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
    customer.processor_customer_id = processor_customer_id
    if customer.default_payment_method_id is None or as_default:
        choose(session, customer, method.id)
    return method


def choose(session: AsyncSession, customer: Customer, method_id: UUID | None) -> None:
    """Makes a card the customer's default. The caller has locked the customer."""
    if customer.default_payment_method_id == method_id:
        return
    customer.default_payment_method_id = method_id
    customer.modified_at = clock.now()
    outbox.record(session, customers.customer_updated(customer))
