"""Reading customers that events name."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from metering.customers.models import Customer


async def known(session: AsyncSession, organization_ids: Iterable[UUID], ids: Iterable[UUID]) -> set[UUID]:
    """Which of the ids are customers of the organizations."""
    statement = select(Customer.id).where(
        Customer.organization_id.in_(set(organization_ids)), Customer.id.in_(set(ids))
    )
    return set((await session.execute(statement)).scalars())


async def named(
    session: AsyncSession, organization_ids: Iterable[UUID], ids: Iterable[UUID], external_ids: Iterable[str]
) -> tuple[dict[UUID, dict[str, Any]], dict[tuple[UUID, str], dict[str, Any]]]:
    """The customers that events name, by id, and by organization and external id; deleted ones by id alone."""
    statement = select(Customer).where(
        Customer.organization_id.in_(set(organization_ids)),
        Customer.id.in_(set(ids)) | Customer.external_id.in_(set(external_ids)),
    )
    found = list((await session.execute(statement)).scalars())
    live = {
        (customer.organization_id, customer.external_id): customer.data
        for customer in found
        if customer.external_id is not None and customer.data.get("deleted_at") is None
    }
    return {customer.id: customer.data for customer in found}, live
