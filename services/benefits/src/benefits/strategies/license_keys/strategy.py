"""License keys: one for each grant."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from benefits.benefit_grants.models import BenefitGrant, Entitlement
from benefits.benefits.models import Benefit
from benefits.license_keys import giving


class LicenseKeys:
    """A key for each grant; it is the same again when the grant comes back, and follows benefit and subscription."""

    async def give(
        self, session: AsyncSession, grant: BenefitGrant, benefit: Benefit, entitlement: Entitlement
    ) -> dict[str, Any]:
        """Makes the key, or revives it."""
        key = await giving.give(session, grant, benefit, entitlement)
        return {"license_key_id": str(key.id), "display_key": key.display_key}

    async def take(self, session: AsyncSession, grant: BenefitGrant) -> dict[str, Any]:
        """Revokes the key."""
        await giving.revoke(session, grant.id)
        return grant.properties

    async def cycle(
        self, session: AsyncSession, grant: BenefitGrant, benefit: Benefit, entitlement: Entitlement
    ) -> dict[str, Any]:
        """The key lasts as long as the new period."""
        return await self.give(session, grant, benefit, entitlement)
