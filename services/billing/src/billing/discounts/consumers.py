"""What is heard about discounts."""

from contracts.checkout import DiscountCreatedV1, DiscountDeletedV1, DiscountUpdatedV1
from servicekit.consumers import Consumers
from servicekit.database import project
from sqlalchemy.ext.asyncio import AsyncSession

from billing.discounts.models import Discount

consumers = Consumers("billing.discounts")


@consumers.on(DiscountCreatedV1, DiscountUpdatedV1, DiscountDeletedV1)
async def keep_discount(
    event: DiscountCreatedV1 | DiscountUpdatedV1 | DiscountDeletedV1, session: AsyncSession
) -> None:
    """Keeps the discount as it is now; subscriptions that have it keep the terms that they were given."""
    data = event.data.model_dump(mode="json")
    await project(session, Discount, event, organization_id=event.organization_id, data=data)
