"""Which benefits a product gives."""

from collections.abc import Collection
from uuid import UUID

from servicekit import clock
from servicekit.database import wake
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from benefits.products.models import Product, ProductChange


async def benefits_of(session: AsyncSession, product_ids: Collection[UUID]) -> dict[UUID, list[UUID]]:
    """The benefits of products, in order; those that are not known yet are missing.

    The rows stay shared until the transaction's end, so that whoever changes one meets every grant made before.
    """
    if not product_ids:
        return {}
    statement = select(Product.id, Product.benefit_ids).where(Product.id.in_(product_ids)).order_by(Product.id)
    rows = (await session.execute(statement.with_for_update(read=True))).all()
    return {row.id: [UUID(benefit_id) for benefit_id in row.benefit_ids] for row in rows}


async def note_change(session: AsyncSession, product: Product) -> None:
    """Has the product's buyers worked through, from the first one on."""
    row = {
        "product_id": product.id,
        "organization_id": product.organization_id,
        "done_to": None,
        "worked_at": clock.now(),
    }
    statement = insert(ProductChange).values(row)
    await session.execute(statement.on_conflict_do_update(index_elements=["product_id"], set_={"done_to": None}))
    wake(session)
