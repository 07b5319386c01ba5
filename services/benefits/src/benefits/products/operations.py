"""Which benefits a product gives."""

from uuid import UUID

from servicekit import clock
from servicekit.database import wake
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from benefits.products.models import Product, ProductChange


async def benefits_of(session: AsyncSession, product_id: UUID) -> list[UUID] | None:
    """The benefits of a product, in order; None while it is not known.

    The row stays shared until the transaction's end, so that whoever changes it meets every grant made before.
    """
    statement = select(Product.benefit_ids).where(Product.id == product_id).with_for_update(read=True)
    found = (await session.execute(statement)).scalar_one_or_none()
    return None if found is None else [UUID(benefit_id) for benefit_id in found]


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
