"""How a settled order stands in the ledger, whoever paid it: a card, the customer's balance, both, or nobody."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from billing.ledger.fees import platform_fee
from billing.ledger.operations import About, of_payment, write
from billing.orders.models import Order
from billing.payments.models import Payment


def record_settlement(session: AsyncSession, order: Order, payment: Payment | None, at: datetime) -> None:
    """An order's amount due has come in, or there was none. Notes the operator's fee on the order.

    Stripe holds what the card paid; the merchant is owed the net amount and the tax office the tax; the balance of the
    customer covers the difference (its credit shrinks, or a debt or credit remains).
    """
    about = About(
        organization_id=order.organization_id,
        currency=order.currency,
        occurred_at=at,
        order_id=order.id,
        payment_id=payment.id if payment else None,
        customer_id=order.customer_id,
    )
    paid = payment.amount if payment else 0
    if payment is not None:
        about = of_payment(payment)
        write(session, "payment", about, {"processor": paid, "customer_payments": -paid})
    settled = {
        "customer_payments": paid,
        "merchant_balance": -order.net_amount,
        "tax_payable": -order.tax_amount,
        "customer_balance": -order.applied_balance_amount,
    }
    write(session, "balance", about, settled)
    if payment is None:
        return
    fee = payment.processor_fee_amount
    write(session, "processor_fee", about, {"processor_fees": fee, "processor": -fee})
    order.platform_fee_amount = platform_fee(paid, order.currency)
    write(
        session,
        "platform_fee",
        about,
        {"merchant_balance": order.platform_fee_amount, "platform_fee": -order.platform_fee_amount},
    )
