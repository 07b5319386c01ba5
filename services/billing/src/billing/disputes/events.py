"""Disputes as refunds and the API show them."""

from contracts import billing as contracts
from servicekit import clock

from billing.disputes.models import OPEN, Dispute


def summary(dispute: Dispute) -> contracts.RefundDispute:
    """A dispute as its refund shows it."""
    is_open = dispute.status in OPEN
    due_by = dispute.evidence_due_by if is_open else None
    return contracts.RefundDispute(
        id=dispute.id,
        created_at=dispute.created_at,
        modified_at=dispute.modified_at,
        status=dispute.status,
        resolved=dispute.status in {"won", "lost"},
        closed=not is_open,
        amount=dispute.amount,
        tax_amount=dispute.tax_amount,
        currency=dispute.currency,
        reason=dispute.reason,
        evidence_due_by=due_by,
        past_due=due_by is not None and due_by < clock.now(),
        order_id=dispute.order_id,
        payment_id=dispute.payment_id,
    )
