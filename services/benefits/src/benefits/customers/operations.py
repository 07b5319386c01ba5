"""Keeping what is known of customers."""

from contracts.billing import Customer as CustomerShape
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from benefits.customers.models import Customer


async def introduce(session: AsyncSession, data: CustomerShape) -> Customer:
    """The customer that a purchase names, who may not have been heard of yet: their own events replace this copy."""
    row = insert(Customer).values(
        id=data.id,
        organization_id=data.organization_id,
        sequence=0,
        external_id=data.external_id,
        data=data.model_dump(mode="json"),
    )
    await session.execute(row.on_conflict_do_nothing())
    return await session.get_one(Customer, data.id)
