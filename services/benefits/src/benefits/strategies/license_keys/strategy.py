"""License keys: one for each grant."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from benefits.benefit_grants.models import BenefitGrant
from benefits.license_keys import giving
from benefits.strategies.protocol import Gift


class LicenseKeys:
    """A key for each grant; it is the same again when the grant comes back, and follows benefit and subscription."""

    async def give(self, session: AsyncSession, gifts: Sequence[Gift]) -> list[dict[str, Any]]:
        """Makes the keys, or revives them."""
        keys = await giving.give(session, gifts)
        return [{"license_key_id": str(key.id), "display_key": key.display_key} for key in keys]

    async def take(self, session: AsyncSession, grants: Sequence[BenefitGrant]) -> list[dict[str, Any]]:
        """Revokes the keys."""
        await giving.revoke(session, [grant.id for grant in grants])
        return [grant.properties for grant in grants]

    async def cycle(self, session: AsyncSession, gifts: Sequence[Gift]) -> list[dict[str, Any]]:
        """The keys last as long as the new period."""
        return await self.give(session, gifts)
