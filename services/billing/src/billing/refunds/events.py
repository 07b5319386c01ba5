"""What is said about refunds."""

from datetime import datetime

from contracts import billing as contracts
from contracts.billing import RefundCreatedV1, RefundUpdatedV1

from billing.disputes import events as disputes
from billing.disputes.models import Dispute
from billing.refunds.models import Refund


def shape(refund: Refund, dispute: Dispute | None) -> contracts.Refund:
    """The public shape of a refund."""
    return contracts.Refund(
        id=refund.id,
        created_at=refund.created_at,
        modified_at=refund.modified_at,
        metadata=refund.user_metadata,
        status=refund.status,
        reason=refund.reason,
        amount=refund.amount,
        tax_amount=refund.tax_amount,
        currency=refund.currency,
        organization_id=refund.organization_id,
        order_id=refund.order_id,
        payment_id=refund.payment_id,
        subscription_id=refund.subscription_id,
        customer_id=refund.customer_id,
        revoke_benefits=refund.revoke_benefits,
        dispute=disputes.summary(dispute) if dispute else None,
    )


def told(
    contract: type[RefundCreatedV1] | type[RefundUpdatedV1], refund: Refund, data: contracts.Refund, at: datetime
) -> RefundCreatedV1 | RefundUpdatedV1:
    """One of the events about a refund, with its shape after the change."""
    return contract(subject=refund.id, organization_id=refund.organization_id, time=at, data=data)
