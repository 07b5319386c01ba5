"""What is heard about organizations."""

from contracts.identity import OrganizationCreatedV1, OrganizationUpdatedV1
from servicekit.consumers import Consumers
from servicekit.database import project
from sqlalchemy.ext.asyncio import AsyncSession

from benefits.organizations.models import Organization

consumers = Consumers("benefits.organizations")


@consumers.on(OrganizationCreatedV1, OrganizationUpdatedV1)
async def keep_organization(event: OrganizationCreatedV1 | OrganizationUpdatedV1, session: AsyncSession) -> None:
    """Keeps the organization as it is now."""
    await project(session, Organization, event, data=event.data.model_dump(mode="json"))
