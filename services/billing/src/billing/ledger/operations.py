"""Writing movements down. Every function only adds; a database transaction that ends out of balance is refused."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

from servicekit import clock, ids
from sqlalchemy.ext.asyncio import AsyncSession

from billing.ledger.fees import platform_fee
from billing.ledger.models import LedgerEntry, LedgerTransaction
from billing.payments.models import Payment


@dataclass(frozen=True, kw_only=True)
class About:
    """What a movement is about: whose it is, in which currency, when the money moved, and the ids it belongs to."""

    organization_id: UUID
    currency: str
    occurred_at: datetime
    order_id: UUID | None = None
    payment_id: UUID | None = None
    refund_id: UUID | None = None
    dispute_id: UUID | None = None
    customer_id: UUID | None = None


def write(session: AsyncSession, kind: str, about: About, sides: Mapping[str, int]) -> LedgerTransaction | None:
    """One movement. `sides` are accounts with minor units, debits positive; those of nothing are left out.

    Returns None where nothing moves. The commit is refused by the database when the sides do not balance.
    """
    moved = {account: amount for account, amount in sides.items() if amount}
    if not moved:
        return None
    fields = asdict(about)
    currency = fields.pop("currency")
    transaction = LedgerTransaction(
        id=ids.uuid7(),
        created_at=clock.now(),
        kind=kind,
        **fields,
        entries=[
            LedgerEntry(
                id=ids.uuid7(),
                organization_id=about.organization_id,
                account=account,
                amount=amount,
                currency=currency,
            )
            for account, amount in moved.items()
        ],
    )
    session.add(transaction)
    return transaction


def record_payment(session: AsyncSession, payment: Payment, tax_amount: int, processor_fee: int = 0) -> None:
    """A customer has paid an order in full: Stripe holds the total, the merchant is owed what is not tax.

    Amounts are minor units of the payment's currency; `processor_fee` is what Stripe kept of it.
    """
    about = of_payment(payment)
    write(session, "payment", about, {"processor": payment.amount, "customer_payments": -payment.amount})
    settled = {
        "customer_payments": payment.amount,
        "merchant_balance": -(payment.amount - tax_amount),
        "tax_payable": -tax_amount,
    }
    write(session, "balance", about, settled)
    write(session, "processor_fee", about, {"processor_fees": processor_fee, "processor": -processor_fee})
    fee = platform_fee(payment.amount, payment.currency)
    write(session, "platform_fee", about, {"merchant_balance": fee, "platform_fee": -fee})


def of_payment(payment: Payment) -> About:
    """What the movements of a payment are about."""
    return About(
        organization_id=payment.organization_id,
        currency=payment.currency,
        occurred_at=payment.created_at,
        order_id=payment.order_id,
        payment_id=payment.id,
        customer_id=payment.customer_id,
    )
