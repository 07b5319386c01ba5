"""Payments, as they are heard of."""

from uuid import UUID

from contracts.checkout import Purchase, PurchasePayment
from servicekit.auth import Principal
from servicekit.errors import ResourceNotFound
from sqlalchemy.ext.asyncio import AsyncSession

from billing.payment_methods.models import PaymentMethod
from billing.payments import queries
from billing.payments.models import Payment


async def get(session: AsyncSession, principal: Principal, id: UUID) -> Payment:
    """Raises `ResourceNotFound`."""
    payment = await queries.find(session, principal, id)
    if payment is None:
        raise ResourceNotFound()
    return payment


def keep(
    session: AsyncSession, purchase: Purchase, paid: PurchasePayment, customer_id: UUID, method: PaymentMethod | None
) -> Payment:
    """Keeps the payment of a purchase."""
    payment = Payment(
        id=paid.id,
        organization_id=purchase.organization_id,
        created_at=purchase.succeeded_at,
        customer_id=customer_id,
        order_id=purchase.order_id,
        checkout_id=purchase.checkout_id,
        processor=paid.processor,
        processor_id=paid.processor_id,
        status="succeeded",
        trigger="purchase",
        amount=paid.amount,
        currency=paid.currency,
        method=paid.method,
        method_metadata=paid.method_metadata,
        attempt=1,
        payment_method_id=method.id if method else None,
        processor_outcome=paid.processor_outcome,
        processor_fee_amount=paid.processor_fee_amount,
        processor_customer_id=paid.processor_customer_id,
        processor_payment_method_id=paid.processor_payment_method_id,
    )
    session.add(payment)
    return payment
