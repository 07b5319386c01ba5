"""The seller, as a customer sees it."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from servicekit.database import awaited
from servicekit.errors import ResourceNotFound
from sqlalchemy.ext.asyncio import AsyncSession

from benefits.organizations.models import Organization

SHOWN = (
    "id", "created_at", "modified_at", "name", "slug", "avatar_url", "proration_behavior", "allow_customer_updates",
)  # fmt: skip


async def seller(session: AsyncSession, organization_id: UUID) -> dict[str, Any]:
    """What a customer may see of the organization. Raises `ResourceNotFound` before it is known here."""
    known = await awaited(lambda: session.get(Organization, organization_id))
    if known is None:
        raise ResourceNotFound()
    return {name: known.data[name] for name in SHOWN}


async def grace_period(session: AsyncSession, organization_id: UUID) -> timedelta | None:
    """How long benefits stay while a payment is missing; None before the organization is known here."""
    known = await session.get(Organization, organization_id)
    return None if known is None else grace_of(known.data)


def grace_of(organization: dict[str, Any]) -> timedelta:
    """The grace period among an organization's settings."""
    return timedelta(days=(organization.get("subscription_settings") or {}).get("benefit_revocation_grace_period") or 0)
