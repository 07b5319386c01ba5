"""What is heard about benefits."""

from contracts.benefits import BenefitCreatedV1, BenefitUpdatedV1
from servicekit.consumers import Consumers
from servicekit.database import project
from sqlalchemy.ext.asyncio import AsyncSession

from catalog.benefits.models import Benefit
from catalog.products import operations as products

consumers = Consumers("catalog.benefits")


@consumers.on(BenefitCreatedV1, BenefitUpdatedV1)
async def follow_benefit(event: BenefitCreatedV1 | BenefitUpdatedV1, session: AsyncSession) -> None:
    """Keeps the benefit, and tells again of the products that give it; a deleted one leaves their lists."""
    before = await session.get(Benefit, event.subject, with_for_update=True)
    told = before.data if before is not None else None
    written = await project(
        session,
        Benefit,
        event,
        organization_id=event.organization_id,
        selectable=event.data.selectable,
        is_deleted=event.data.is_deleted,
        data=event.data.model_dump(mode="json"),
    )
    if written and told is not None and told != event.data.model_dump(mode="json"):
        await products.tell_of_benefit(session, event.subject)
