"""The seller, as a customer sees it."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from servicekit.database import awaited
from servicekit.errors import ResourceNotFound
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.organizations.models import Organization

SHOWN = (
    "id", "created_at", "modified_at", "name", "slug", "avatar_url", "proration_behavior", "allow_customer_updates",
    "customer_portal_settings",
)  # fmt: skip


async def shape_of(session: AsyncSession, organization_id: UUID) -> dict[str, Any]:
    """The organization's public shape, its settings included; empty before it is known here.

    It is read once in a transaction: what bills many, and pays many, asks for the same sellers again and again.
    """
    return (await shapes_of(session, [organization_id]))[organization_id]


async def shapes_of(session: AsyncSession, organization_ids: Collection[UUID]) -> dict[UUID, dict[str, Any]]:
    """`shape_of` for several, in one statement for those that the transaction has not read yet."""
    known: dict[UUID, dict[str, Any]] = session.info.setdefault("sellers", {})
    missing = set(organization_ids) - known.keys()
    if missing:
        with session.no_autoflush:
            found = select(Organization.id, Organization.data).where(Organization.id.in_(missing))
            known |= {id: {} for id in missing} | {row.id: row.data for row in await session.execute(found)}
    return known


async def awaited_shape(session: AsyncSession, organization_id: UUID) -> dict[str, Any]:
    """The same where it is needed. Raises `ResourceNotFound` before it is known here."""
    known = await awaited(lambda: session.get(Organization, organization_id))
    if known is None:
        raise ResourceNotFound()
    return known.data


async def seller(session: AsyncSession, organization_id: UUID) -> dict[str, Any]:
    """What a customer may see of the organization. Raises `ResourceNotFound` before it is known here."""
    data = await awaited_shape(session, organization_id)
    return {name: data[name] for name in SHOWN} | {"organization_features": None}
