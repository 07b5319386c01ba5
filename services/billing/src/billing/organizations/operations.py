"""The seller, as a customer sees it."""

from typing import Any
from uuid import UUID

from servicekit.database import awaited
from servicekit.errors import ResourceNotFound
from sqlalchemy.ext.asyncio import AsyncSession

from billing.organizations.models import Organization

SHOWN = (
    "id", "created_at", "modified_at", "name", "slug", "avatar_url", "proration_behavior", "allow_customer_updates",
    "customer_portal_settings",
)  # fmt: skip


async def shape_of(session: AsyncSession, organization_id: UUID) -> dict[str, Any]:
    """The organization's public shape, its settings included; empty before it is known here."""
    known = await session.get(Organization, organization_id)
    return known.data if known is not None else {}


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
