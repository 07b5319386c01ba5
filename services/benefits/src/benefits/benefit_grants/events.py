"""What is said about grants."""

from datetime import datetime
from typing import Any, TypeVar

from contracts import benefits as contracts
from contracts.billing import Customer as CustomerShape
from contracts.event import Event

from benefits.benefit_grants.models import BenefitGrant
from benefits.benefits import events as benefits
from benefits.benefits.models import Benefit
from benefits.customers.models import Customer

Told = TypeVar("Told", bound=Event[contracts.BenefitGrant])
_TOLERANT: Any = {"extra": "ignore", "context": {"tolerant": True}}


def shape(
    grant: BenefitGrant, benefit: Benefit, customer: Customer, before: dict[str, Any] | None = None
) -> contracts.BenefitGrant:
    """The public shape of a grant; `before` are its properties before a change."""
    return contracts.BenefitGrant(
        id=grant.id,
        created_at=grant.created_at,
        modified_at=grant.modified_at,
        organization_id=grant.organization_id,
        is_granted=grant.is_granted,
        is_revoked=grant.revoked_at is not None,
        granted_at=grant.granted_at,
        revoked_at=grant.revoked_at,
        subscription_id=grant.subscription_id,
        order_id=grant.order_id,
        customer_id=grant.customer_id,
        member_id=None,
        benefit_id=grant.benefit_id,
        error=contracts.GrantError.model_validate(grant.error, **_TOLERANT) if grant.error else None,
        customer=CustomerShape.model_validate(customer.data, **_TOLERANT),
        benefit=benefits.shape(benefit),
        properties=grant.properties,
        previous_properties=before,
        status=grant.state,
    )


def told(contract: type[Told], grant: BenefitGrant, data: contracts.BenefitGrant, at: datetime) -> Told:
    """One of the events about a grant, with its shape after the change."""
    return contract(subject=grant.id, organization_id=grant.organization_id, time=at, data=data)
