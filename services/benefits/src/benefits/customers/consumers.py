"""What is heard about customers."""

from contracts.billing import CustomerCreatedV1, CustomerDeletedV1, CustomerUpdatedV1
from servicekit.consumers import Consumers
from servicekit.database import project
from sqlalchemy.ext.asyncio import AsyncSession

from benefits.benefit_grants import following
from benefits.customers.models import Customer

consumers = Consumers("benefits.customers")


@consumers.on(CustomerCreatedV1, CustomerUpdatedV1, CustomerDeletedV1)
async def keep_customer(
    event: CustomerCreatedV1 | CustomerUpdatedV1 | CustomerDeletedV1, session: AsyncSession
) -> None:
    """Keeps the customer as it is now; a deleted one loses what it has."""
    await project(
        session,
        Customer,
        event,
        organization_id=event.organization_id,
        external_id=event.data.external_id,
        data=event.data.model_dump(mode="json"),
    )
    if isinstance(event, CustomerDeletedV1):
        await following.end_of_customer(session, event.subject)
