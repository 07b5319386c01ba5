"""Finding the product that a subscription is changed to."""

from uuid import UUID

from contracts import catalog as contracts
from servicekit.database import awaited
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.products.models import Product


async def awaited_product(session: AsyncSession, organization_id: UUID, id: UUID) -> contracts.Product | None:
    """A product of the organization; waits up to a second for one that was created a moment ago."""
    statement = select(Product).where(Product.organization_id == organization_id, Product.id == id)

    async def known() -> Product | None:
        return (await session.execute(statement)).scalar_one_or_none()

    product = await awaited(known)
    return product.shape if product is not None else None
