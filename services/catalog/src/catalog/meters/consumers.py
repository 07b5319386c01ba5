"""What is heard about meters."""

from contracts.metering import MeterCreatedV1, MeterUpdatedV1
from servicekit.consumers import Consumers
from servicekit.database import project
from sqlalchemy.ext.asyncio import AsyncSession

from catalog.meters.models import Meter
from catalog.products import operations as products

consumers = Consumers("catalog.meters")


@consumers.on(MeterCreatedV1, MeterUpdatedV1)
async def follow_meter(event: MeterCreatedV1 | MeterUpdatedV1, session: AsyncSession) -> None:
    """Keeps the meter, and tells again of the products whose prices show it."""
    data = event.data.model_dump(mode="json")
    written = await project(session, Meter, event, organization_id=event.organization_id, data=data)
    if written and isinstance(event, MeterUpdatedV1):
        await products.tell_of_meter(session, event.subject)
