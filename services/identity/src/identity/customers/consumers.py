"""What is heard about customers."""

from collections.abc import Sequence

from contracts.billing import CustomerCreatedV1, CustomerDeletedV1, CustomerUpdatedV1
from servicekit.consumers import Consumers
from servicekit.database import project_all
from sqlalchemy.ext.asyncio import AsyncSession

from identity.customers.models import Customer

consumers = Consumers("identity.customers")


@consumers.on(CustomerCreatedV1, CustomerUpdatedV1, CustomerDeletedV1, together=True)
async def keep_customers(
    events: Sequence[CustomerCreatedV1 | CustomerUpdatedV1 | CustomerDeletedV1], session: AsyncSession
) -> None:
    """Keeps the customers as they are now."""
    rows = [
        {
            "organization_id": event.organization_id,
            "external_id": event.data.external_id,
            "is_deleted": event.data.deleted_at is not None,
            "data": event.data.model_dump(mode="json"),
        }
        for event in events
    ]
    await project_all(session, Customer, list(zip(events, rows, strict=True)))
