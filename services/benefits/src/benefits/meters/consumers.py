"""What is heard about meters."""

from contracts.metering import MeterCreatedV1, MeterUpdatedV1
from servicekit.consumers import Consumers
from servicekit.database import project
from sqlalchemy.ext.asyncio import AsyncSession

from benefits.meters.models import Meter

consumers = Consumers("benefits.meters")


@consumers.on(MeterCreatedV1, MeterUpdatedV1)
async def keep_meter(event: MeterCreatedV1 | MeterUpdatedV1, session: AsyncSession) -> None:
    """Keeps whose meter it is, so that a credit of usage names one of its own organization."""
    await project(session, Meter, event, organization_id=event.organization_id)
