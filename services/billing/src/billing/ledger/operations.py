"""Writing movements down. Every function only adds; a database transaction that ends out of balance is refused."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from servicekit import clock, ids
from sqlalchemy.ext.asyncio import AsyncSession

from billing.disputes.models import Dispute
from billing.ledger.fees import platform_fee
from billing.ledger.models import LedgerEntry, LedgerTransaction
from billing.payments.models import Payment
from billing.refunds.models import Refund


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
    fields = dict(vars(about))
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


def record_duplicate(session: AsyncSession, payment: Payment) -> None:
    """A customer has paid what nobody owed (any more): Stripe holds it, until it is given back. It is of no order."""
    about = _of_duplicate(payment)
    fee = payment.processor_fee_amount
    write(session, "payment", about, {"processor": payment.amount, "customer_payments": -payment.amount})
    write(session, "processor_fee", about, {"processor_fees": fee, "processor": -fee})


def record_return(session: AsyncSession, payment: Payment, at: datetime) -> None:
    """Such a payment was given back. Stripe keeps its fee."""
    about = replace(_of_duplicate(payment), occurred_at=at)
    write(session, "return", about, {"customer_payments": payment.amount, "processor": -payment.amount})


def reverse_return(session: AsyncSession, payment: Payment, at: datetime) -> None:
    """The customer's bank did not take it: the money came back."""
    about = replace(_of_duplicate(payment), occurred_at=at)
    write(session, "return_reversal", about, {"processor": payment.amount, "customer_payments": -payment.amount})


def _of_duplicate(payment: Payment) -> About:
    return replace(of_payment(payment), order_id=None)


def record_refund(session: AsyncSession, refund: Refund, at: datetime) -> None:
    """Money was given back: Stripe holds less, and the merchant and the tax office are owed less.

    `balance_amount`, which only refunds of earlier releases have, was taken off the customer's credit: the merchant
    has it.
    """
    about = of_refund(refund, at)
    write(session, "refund", about, {"refunds": refund.total, "processor": -refund.total})
    write(session, "balance", about, _charged(refund, 1))


def reverse_refund(session: AsyncSession, refund: Refund, at: datetime) -> None:
    """The money came back: everything that `record_refund` wrote, the other way."""
    about = of_refund(refund, at)
    write(session, "refund_reversal", about, {"processor": refund.total, "refunds": -refund.total})
    write(session, "balance", about, _charged(refund, -1))


def _charged(refund: Refund, sign: int) -> dict[str, int]:
    return {
        "merchant_balance": sign * (refund.amount - refund.balance_amount),
        "tax_payable": sign * refund.tax_amount,
        "customer_balance": sign * refund.balance_amount,
        "refunds": -sign * refund.total,
    }


def withdraw_dispute(session: AsyncSession, dispute: Dispute, at: datetime) -> None:
    """A bank took the money of a payment, until it decides, and Stripe its fee for that."""
    about = of_dispute(dispute, at)
    write(session, "dispute", about, {"disputes": dispute.total, "processor": -dispute.total})
    write(session, "processor_fee", about, {"processor_fees": dispute.fee_amount, "processor": -dispute.fee_amount})


def charge_dispute(session: AsyncSession, dispute: Dispute, at: datetime, *, is_duplicate: bool = False) -> None:
    """The dispute is lost: what the bank took is charged to the merchant and taken off the tax.

    What was taken back of the customer's credit reduces both: its credit had reduced them before. With `is_duplicate`
    it was a payment that nobody owed: what the bank gave back is the customer's own.
    """
    recovered, recovered_tax = dispute.recovered_amount or 0, dispute.recovered_tax_amount or 0
    sides = {
        "customer_payments" if is_duplicate else "merchant_balance": dispute.amount - recovered,
        "tax_payable": dispute.tax_amount - recovered_tax,
        "customer_balance": recovered + recovered_tax,
        "disputes": -dispute.total,
    }
    write(session, "balance", of_dispute(dispute, at), sides)


def reinstate_dispute(session: AsyncSession, dispute: Dispute, at: datetime) -> None:
    """The dispute is won: the bank gave the money back. Stripe keeps its fee."""
    sides = {"processor": dispute.total, "disputes": -dispute.total}
    write(session, "dispute_reversal", of_dispute(dispute, at), sides)


def of_refund(refund: Refund, at: datetime) -> About:
    """What the movements of a refund are about."""
    return About(
        organization_id=refund.organization_id,
        currency=refund.currency,
        occurred_at=at,
        order_id=refund.order_id,
        payment_id=refund.payment_id,
        refund_id=refund.id,
        customer_id=refund.customer_id,
    )


def of_dispute(dispute: Dispute, at: datetime) -> About:
    """What the movements of a dispute are about."""
    return About(
        organization_id=dispute.organization_id,
        currency=dispute.currency,
        occurred_at=at,
        order_id=dispute.order_id,
        payment_id=dispute.payment_id,
        dispute_id=dispute.id,
        customer_id=dispute.customer_id,
    )


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
