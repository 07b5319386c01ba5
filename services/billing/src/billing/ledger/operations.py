"""Writing movements down."""

from servicekit import clock, ids
from sqlalchemy.ext.asyncio import AsyncSession

from billing.ledger.models import LedgerEntry, LedgerTransaction
from billing.payments.models import Payment


def record_payment(session: AsyncSession, payment: Payment, tax_amount: int) -> LedgerTransaction:
    """A customer has paid: Stripe holds the total, the merchant is owed what is not tax. Amounts in minor units."""
    assert payment.order_id is not None
    sides = {
        "processor": payment.amount,
        "merchant_balance": -(payment.amount - tax_amount),
        "tax_payable": -tax_amount,
    }
    transaction = LedgerTransaction(
        id=ids.uuid7(),
        organization_id=payment.organization_id,
        created_at=clock.now(),
        kind="payment",
        order_id=payment.order_id,
        payment_id=payment.id,
        occurred_at=payment.created_at,
        entries=[
            LedgerEntry(
                id=ids.uuid7(),
                organization_id=payment.organization_id,
                account=account,
                amount=amount,
                currency=payment.currency,
            )
            for account, amount in sides.items()
            if amount
        ],
    )
    session.add(transaction)
    return transaction
