"""What is heard about grants of benefits."""

from contracts.benefits import (
    BenefitGrantCreatedV1,
    BenefitGrantCycledV1,
    BenefitGrantRevokedV1,
    BenefitGrantUpdatedV1,
)
from servicekit import outbox
from servicekit.consumers import Consumers
from servicekit.database import project
from sqlalchemy.ext.asyncio import AsyncSession

from billing.benefit_grants.models import BenefitGrant
from billing.customers import state

consumers = Consumers("billing.benefit_grants")


@consumers.on(BenefitGrantCreatedV1, BenefitGrantUpdatedV1, BenefitGrantCycledV1, BenefitGrantRevokedV1)
async def keep_grant(
    event: BenefitGrantCreatedV1 | BenefitGrantUpdatedV1 | BenefitGrantCycledV1 | BenefitGrantRevokedV1,
    session: AsyncSession,
) -> None:
    """Keeps the grant as it is now, and tells of the customer's state."""
    grant = event.data
    shown = {"id", "created_at", "modified_at", "granted_at", "benefit_id", "properties"}
    benefit = {"benefit_type": grant.benefit.type, "benefit_metadata": grant.benefit.metadata}
    is_news = await project(
        session,
        BenefitGrant,
        event,
        organization_id=event.organization_id,
        customer_id=grant.customer_id,
        is_granted=grant.is_granted,
        data=grant.model_dump(mode="json", include=shown) | benefit,
    )
    if is_news:
        outbox.at_end(session, state.told, grant.customer_id)
