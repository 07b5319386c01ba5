"""What is heard about products."""

from contracts.catalog import ProductCreatedV1, ProductUpdatedV1
from servicekit.consumers import Consumers
from servicekit.database import project
from sqlalchemy.ext.asyncio import AsyncSession

from billing.products.models import Product

consumers = Consumers("billing.products")


@consumers.on(ProductCreatedV1, ProductUpdatedV1)
async def keep_product(event: ProductCreatedV1 | ProductUpdatedV1, session: AsyncSession) -> None:
    """Keeps the product as it is now; subscriptions keep their own copy, as it was when they began or changed."""
    data = event.data.model_dump(mode="json")
    await project(session, Product, event, organization_id=event.organization_id, data=data)
