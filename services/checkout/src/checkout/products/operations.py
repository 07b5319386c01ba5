"""Finding products that purchases and discounts name."""

from collections.abc import Sequence
from uuid import UUID

from servicekit.database import awaited
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from checkout.products.models import Product


async def awaited_products(session: AsyncSession, organization_id: UUID, ids: Sequence[UUID]) -> dict[UUID, Product]:
    """Products of the organization by id; waits up to a second for those that were created a moment ago."""
    statement = select(Product).where(Product.organization_id == organization_id, Product.id.in_(ids))

    async def all_known() -> dict[UUID, Product] | None:
        found = {product.id: product for product in (await session.execute(statement)).scalars()}
        return found if len(found) == len(set(ids)) else None

    return await awaited(all_known) or {product.id: product for product in (await session.execute(statement)).scalars()}


async def awaited_price(session: AsyncSession, organization_id: UUID, price_id: UUID) -> Product | None:
    """The product that has a price on sale; waits up to a second for one that was created a moment ago."""
    statement = select(Product).where(
        Product.organization_id == organization_id, Product.price_ids.contains([str(price_id)])
    )

    async def known() -> Product | None:
        return (await session.execute(statement.limit(1))).scalar_one_or_none()

    return await awaited(known)
