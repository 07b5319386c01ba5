"""What is heard about products."""

from contracts.catalog import ProductCreatedV1, ProductUpdatedV1
from servicekit.consumers import Consumers
from servicekit.database import project
from sqlalchemy.ext.asyncio import AsyncSession

from checkout.products.models import Product

consumers = Consumers("checkout.products")


@consumers.on(ProductCreatedV1, ProductUpdatedV1)
async def keep_product(event: ProductCreatedV1 | ProductUpdatedV1, session: AsyncSession) -> None:
    """Keeps the product as it is now."""
    await project(
        session,
        Product,
        event,
        organization_id=event.organization_id,
        price_ids=[str(price.id) for price in event.data.prices],
        data=event.data.model_dump(mode="json"),
    )
