"""What is heard about organizations."""

from contracts.identity import OrganizationCreatedV1, OrganizationUpdatedV1
from servicekit.consumers import Consumers
from servicekit.database import project
from sqlalchemy.ext.asyncio import AsyncSession

from benefits.benefit_grants.grace import move_grace_periods
from benefits.organizations.models import Organization
from benefits.organizations.operations import grace_of

consumers = Consumers("benefits.organizations")


@consumers.on(OrganizationCreatedV1, OrganizationUpdatedV1)
async def keep_organization(event: OrganizationCreatedV1 | OrganizationUpdatedV1, session: AsyncSession) -> None:
    """Keeps the organization as it is now; another grace period counts for those who are past due already."""
    data = event.data.model_dump(mode="json")
    if await project(session, Organization, event, data=data):
        await move_grace_periods(session, event.subject, grace_of(data))
