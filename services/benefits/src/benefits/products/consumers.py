"""What is heard about products."""

from contracts.catalog import ProductCreatedV1, ProductUpdatedV1
from servicekit.consumers import Consumers
from servicekit.database import project
from sqlalchemy.ext.asyncio import AsyncSession

from benefits.products import operations
from benefits.products.models import Product

consumers = Consumers("benefits.products")


@consumers.on(ProductCreatedV1, ProductUpdatedV1)
async def follow_product(event: ProductCreatedV1 | ProductUpdatedV1, session: AsyncSession) -> None:
    """Keeps which benefits a product gives; when they change, its buyers follow."""
    wanted = [str(benefit.id) for benefit in event.data.benefits]
    known = await session.get(Product, event.subject, with_for_update=True)
    before = list(known.benefit_ids) if known is not None else []
    written = await project(session, Product, event, organization_id=event.organization_id, benefit_ids=wanted)
    if written and before != wanted:
        await operations.note_change(session, await session.get_one(Product, event.subject))
