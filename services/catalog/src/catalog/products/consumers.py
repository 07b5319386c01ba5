"""What is heard about the use of products."""

from contracts.billing import OrderCreatedV1
from contracts.checkout import DiscountCreatedV1, DiscountUpdatedV1
from servicekit.consumers import Consumers
from sqlalchemy.ext.asyncio import AsyncSession

from catalog.products import operations

consumers = Consumers("catalog.sales")


@consumers.on(OrderCreatedV1)
async def keep_what_was_sold(event: OrderCreatedV1, session: AsyncSession) -> None:
    """A product that was sold cannot be deleted any more."""
    if event.data.product_id is not None:
        await operations.mark_in_use(session, [event.data.product_id])


@consumers.on(DiscountCreatedV1, DiscountUpdatedV1)
async def keep_what_is_discounted(event: DiscountCreatedV1 | DiscountUpdatedV1, session: AsyncSession) -> None:
    """A product that a discount names cannot be deleted any more."""
    await operations.mark_in_use(session, [product.id for product in event.data.products])
