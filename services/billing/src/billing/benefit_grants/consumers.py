"""What is heard about grants of benefits."""

from collections.abc import Sequence
from typing import Any

from contracts import benefits as contracts
from contracts.benefits import (
    BenefitGrantCreatedV1,
    BenefitGrantCycledV1,
    BenefitGrantRevokedV1,
    BenefitGrantUpdatedV1,
)
from contracts.event import Event
from servicekit import outbox
from servicekit.consumers import Consumers
from servicekit.database import project_all
from sqlalchemy.ext.asyncio import AsyncSession

from billing.benefit_grants.models import BenefitGrant
from billing.customers import state

consumers = Consumers("billing.benefit_grants")


@consumers.on(BenefitGrantCreatedV1, BenefitGrantUpdatedV1, BenefitGrantCycledV1, BenefitGrantRevokedV1, together=True)
async def keep_grants(events: Sequence[Event[contracts.BenefitGrant]], session: AsyncSession) -> None:
    """Keeps the grants as they are now, and tells of their customers' states."""
    written = await project_all(session, BenefitGrant, [(event, _kept(event.data)) for event in events])
    for event in events:
        if event.subject in written:
            outbox.at_end(session, state.told, event.data.customer_id, correlation_id=event.correlation_id)


def _kept(grant: contracts.BenefitGrant) -> dict[str, Any]:
    shown = {"id", "created_at", "modified_at", "granted_at", "benefit_id", "properties"}
    benefit = {"benefit_type": grant.benefit.type, "benefit_metadata": grant.benefit.metadata}
    return {
        "organization_id": grant.organization_id,
        "customer_id": grant.customer_id,
        "is_granted": grant.is_granted,
        "subscription_id": grant.subscription_id,
        "order_id": grant.order_id,
        "data": grant.model_dump(mode="json", include=shown) | benefit,
    }
